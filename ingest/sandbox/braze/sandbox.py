"""The sandbox put together: one Braze workspace with its books, its clockwork and its faults."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ingest.sandbox.braze.applying import Work, Workspace
from ingest.sandbox.braze.faults import Faults
from ingest.sandbox.braze.ledgers import Ledgers
from ingest.sandbox.braze.messages import Message, Messages
from ingest.sandbox.braze.rate_limit import RateLimit
from ingest.sandbox.braze.schedule import Schedule
from ingest.sandbox.braze.settings import Settings
from ingest.sandbox.braze.traffic import SeenRequest, Traffic


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that Braze has queued."""

    message: Message
    #: Whom to, as /users/track names people.
    who: Mapping[str, Any]
    #: What is written to the profile first.
    work: Work | None = None


class Sandbox:
    """Everything that one stand-in holds; all of it in memory, safe to call from many threads."""

    workspace: Workspace
    ledgers: Ledgers
    traffic: Traffic
    messages: Messages

    def __init__(self, settings: Settings | None = None, public_url: str = "") -> None:
        """
        Args:
            settings: How it behaves at first.
            public_url: The address to enter as REST endpoint, shown on the pages.
        """
        self.settings = settings or Settings()
        self.public_url = public_url
        self.faults = Faults()
        self.rate_limit = RateLimit()
        self.schedule = Schedule(self._do)
        self.reset()

    def _do(self, what: Work | Delivery) -> None:
        if isinstance(what, Delivery):
            self._deliver(what)
        else:
            self._apply(what)

    def _apply(self, work: Work) -> None:
        self.workspace.apply(work)

    def _deliver(self, what: Delivery) -> None:
        """Nobody gets anything who is not there by now, and nobody is told."""
        if what.work:
            self._apply(what.work)
        profiles, now = self.workspace.profiles, time.time()
        with profiles.lock:
            found = profiles.find({**what.who, "_update_existing_only": True}, now, may_create_alias=False)
        if found is None:
            self.ledgers.silent_drops.add(now, "send_to_nobody", f"{what.message.kind} {what.message.id}: nobody there")
        self.messages.settle(what.message, "sent" if found else "nobody", found.braze_id if found else None)

    def deliver_later(self, deliveries: Iterable[Delivery]) -> None:
        """Queue messages; they race what /users/track has queued, as Braze's do."""
        queued = list(deliveries)
        self.messages.add(one.message for one in queued)
        for one in queued:
            self.schedule.add(one, self.settings.delay_ms)

    def reset(self) -> None:
        """Forget people, books, traffic and faults; settings stay."""
        self.schedule.clear()
        self.faults.clear()
        self.rate_limit.clear()
        self.ledgers = Ledgers()
        self.traffic = Traffic()
        self.messages = Messages()
        self.workspace = Workspace(self.settings, self.ledgers)

    def settle(self, timeout_s: float = 10.0) -> bool:
        """Wait until all accepted work is applied; False if that takes too long."""
        return self.schedule.settle(timeout_s)

    def note_violation(self, seen: SeenRequest, kind: str, detail: str) -> None:
        """Put something a caller should not have done into the books, and beside the request."""
        seen.violations.append(kind)
        self.ledgers.violations.add(seen.at, kind, f"request {seen.number}: {detail}")

    def summary(self) -> dict[str, Any]:
        """The figures of a run: traffic, people, events, books."""
        workspace, ledgers = self.workspace, self.ledgers
        with workspace.profiles.lock:
            held = {
                "profiles": len(workspace.profiles),
                "events": workspace.event_counts.total(),
                "events_by_name": dict(workspace.event_counts),
                "attribute_types": dict(workspace.types),
                "event_ids": ledgers.event_ids.summary(),
                "data_points": dict(ledgers.data_points),
            }
        return {
            **self.traffic.as_json(),
            **held,
            "sends": self.messages.counts(),
            "sends_by_id": self.messages.sent_by_id(),
            "pending": self.schedule.pending(),
            "silent_drops": ledgers.silent_drops.counts(),
            "violations": ledgers.violations.counts(),
            "faults_met": self.faults.met,
            "faults_waiting": len(self.faults.waiting()),
        }
