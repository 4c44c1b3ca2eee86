"""What Braze is asked, beside the least that would do: requests under a backlog, data points of people who return."""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from typing import Any

from tests.benchmarks.delivering import PATIENCE_S, SWEPT, Stub
from tests.benchmarks.filling import Filled, fill, hub
from tests.benchmarks.processes import Machine, StoreServer, procfile
from tests.benchmarks.setting import body, environment, settings_of
from tests.benchmarks.table import Target
from workers.store import Stores, open_stores

OBJECTS = 75
MOST_REQUESTS, MOST_POINTS = 1.1, 1.02
#: Share of the submissions; when fewer wait there are not always enough for a whole request.
LEFT = 0.2
#: People who come again and again, and the hubs of one brand that they come to by turns.
WAVES, HUBS, ATTRIBUTES = 6, 2, 20
#: (member, what they answered, by attribute), in the order of acceptance.
Visits = Sequence[tuple[str, Mapping[str, Any]]]


def measure(machine: Machine, *, count: int) -> tuple[list[Target], list[str]]:
    """
    Args:
        count: Submissions in each row about requests; half as many come for the data points.

    Returns: Targets, and the figures behind them.
    """
    stub = Stub(machine)
    rows = {
        "many people": (1, count // 2),
        "hot people, a hundred times each": (1, max(1, count // 100)),
        "four integrations of a workspace": (4, count // 2),
    }
    targets, notes = [], []
    for number, (name, (hubs, people)) in enumerate(rows.items()):
        early, sizes = _requests(machine, stub, f"economy-{number}", hubs, count, people)
        label = f"requests vs the least, {name}"
        targets.append(Target(label, MOST_REQUESTS, early / _least(sizes[:early]), at_most=True))
        least, later, least_later = _least(sizes[:early]), len(sizes) - early, _least(sizes[early:])
        notes.append(
            f"{name}: {early:,} requests while more than {LEFT:.0%} waited, where {least:,} could hold it all;"
            f" {later:,} for the rest, where {least_later:,} could."
        )
    met, note = _data_points(machine, stub, people=max(1, count // 2 // WAVES))
    return [*targets, met], [*notes, note]


def least_points(visits: Visits) -> int:
    """Attributes that whoever forgets nothing would send: those that are new of a person, or other than they were."""
    known: dict[str, dict[str, Any]] = {}
    sent = 0
    for member, answers in visits:
        had = known.setdefault(member, {})
        sent += sum(name not in had or had[name] != answer for name, answer in answers.items())
        had.update(answers)
    return sent


def _least(sizes: Sequence[int]) -> int:
    return ceil(sum(sizes) / OBJECTS)


def _requests(machine: Machine, stub: Stub, name: str, hubs: int, count: int, people: int) -> tuple[int, list[int]]:
    """How many requests were made while there was a backlog, and the objects in each of all, in order of arrival."""
    documents = [hub(stub.url, number, workspace="bench") for number in range(hubs)]
    filled = Filled(machine, name, documents, count=count, people=people, braze_url=stub.url, environ={})
    with _Running(machine, stub, filled.copy(machine, name)) as running:
        ids = [one["id"] for one in documents]
        running.deliver(ids, int(count * (1 - LEFT)))
        early = stub.count()
        running.deliver(ids, count)
    report = stub.report()
    if len(report["ids"]) != count or set(report["ids"].values()) != {1}:
        raise RuntimeError(f"{len(report['ids'])} of {count} events came once each")
    return early, report["sizes"]


def _data_points(machine: Machine, stub: Stub, *, people: int) -> tuple[Target, str]:
    """Everybody comes again when what they said before is with Braze, so that nothing is folded and all is told."""
    rules = [{"field": f"answer_{place}", "attribute": f"answer_{place}"} for place in range(ATTRIBUTES)]
    documents = [hub(stub.url, number, workspace="bench", attributes=rules) for number in range(HUBS)]
    server = StoreServer(machine, "economy-points", fsync="everysec")
    with _Running(machine, stub, server, PERSON_SPACING_MS=0) as running:
        ids = [running.stores.integrations.save(one, by="benchmark").stored.id for one in documents]
        visits: list[tuple[str, Mapping[str, Any]]] = []
        for wave in range(WAVES):
            one = running.stores.integrations.get(ids[wave % HUBS]).integration
            numbers = range(wave * people, (wave + 1) * people)
            fill(running.stores, one, numbers, people=people, body_of=_visit)
            visits += ((f"m{number % people}", answers_of(number % people, wave)) for number in numbers)
            running.deliver(ids, len(visits))
    sent, least = stub.report()["attributes"], least_points(visits)
    naive = sum(len(answers) for _, answers in visits)
    target = Target("attributes sent vs a memory that forgets nothing", MOST_POINTS, sent / least, at_most=True)
    told = (
        f"{sent:,} attributes were sent, {least:,} had changed, {naive:,} were said: {naive / sent:.1f} times as many."
    )
    return target, f"{people:,} people came {WAVES} times, to {HUBS} hubs by turns. {told}"


def answers_of(person: int, wave: int) -> dict[str, str]:
    """Twenty answers; each time five of them are others, and one of those is what it was the time before the last."""
    changed = {place: (wave + 4 - place % 4) // 4 for place in range(ATTRIBUTES)}
    changed[0] = wave % 2
    return {f"answer_{place}": f"{person % 89} {times}" for place, times in changed.items()}


def _visit(member: str, wave: int, number: int) -> dict[str, Any]:
    return body(member, wave, number) | answers_of(int(member[1:]), wave)


class _Running:
    """The Procfile's worker and clock on a store; leaving the block ends all three."""

    def __init__(self, machine: Machine, stub: Stub, server: StoreServer, **changes: object) -> None:
        self._machine, self._server = machine, server
        environ = environment(server.url, stub.url, LOG_LEVEL="WARNING", **changes)
        self.stores: Stores = open_stores(settings_of(environ))
        stub.reset()
        self._worker = machine.start("worker", procfile("worker"), environ)
        self._clock = machine.start("clock", procfile("clock"), environ)
        self._worker.wait_for(lambda: bool(server.connection.exists(SWEPT)), "the first sweep")

    def __enter__(self) -> "_Running":
        return self

    def __exit__(self, *_: object) -> None:
        self._machine.end(self._worker, self._clock)
        self._server.drop()

    def deliver(self, ids: Sequence[str], many: int) -> None:
        """Let all of them go, and wait until so many are delivered of all together."""
        for name in ids:
            self.stores.inbox.kick(self.stores.integrations.resume(name, by="benchmark").integration)

        def delivered() -> Iterator[int]:
            for name in ids:
                one = self.stores.integrations.get_cached(name, max_age_s=60).integration
                yield self.stores.ledger.read(one)["delivered"]

        self._worker.wait_for(lambda: sum(delivered()) >= many, f"{many} deliveries", PATIENCE_S)
