"""
A system through which secrets and personal data have gone on every way in, for a search of what came out of it.

Each canary is a text that occurs nowhere else.
"""

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import redis
import requests

from tests.benchmarks.processes import Machine
from tests.factories import a_body
from tests.flow.test_processes import System, _ask, _wait, stop

PERSONAL = {
    "email": "canary.mail@personal.example", "phone": "+61491570156", "name": "Canaria-Finch",
    "answer": "zzcanaryanswer",
}  # fmt: skip
WRONG_PASSWORD, WRONG_TOKEN, WRONG_KEY = "canary-wrong-password", "canary-wrong-token", "canary-wrong-url-key"
ALERT_SECRET = "canary-alert-secret"
BRAZE_KEY = "an-example-of-a-key-0000"


class Planted:
    """
    A system through which everything has gone; its worker is stopped at last, so that calls for it stay in the broker.

    Args:
        alerts: What the catcher has caught.
    """

    def __init__(self, system: System, alerts: list[str]) -> None:
        self.system, self.alerts = system, alerts
        told = system.api("POST", "/integrations/summer-hub/rotate-secret", {"which": "url_key"})
        self.url_key = told["url_key"]
        self.secrets = [
            system.environ["SECRET_KEY"], system.environ["ADMIN_PASSWORD"], system.environ["API_TOKEN"], BRAZE_KEY,
            system.secret, system.secret.removeprefix("whsec_"), self.url_key, WRONG_PASSWORD, WRONG_TOKEN, WRONG_KEY,
            ALERT_SECRET,
        ]  # fmt: skip
        self.answers: list[str] = []
        self.store = redis.Redis.from_url(system.environ["REDIS_URL"])
        self._good()
        self._bad()
        self._crash()
        self._refused_by_braze()
        self.metrics = self._metrics()
        self._queue()

    def _good(self) -> None:
        body = a_body("canary-member", number=1, first_name=PERSONAL["name"], email=PERSONAL["email"],
                      phone=PERSONAL["phone"], note=PERSONAL["answer"])  # fmt: skip
        path = f"/webhooks/komo/summer-hub?key={self.url_key}"
        assert _ask(self.system.web_port, "POST", path, body, {"Content-Type": "application/json"})[0] == 202
        self.system.wait_until_delivered(1)

    def _bad(self) -> None:
        """Whatever is refused, quotes nothing."""
        port, bearer = self.system.web_port, {"Authorization": f"Bearer {self.system.environ['API_TOKEN']}"}
        ids = {"X-Request-ID": PERSONAL["email"]}  # which a stranger may write as well
        for path, headers in (
            (f"/webhooks/komo/summer-hub?key={WRONG_KEY}", {}),
            ("/webhooks/komo/summer-hub", {"Authorization": f"Bearer {WRONG_TOKEN}"}),
            (f"/webhooks/komo/nobody?key={self.url_key}", {}),
            ("/api/v1/people/forget", {"Authorization": f"Bearer {WRONG_TOKEN}"}),
            ("/api/v1/people/forget", bearer),
            ("/api/v1/submissions/search", bearer),
            ("/api/v1/integrations", bearer),
            ("/sign-in", {}),
        ):
            status, answer = _ask(
                port, "POST", path, {**PERSONAL, "password": WRONG_PASSWORD, "kind": 7}, headers | ids
            )
            assert 400 <= status < 500, path
            self.answers.append(str(answer))
        headers = {"Authorization": f"Bearer {self.system.secret}", "Content-Type": "application/json"}
        status, answer = _ask(port, "POST", "/webhooks/komo/summer-hub", [PERSONAL["email"], 7, PERSONAL], headers)
        assert status == 422
        self.answers.append(str(answer))

    def _crash(self) -> None:
        """The worker falls over a number that is none, and the error's text quotes it."""
        self.store.hset("komo:job:broken", mapping={"id": "broken", "kind": "replay", "matched": PERSONAL["email"]})
        self.store.sadd("komo:jobs:open", "broken")
        _wait(lambda: "task.failed" in self.logs(), "a crash")
        self.store.srem("komo:jobs:open", "broken")
        self.store.delete("komo:job:broken")

    def _refused_by_braze(self) -> None:
        """Braze quotes somebody: once of one submission, and then of the key."""
        said = f"{PERSONAL['name']} <{PERSONAL['email']}> {PERSONAL['phone']} {BRAZE_KEY}"
        errors = [{"type": said, "input_array": place, "index": 0} for place in ("attributes", "events")]
        self._let_braze_answer({"status": 400, "body": {"message": said, "errors": errors}})
        self.system.post(a_body("canary-dead", number=2, first_name=PERSONAL["name"], email=PERSONAL["email"]))
        _wait(lambda: self.system.ledger()["dead"] == 1, "a dead letter")
        self._let_braze_answer({"status": 401, "body": {"message": said}})
        self.system.post(a_body("canary-paused", number=3, note=PERSONAL["answer"]))
        _wait(
            lambda: {"dead_letters", "integration_paused"} <= {orjson.loads(one)["alert"] for one in self.alerts},
            "alerts",
        )

    def _let_braze_answer(self, fault: dict[str, Any]) -> None:
        assert _ask(self.system.braze_port, "POST", "/sandbox/api/faults", fault)[0] == 201

    def _queue(self) -> None:
        """Nobody takes the calls for a submission, and for whom is to be forgotten."""
        stop(self.system.worker)
        self.system.api("POST", "/integrations/summer-hub/resume")
        self.system.post(a_body("canary-queued", number=4, first_name=PERSONAL["name"], email=PERSONAL["email"]))
        self.system.api("POST", "/people/forget", {"kind": "email", "value": PERSONAL["email"]})
        _wait(lambda: {"drain", "job"} <= {call["headers"]["task"] for call in self.calls()}, "calls in the broker")

    def _metrics(self) -> str:
        headers = {"Authorization": f"Bearer {self.system.environ['API_TOKEN']}"}
        return requests.get(f"http://127.0.0.1:{self.system.web_port}/metrics", headers=headers, timeout=10).text

    def calls(self) -> list[dict[str, Any]]:
        """Messages that wait in the broker, with the bodies that they hold in base64."""
        store: Any = self.store
        found = []
        for key in store.scan_iter(_type="list"):
            for item in store.lrange(key, 0, -1) if not key.startswith((b"{", b"komo:")) else ():
                call = orjson.loads(item)
                found.append(call | {"body": base64.b64decode(call["body"]).decode()})
        return found

    def logs(self) -> str:
        """What the processes have said."""
        system = self.system
        return "".join(one.log.read_text("utf-8", "replace") for one in (system.web, system.worker, system.clock))


@contextmanager
def planted_system() -> Iterator[Planted]:
    """Started, used, and ended."""
    caught: list[str] = []

    class Catcher(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            caught.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Catcher) as server, Machine() as machine:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/{ALERT_SECRET}"
        planted = Planted(System(machine, ALERT_WEBHOOK_URL=url), caught)
        yield planted
        planted.store.close()
        server.shutdown()
