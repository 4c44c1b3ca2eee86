"""
The Procfile's processes, started one by one against a Redis server, with the sandbox Braze as Braze.

Everything runs for real, over HTTP and signals: what is tested here is what no test inside one process can see.
"""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPConnection, HTTPException
from typing import Any

import orjson
import pytest
import redis

from ingest.cli.up import child_environment
from tests.benchmarks.processes import Machine, Running, free_port, listens, procfile
from tests.factories import a_body, a_document
from workers.store.embedded import server_program

API_KEY, TOKEN = "an-example-of-a-key-0000", "token-for-everything"
#: Objects in one array of the webhook.
ARRAY = 100
PATIENCE_S = 40.0
#: A process that was asked to end may finish what it has begun.
STOP_S = 15.0
SANDBOX = (
    "exec granian --interface wsgi --factory --host 127.0.0.1 --port ${PORT} --workers 1 --blocking-threads 4"
    " --no-access-log ingest.sandbox.braze.app:from_environment"
)
GUNICORN = (
    "exec gunicorn --worker-class gthread --threads 8 --bind 127.0.0.1:${PORT} --no-control-socket"
    " 'ingest.app:from_environment()'"
)


class System:
    """A store, a Braze, and the three processes; every one can be killed and started again."""

    def __init__(self, machine: Machine, **more: str) -> None:
        """
        Args:
            more: Of the environment.
        """
        self.machine = machine
        self.store_port, self.web_port, self.braze_port = free_port(), free_port(), free_port()
        self._store_directory = machine.directory / "store"
        self._store_directory.mkdir()
        braze_url = f"http://127.0.0.1:{self.braze_port}"
        self.environ = {
            "REDIS_URL": f"redis://127.0.0.1:{self.store_port}/0", "HOST": "127.0.0.1", "PORT": str(self.web_port),
            "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz", "ADMIN_PASSWORD": "password-of-tests",
            "API_TOKEN": TOKEN, "PUBLIC_URL": "https://komo.example.org", "EXTRA_BRAZE_HOSTS": braze_url,
            "PERSON_SPACING_MS": "100", "WEB_WORKERS": "1", "LOG_LEVEL": "INFO",
        } | more  # fmt: skip
        sandbox = {"PORT": str(self.braze_port), "SANDBOX_BRAZE_KEY": API_KEY}
        self.braze = machine.start("braze", SANDBOX, sandbox)
        self.store = self.start_store()
        self.web, self.worker, self.clock = (self.start(name) for name in ("web", "worker", "clock"))
        self.web.wait_for(self.answers, "an answer")
        self.braze.wait_for(lambda: listens(self.braze_port), "listening")
        self.secret = self.api("POST", "/integrations", a_document(rest_endpoint=braze_url))["webhook_secret"]
        #: Submissions that were answered with 202, each once.
        self.accepted = 0
        self._counting = threading.Lock()

    def start_store(self) -> Running:
        """Debian's redis-server, or another: what it has answered is on disk."""
        options = {
            "port": str(self.store_port), "bind": "127.0.0.1", "dir": str(self._store_directory), "save": "",
            "appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction",
        }  # fmt: skip
        argv = [server_program(), *(part for name, value in options.items() for part in (f"--{name}", value))]
        store = self.machine.start("store", argv, {})
        store.wait_for(lambda: listens(self.store_port), "listening")
        return store

    def start(self, name: str) -> Running:
        return self.machine.start(name, procfile(name), self.environ)

    def answers(self) -> bool:
        try:
            return _ask(self.web_port, "GET", "/readyz")[0] == 200
        except (OSError, HTTPException):
            return False

    def api(self, method: str, path: str, body: Any = None) -> Any:
        status, answer = _ask(self.web_port, method, f"/api/v1{path}", body, {"Authorization": f"Bearer {TOKEN}"})
        assert status < 300, answer
        return answer

    def post(self, bodies: Sequence[Any] | dict[str, Any], port: int | None = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"}
        status, answer = _ask(port or self.web_port, "POST", "/webhooks/komo/summer-hub", bodies, headers)
        if status == 202:
            with self._counting:
                self.accepted += sum(not one["duplicate"] for one in answer["submissions"])
        return status, answer

    def post_all(self, bodies: Sequence[Any]) -> None:
        for start in range(0, len(bodies), ARRAY):
            assert self.post(bodies[start : start + ARRAY])[0] == 202

    def ledger(self) -> dict[str, int]:
        found: dict[str, int] = self.api("GET", "/integrations/summer-hub/ledger")
        return found

    def wait_until_delivered(self, count: int) -> None:
        _wait(lambda: self.ledger()["delivered"] >= count, f"{count} delivered")

    def check_the_ledger(self) -> None:
        """What was accepted is delivered, and the numbers add up."""
        told = self.ledger()
        ends = ("waiting", "in_flight", "held", "delivered", "filtered", "dead", "discarded")
        assert told["received"] == sum(told[name] for name in ends)
        assert told["received"] == told["delivered"] >= self.accepted

    def teams(self, people: Sequence[str]) -> list[Any]:
        """What Braze has as these people's team."""
        _ask(self.braze_port, "POST", "/sandbox/api/settle")
        return [self._profile(member)["custom_attributes"].get("team") for member in people]

    def violations(self) -> int:
        return int(_ask(self.braze_port, "GET", "/sandbox/api/violations")[1]["total"])

    def let_braze(self, **settings: Any) -> None:
        assert _ask(self.braze_port, "POST", "/sandbox/api/settings", settings)[0] == 200

    def _profile(self, member: str) -> dict[str, Any]:
        (found,) = _ask(self.braze_port, "GET", f"/sandbox/api/profiles?external_id={member}")[1]["items"]
        return dict(found)


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    before = signal.getsignal(signal.SIGTERM)
    with Machine() as machine:
        yield System(machine)
    signal.signal(signal.SIGTERM, before)


def _ask(
    port: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, None if body is None else orjson.dumps(body), headers or {})
        answer = connection.getresponse()
        data = answer.read()
    finally:
        connection.close()
    return answer.status, orjson.loads(data) if data else {}


def _wait(ready: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
    until = time.monotonic() + patience_s
    while not ready():
        assert time.monotonic() < until, f"{what} did not happen"
        time.sleep(0.05)


def submissions(word: str, people: int, rounds: int = 1) -> list[dict[str, Any]]:
    """For each person one in every round, of which the last names the team `word`."""
    return [
        a_body(f"{word}{person}", number=person, team=word if turn == rounds - 1 else f"{word}-{turn}",
               submission_id=f"{word}-{person}-{turn}")
        for turn in range(rounds)
        for person in range(people)
    ]  # fmt: skip


def test_what_is_posted_arrives(system: System) -> None:
    """The main job, by the Procfile's own lines."""
    system.post_all(submissions("sharks", people=150, rounds=2))
    status, answer = system.post(a_body("alone", team="Rays", number=7))

    system.wait_until_delivered(system.accepted)

    assert (status, len(answer["submissions"])) == (202, 1)
    system.check_the_ledger()
    assert system.teams(["alone", "sharks0", "sharks149"]) == ["Rays", "sharks", "sharks"]
    assert system.api("GET", f"/submissions/{answer['submissions'][0]['id']}")["state"] == "delivered"


def test_the_doctor_finds_nothing_wrong_where_all_is_well(system: System) -> None:
    """Everybody is alive, runs alike, and Braze knows the key."""
    environ = child_environment(system.environ | {"PUBLIC_URL": f"http://127.0.0.1:{system.web_port}"})
    command = [sys.executable, "-m", "ingest.cli", "doctor", "--json"]

    def doctor() -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(command, env=environ, capture_output=True, timeout=60, check=False)

    # The clock is heard of by what it calls, and that may take a moment.
    _wait(lambda: b"No clock is alive" not in doctor().stdout, "a sign of the clock")
    done = doctor()
    told = orjson.loads(done.stdout)

    assert [one for one in told["findings"] if one["level"] == "wrong"] == []
    assert done.returncode == 0
    said = {one["says"] for one in told["findings"] if one["level"] == "ok"}
    assert {"Braze takes what it sends.", "Web processes: 1 alive.", "Workers: 1 alive.", "Clock: 1 alive."} <= said
    assert any(one.startswith("All run with the same version") for one in said)


def test_a_worker_that_is_killed_loses_nothing(system: System) -> None:
    """It dies with batches in flight, and its successor sends exactly those again."""
    before = system.ledger()["delivered"]
    system.let_braze(latency_ms=250)
    system.post_all(submissions("dolphins", people=400, rounds=2))
    _wait(lambda: system.ledger()["delivered"] > before and system.ledger()["in_flight"] > 0, "something in flight")

    system.worker.kill()
    left = system.ledger()
    system.let_braze(latency_ms=0)
    system.worker = system.start("worker")
    system.wait_until_delivered(system.accepted)

    assert left["waiting"] + left["in_flight"] > 0
    system.check_the_ledger()
    assert set(system.teams([f"dolphins{number}" for number in range(400)])) == {"dolphins"}
    assert system.violations() == 0


def test_a_store_that_is_killed_loses_nothing_and_work_flows_again(system: System) -> None:
    """What was answered with 202 is on disk; what was not is sent again by whoever wants it to arrive."""
    people = [f"whales{number}" for number in range(200)]
    taken: list[bool] = []
    feeder = threading.Thread(
        target=_post_until_all_are_taken, args=(system, "whales", len(people), taken), daemon=True
    )
    before = system.ledger()["received"]
    feeder.start()
    _wait(lambda: system.ledger()["received"] >= before + 50, "the first submissions")

    system.store.kill()
    ready = _ask(system.web_port, "GET", "/readyz")
    alive = _ask(system.web_port, "GET", "/healthz")
    system.store = system.start_store()
    started = time.monotonic()
    _wait(system.answers, "ready again", 5)
    feeder.join(PATIENCE_S)
    system.wait_until_delivered(system.accepted)

    assert (ready[0], ready[1]["store"], alive[0]) == (503, "unreachable", 200)
    assert taken == [True] * len(people)
    # At most the lease of a drain that the store's end has caught at work.
    assert time.monotonic() - started < 20
    assert all(process.runs() for process in (system.web, system.worker, system.clock))
    system.check_the_ledger()
    assert set(system.teams(people)) == {"whales"}


def _post_until_all_are_taken(system: System, word: str, people: int, taken: list[bool]) -> None:
    """As a sender that tries again what was not answered with 202."""
    until = time.monotonic() + PATIENCE_S
    for body in submissions(word, people):
        while not _is_taken(system, body):
            if time.monotonic() > until:
                return
            time.sleep(0.05)
        taken.append(True)


def _is_taken(system: System, body: dict[str, Any]) -> bool:
    try:
        return system.post(body)[0] == 202
    except (OSError, HTTPException):
        return False


def test_the_app_also_runs_under_gunicorn(system: System) -> None:
    """Where somebody has to use another server."""
    port = free_port()
    gunicorn = system.machine.start("gunicorn", GUNICORN, system.environ | {"PORT": str(port)})
    gunicorn.wait_for(lambda: listens(port), "listening")

    status, _ = system.post(submissions("rays", people=20), port)
    system.wait_until_delivered(system.accepted)

    assert status == 202
    assert set(system.teams([f"rays{number}" for number in range(20)])) == {"rays"}
    assert stop(gunicorn) == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"LANES": "0"}, "komo-braze: LANES is '0', but must be a whole number from 1 to 256.\n"),
        ({"SECRET_KEY": ""}, "komo-braze: SECRET_KEY must be set.\n"),
        ({"SECRET_KEY": "password"}, "komo-braze: SECRET_KEY must hold random keys of at least 32 characters;"),
        ({"REDIS_URL": "http://127.0.0.1:1"}, "komo-braze: REDIS_URL must start with redis://,"),
        ({"REDIS_URL": "redis://:hidden@127.0.0.1:1/0"}, "komo-braze: The store at redis://127.0.0.1:1/0 can't"),
    ],
)
def test_a_mistake_ends_every_process_with_a_sentence(system: System, changes: dict[str, str], said: str) -> None:
    """Half a system that runs is harder to notice than one that does not start."""
    environ = system.environ | {"PORT": str(free_port())} | changes
    processes = [system.machine.start(f"broken-{name}", procfile(name), environ) for name in ("web", "worker", "clock")]

    assert [process.popen.wait(20) for process in processes] == [1, 1, 1]
    for process in processes:
        words = process.log.read_text("utf-8")
        assert said in words
        assert "Traceback" not in words
        assert "hidden" not in words


def test_every_process_ends_cleanly_when_it_is_asked_to(system: System) -> None:
    """A deployment stops them all the time; nothing may be left half done or left behind."""
    system.post_all(submissions("seals", people=20))
    system.wait_until_delivered(system.accepted)
    processes = [system.web, system.worker, system.clock]

    assert [stop(process) for process in processes] == [0, 0, 0]
    assert not listens(system.web_port)
    for process in processes:
        words = process.log.read_text("utf-8")
        assert "Traceback" not in words
        assert system.secret not in words
    with redis.Redis(port=system.store_port) as store:
        assert not [key for key in store.keys("*:lease:*") if store.pttl(key) > 0]


def stop(process: Running) -> int:
    """Its exit status after TERM."""
    process.popen.terminate()
    return process.popen.wait(STOP_S)
