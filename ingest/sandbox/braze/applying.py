"""Accepted objects become profiles and events, with everything that Braze drops on the way without a word."""

import random
import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ingest.sandbox.braze import formats, standard, values
from ingest.sandbox.braze.ledgers import Ledgers
from ingest.sandbox.braze.profiles import Happening, Profile, Profiles, Tally
from ingest.sandbox.braze.settings import Settings
from ingest.sandbox.braze.validation import STANDARD_RULES

#: https://www.braze.com/docs/user_guide/data/activation/events/custom_events/custom_event_properties
MAX_PROPERTIES = 256
#: Newest events of the whole workspace that stay readable in full; counts and ids are exact beyond.
EVENTS_KEPT = 10_000
#: Event property whose values are counted one by one, so that a test can find a lost or doubled event.
EVENT_ID = "komo_submission_id"

SALE: tuple[str, ...] = ("price", "currency", "quantity", "properties")
_IDENTIFIERS = frozenset({"external_id", "user_alias", "braze_id", "_update_existing_only", "_merge_objects"})


@dataclass(frozen=True, slots=True)
class Work:
    """The objects of one request that Braze accepted."""

    attributes: list[dict[str, Any]]
    events: list[dict[str, Any]]
    purchases: list[dict[str, Any]]
    #: Number of the request that brought them.
    request: int | None = None


@dataclass
class Workspace:
    """What the sandbox knows: people, attribute types, events."""

    settings: Settings
    ledgers: Ledgers
    profiles: Profiles = field(default_factory=Profiles)
    #: Attribute -> the type of the first value ever received.
    types: dict[str, str] = field(default_factory=dict)
    event_counts: Counter[str] = field(default_factory=Counter)
    newest_events: deque[Happening] = field(default_factory=lambda: deque(maxlen=EVENTS_KEPT))

    def apply(self, work: Work) -> None:
        """Attributes first, then events, then purchases; each array in its order, or in any if so set."""
        now = time.time()
        with self.profiles.lock:
            for given in self._ordered(work.attributes):
                self._note_request(self._apply_attributes(given, now), work, now)
            for given in self._ordered(work.events):
                self._note_request(self._apply_event(given, now), work, now)
            for given in self._ordered(work.purchases):
                self._note_request(self._apply_purchase(given, now), work, now)

    def _note_request(self, profile: Profile | None, work: Work, now: float) -> None:
        if profile is not None:
            profile.growth.came_with(work.request, len(profile.standard) + len(profile.custom), now)

    def _ordered(self, given: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return random.sample(given, len(given)) if self.settings.shuffle_objects else given

    def _find(self, given: dict[str, Any], now: float, *, may_create_alias: bool = False) -> Profile | None:
        found = self.profiles.find(given, now, may_create_alias=may_create_alias)
        if found is None:
            kind = "unknown_alias" if given.get("user_alias") is not None else "unknown_person"
            who = next((given[name] for name in ("external_id", "user_alias", "braze_id", "email", "phone")
                        if given.get(name) is not None), None)  # fmt: skip
            self.ledgers.silent_drops.add(now, kind, f"{who}: nothing stored")
        return found

    def _apply_attributes(self, given: dict[str, Any], now: float) -> Profile | None:
        profile = self._find(given, now, may_create_alias=True)
        if profile is None:
            return None
        merge = given.get("_merge_objects") is True
        for name, value in _address_first(given):
            if name in _IDENTIFIERS:
                continue
            if name in STANDARD_RULES:
                if not _selects(given, name):
                    standard.set_field(self.profiles, self.ledgers, profile, name, value, now)
            else:
                self._set_custom(profile, name.strip(), value, now, merge)
        self.profiles.touch(profile, now)
        return profile

    def _set_custom(self, profile: Profile, name: str, sent: Any, now: float, merge: bool) -> None:
        if name in self.settings.blocked_attributes:
            self.ledgers.silent_drops.add(now, "blocked_attribute", name, profile.braze_id)
            return
        if sent is None:
            self.ledgers.data_points["custom_attributes"] += 1
            profile.growth.wrote(name, profile.custom.pop(name, None), None, now)
            return
        forced = self.settings.forced_types.get(name)
        before = profile.custom.get(name)
        outcome = values.write(before, sent, forced or self.types.get(name), forced=forced is not None, merge=merge)
        if isinstance(outcome, values.Dropped):
            self._note_dropped(profile, name, outcome, now)
            return
        if outcome.lost is not None:
            self.ledgers.silent_drops.add(now, outcome.lost, name, profile.braze_id)
        self._note_new_name(profile, name, outcome.kind, now)
        self.ledgers.data_points["custom_attributes"] += outcome.points
        profile.growth.wrote(name, before, outcome.value, now)
        if outcome.value != before or before is None:
            profile.custom[name] = outcome.value

    def _note_dropped(self, profile: Profile, name: str, outcome: values.Dropped, now: float) -> None:
        self.ledgers.silent_drops.add(now, outcome.why, name, profile.braze_id)
        if outcome.undocumented:
            self.ledgers.violations.add(now, outcome.why, name, profile.braze_id)

    def _note_new_name(self, profile: Profile, name: str, kind: str | None, now: float) -> None:
        if kind is None or name in self.types:
            return
        self.types[name] = kind
        if name.lower() in STANDARD_RULES:
            self.ledgers.silent_drops.add(now, "standard_name_in_other_case", name, profile.braze_id)

    def _apply_event(self, given: dict[str, Any], now: float) -> Profile | None:
        name = given["name"]
        if name in self.settings.blocked_events:
            self.ledgers.silent_drops.add(now, "blocked_event", name)
            return None
        profile = self._find(given, now)
        if profile is None:
            return None
        properties = given.get("properties") or {}
        if len(properties) > MAX_PROPERTIES:
            properties = dict(list(properties.items())[:MAX_PROPERTIES])
            self.ledgers.silent_drops.add(now, "too_many_properties", name, profile.braze_id)
        event_id = properties.get(EVENT_ID)
        if event_id is not None:
            self.ledgers.event_ids.add(str(event_id))
        self.ledgers.data_points["events"] += 1
        self.event_counts[name] += 1
        at = self._not_in_future(given["time"], now, profile)
        return self._keep(profile, Happening(profile.braze_id, name, at, now, properties))

    def _apply_purchase(self, given: dict[str, Any], now: float) -> Profile | None:
        profile = self._find(given, now)
        if profile is None:
            return None
        quantity = given.get("quantity", 1)
        profile.purchases += quantity
        self.ledgers.data_points["purchases"] += quantity
        details = {name: given[name] for name in SALE if name in given}
        at = self._not_in_future(given["time"], now, profile)
        return self._keep(profile, Happening(profile.braze_id, given["product_id"], at, now, details, kind="purchase"))

    def _not_in_future(self, sent: str, now: float, profile: Profile) -> str:
        read = formats.read_time(sent) or datetime.now(UTC)
        if read.timestamp() <= now:
            return sent
        self.ledgers.silent_drops.add(now, "time_in_future", sent, profile.braze_id)
        return formats.iso(now)

    def _keep(self, profile: Profile, what: Happening) -> Profile:
        profile.recent.append(what)
        profile.growth.happened(what.name, what.arrived_at)
        self.newest_events.append(what)
        if what.kind == "event":
            tally = profile.tallies.get(what.name)
            if tally is None:
                profile.tallies[what.name] = Tally(1, what.arrived_at, what.arrived_at)
            else:
                tally.count += 1
                tally.last = what.arrived_at
        self.profiles.touch(profile, what.arrived_at)
        return profile


def _address_first(given: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    """The fields in order, but the e-mail address before its subscription state, which a new address would reset."""
    if "email" in given and "email_subscribe" in given:
        return {"email": given["email"], **given}.items()
    return given.items()


def _selects(given: dict[str, Any], name: str) -> bool:
    """Whether this e-mail address or phone number is what the object is addressed by, and so not written."""
    if name not in ("email", "phone"):
        return False
    if any(given.get(primary) is not None for primary in ("external_id", "user_alias", "braze_id")):
        return False
    return name == "email" or given.get("email") is None
