"""Every metric: its name, its kind, its labels and what it means; docs/monitoring.md has the same table for people."""

from typing import Any, Literal, NamedTuple

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)

Kind = Literal["counter", "gauge", "histogram", "info"]
#: A counter's name ends in `_total`, an info's in `_info`; the library adds these.
_CLASSES: dict[Kind, Any] = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
    "histogram": HistogramMetricFamily,
    "info": InfoMetricFamily,
}
_ENDINGS: dict[Kind, str] = {"counter": "_total", "info": "_info", "gauge": "", "histogram": ""}
PREFIX = "komo_braze_"


class Family(NamedTuple):
    """One metric."""

    #: Without prefix and ending.
    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str

    @property
    def full_name(self) -> str:
        """As rules and dashboards write it; of a histogram without `_bucket`, `_sum` and `_count`."""
        return PREFIX + self.name + _ENDINGS[self.kind]

    def empty(self) -> Any:
        """The library's own, ready for its samples."""
        return _CLASSES[self.kind](PREFIX + self.name, self.help, labels=self.labels)


ONE = ("integration",)
GATE = ("workspace", "endpoint")

FAMILIES = tuple(
    Family(*told)
    for told in (
        ("store_up", "gauge", (), "Whether the store answers; where it does not, nothing else is told."),
        ("store_memory_used_bytes", "gauge", (), "Memory that the store uses."),
        ("store_memory_max_bytes", "gauge", (), "Memory that the store may use; 0 where it has no limit."),
        ("store_writes_ok", "gauge", (), "Whether the store could write to its disk the last time."),
        ("store_append_only", "gauge", (), "Whether the store notes each write on disk."),
        ("processes", "gauge", ("role",), "Processes heard of in the last 45 seconds, by what they do."),
        ("processes_late", "gauge", ("role",), "Processes heard of within the last hour, but not in 45 seconds."),
        ("heartbeat_age_seconds", "gauge", ("role",), "Since the newest heartbeat; absent if none came for an hour."),
        ("backlog_limit_submissions", "gauge", (), "Submissions that may wait in one integration (MAX_WAITING)."),
        ("backlog_limit_bytes", "gauge", (), "Bytes that may wait in all integrations together; 0 for no limit."),
        ("integration", "info", ("integration",), "Which Braze workspace it belongs to, and whether it is set up."),
        ("received", "counter", ONE, "Submissions accepted, without duplicates."),
        ("duplicates", "counter", ONE, "Submissions that were there already."),
        ("delivered", "counter", ONE, "Submissions whose data Braze took, or had."),
        ("filtered", "counter", ONE, "Submissions with nothing to send."),
        ("died", "counter", ONE, "Deaths, also of submissions that were replayed or discarded since."),
        ("discarded", "counter", ONE, "Submissions given up: by a person, or dead past their retention."),
        ("expired", "counter", ("integration", "kind"), "Removed by retention: settled records, dead letters."),
        ("waiting_submissions", "gauge", ONE, "Submissions that wait."),
        ("waiting_bytes", "gauge", ONE, "Bytes of what waits, is in flight or held."),
        ("in_flight_submissions", "gauge", ONE, "Submissions on their way to Braze at this moment."),
        ("held_submissions", "gauge", ONE, "Submissions held until somebody identifies themselves."),
        ("dead_letters", "gauge", ("integration", "reason"), "Submissions that are dead now."),
        ("oldest_waiting_age_seconds", "gauge", ONE, "Since the oldest that waits was accepted or replayed; 0: none."),
        ("oldest_due_age_seconds", "gauge", ONE, "Since work could have been done and nobody came; 0: none is due."),
        ("paused", "gauge", ("integration", "reason"), "Whether it sends nothing: a person, Braze's answer, rejudged."),
        ("possible_duplicates", "counter", ONE, "Events that Braze may have twice."),
        ("operations_left_out", "counter", ONE, "Increments and the like not sent, as Braze may have them."),
        ("requests", "counter", ONE, "Requests to /users/track."),
        ("objects", "counter", ONE, "Attributes and events objects in answered requests."),
        ("data_points_sent", "counter", ONE, "Data points of what was sent, as Braze counts them."),
        ("data_points_saved", "counter", ONE, "Data points of what Braze had already and was not sent."),
        ("messages", "counter", ("integration", "outcome"), "Messages that Braze was asked for."),
        ("messages_waiting", "gauge", ("integration", "kind"), "Messages that wait."),
        ("messages_paused", "gauge", ("integration", "kind"), "Whether Braze refuses to be asked for any."),
        ("delivery_latency_seconds", "histogram", ONE, "From acceptance, or replay, to Braze's yes."),
        (
            "webhook_answers",
            "counter",
            ("integration", "status"),
            "Answers to Komo; to strangers without integration.",
        ),
        ("webhook_duration_seconds", "histogram", (), "From a request of Komo's to the answer."),
        ("calls", "counter", ("integration", "kind", "status"), "Answers of Braze's; status 0 is none."),
        ("call_duration_seconds", "histogram", ("kind",), "From a request to Braze's answer."),
        ("batch_objects", "histogram", (), "Objects in one request to /users/track."),
        ("script_duration_seconds", "histogram", ("script",), "Steps of the store, with the way there and back."),
        ("gate_state", "gauge", (*GATE, "state"), "1 for the state that it is in: open, limited, half_open, closed."),
        ("rate_limit_requests", "gauge", GATE, "Requests in a window, as Braze said last."),
        ("rate_limit_remaining_requests", "gauge", GATE, "Left of the window; absent once it has ended."),
    )
)
