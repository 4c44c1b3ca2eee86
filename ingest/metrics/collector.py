"""What was read from the store → metrics."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any

from prometheus_client.metrics_core import Metric

from ingest.metrics.families import FAMILIES
from schemas.dead_letter import REASONS
from schemas.latency import HIGHEST, bounds_of
from schemas.settings import Settings
from workers.errors import StoreUnavailable
from workers.store import Stores
from workers.store.alive import CLOCK, LATE_S, Heartbeat
from workers.store.metrics import GATE_STATES, GateMeasures, Measures, Reading
from workers.store.vitals import Vitals, read_vitals
from workers.tally import ABOVE, BATCH, CALL, SCRIPT, SUM, WEBHOOK, Histogram

#: Buckets of schemas.latency whose upper bounds are told: from 32 ms to a day and a half, closer where people wait.
LATENCY_BUCKETS = (10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 36, 40, 44, 48, 54)
#: Those that have to be there; of others it is told whether they are.
ROLES = ("worker", CLOCK)
#: Metrics whose value is one of the ledger's counters, by their names.
LEDGER = {
    "received": "received", "duplicates": "duplicates", "delivered": "delivered", "filtered": "filtered",
    "died": "died", "discarded": "discarded", "waiting_submissions": "waiting", "waiting_bytes": "bytes",
    "in_flight_submissions": "in_flight", "held_submissions": "held", "possible_duplicates": "possible_duplicates",
    "operations_left_out": "operations_left_out", "requests": "requests", "objects": "objects",
    "data_points_sent": "data_points_sent", "data_points_saved": "data_points_saved",
}  # fmt: skip
MESSAGES = {"sent": "sent", "unknown": "send_unknown", "dead": "send_dead"}
PAUSES = ("person", "braze", "rejudged")
#: Told from the start: of a counter that appears with its first event, Prometheus sees no rise.
ANSWERS = {f"webhook {status}": 0 for status in (202, 400, 401, 413, 415, 422, 429, 500, 503)}
ANSWERS_TO_STRANGERS = {f"webhook {status}": 0 for status in (404, 429, 500, 503)}

Families = Mapping[str, Any]
_LATENCY_BOUNDS = [str(bounds_of(bucket)[1] / 1000) for bucket in LATENCY_BUCKETS]


class SystemCollector:
    """
    What the library asks for metrics; it tells of all processes, and not only of the one that is asked.

    Args:
        wall: Epoch seconds.
    """

    def __init__(self, stores: Stores, settings: Settings, *, wall: Callable[[], float] = time.time) -> None:
        self._stores = stores
        self._settings = settings
        self._wall = wall

    def collect(self) -> Iterable[Metric]:
        """Everything, or only that the store is away."""
        families = {one.name: one.empty() for one in FAMILIES}
        try:
            read_vitals(self._stores.connection)  # a store that hangs is waited for once: a scrape has ten seconds
            self._stores.alive.carry()  # what this process has counted is told at once, the others' within seconds
            reading, beats = self._stores.metrics.read(), self._stores.alive.look(self._wall() * 1000)
        except StoreUnavailable:
            families["store_up"].add_metric([], 0)
            return [families["store_up"]]
        families["store_up"].add_metric([], 1)
        self._limits(families, reading.vitals)
        _vitals(families, reading.vitals)
        _processes(families, beats)
        for one in reading.integrations:
            _integration(families, one)
        for gate in reading.gates:
            _gate(families, gate)
        _counted(families, reading)
        return list(families.values())

    def _limits(self, families: Families, vitals: Vitals | None) -> None:
        most = self._settings.max_waiting_bytes
        if most is None:
            most = vitals.most_bytes // 2 if vitals else 0
        families["backlog_limit_submissions"].add_metric([], self._settings.max_waiting)
        families["backlog_limit_bytes"].add_metric([], most)


def _vitals(families: Families, told: Vitals | None) -> None:
    if told is None:
        return
    families["store_memory_used_bytes"].add_metric([], told.used_bytes)
    families["store_memory_max_bytes"].add_metric([], told.most_bytes)
    families["store_writes_ok"].add_metric([], told.writes_well)
    if told.keeps is not None:
        families["store_append_only"].add_metric([], told.keeps)


def _processes(families: Families, beats: Sequence[Heartbeat]) -> None:
    for role in dict.fromkeys([*ROLES, *(beat.kind for beat in beats)]):
        ages = [beat.age_s for beat in beats if beat.kind == role]
        late = sum(age > LATE_S for age in ages)
        families["processes"].add_metric([role], len(ages) - late)
        families["processes_late"].add_metric([role], late)
        if ages:
            families["heartbeat_age_seconds"].add_metric([role], min(ages))


def _integration(families: Families, one: Measures) -> None:
    name, counts = one.integration.id, one.counts
    workspace = "" if one.integration.draft else one.integration.braze.workspace
    about = {"workspace": workspace, "draft": str(one.integration.draft).lower()}
    families["integration"].add_metric([name], about)
    for metric, counter in LEDGER.items():
        families[metric].add_metric([name], counts[counter])
    families["expired"].add_metric([name, "settled"], counts["expired"] - counts["expired_dead"])
    families["expired"].add_metric([name, "dead_letter"], counts["expired_dead"])
    for outcome, counter in MESSAGES.items():
        families["messages"].add_metric([name, outcome], counts[counter])
    for reason in {**dict.fromkeys(REASONS, 0), **one.letters}:
        families["dead_letters"].add_metric([name, reason], one.letters.get(reason, 0))
    families["oldest_waiting_age_seconds"].add_metric([name], one.oldest_s)
    families["oldest_due_age_seconds"].add_metric([name], one.due_s)
    for reason in PAUSES:
        is_paused = one.rejudged if reason == "rejudged" else one.paused == reason
        families["paused"].add_metric([name, reason], is_paused)
    for kind, waiting, paused in one.messages:
        families["messages_waiting"].add_metric([name, kind], waiting)
        families["messages_paused"].add_metric([name, kind], paused)
    families["delivery_latency_seconds"].add_metric([name], _latency(one.latency), counts["latency_ms"] / 1000)
    for field, many in {**ANSWERS, **one.counted}.items():
        _count(families, name, field, many)


def _latency(told: Mapping[int, int]) -> list[tuple[str, float]]:
    """At most so many seconds -> how many."""
    buckets = [*zip(_LATENCY_BOUNDS, LATENCY_BUCKETS, strict=True), (ABOVE, HIGHEST)]
    return [(bound, sum(many for number, many in told.items() if number <= bucket)) for bound, bucket in buckets]


def _count(families: Families, integration_id: str, field: str, many: int) -> None:
    """A field of `komo:counted:<id>`; those of another version that this one does not know are left out."""
    match field.split(" "):
        case ["webhook", status]:
            families["webhook_answers"].add_metric([integration_id, status], many)
        case ["call", kind, status]:
            families["calls"].add_metric([integration_id, kind, status], many)


def _counted(families: Families, reading: Reading) -> None:
    for field, many in {**ANSWERS_TO_STRANGERS, **reading.counted}.items():
        _count(families, "", field, many)
    _histogram(families["webhook_duration_seconds"], WEBHOOK, reading.counted, labelled=False)
    _histogram(families["call_duration_seconds"], CALL, reading.counted)
    _histogram(families["batch_objects"], BATCH, reading.counted, labelled=False)
    _histogram(families["script_duration_seconds"], SCRIPT, reading.counted)


def _histogram(family: Any, histogram: Histogram, counted: Mapping[str, int], *, labelled: bool = True) -> None:
    found: dict[str, dict[str, int]] = {} if labelled else {"": {}}
    for field, many in counted.items():
        match field.split(" "):
            case [histogram.name, label, bound]:
                found.setdefault(label, {})[bound] = many
    for label, by_bound in found.items():
        total = by_bound.pop(SUM, 0) / histogram.parts
        family.add_metric([label] if labelled else [], _cumulative(histogram, by_bound), total)


def _cumulative(histogram: Histogram, by_bound: Mapping[str, int]) -> list[tuple[str, float]]:
    """How many there are up to each bound; what counts under a bound of another version counts under the next one."""
    bounds = [*histogram.bounds, float("inf")]
    counts = dict.fromkeys(bounds, 0)
    for bound, many in by_bound.items():
        counts[next(one for one in bounds if float(bound) <= one)] += many
    names = [*map(str, histogram.bounds), ABOVE]
    return list(zip(names, accumulate(counts.values()), strict=True))


def _gate(families: Families, gate: GateMeasures) -> None:
    labels = [gate.workspace, gate.endpoint]
    for state in GATE_STATES:
        families["gate_state"].add_metric([*labels, state], state == gate.state)
    if gate.limit is not None:
        families["rate_limit_requests"].add_metric(labels, gate.limit)
    if gate.left is not None:
        families["rate_limit_remaining_requests"].add_metric(labels, gate.left)
