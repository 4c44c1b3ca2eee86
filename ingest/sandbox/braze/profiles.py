"""The people of the workspace, and how an object finds the one it is about."""

import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ingest.sandbox.braze.growth import Growth

Alias = tuple[str, str]

#: Shown on a profile; the counts beside it are exact.
EVENTS_SHOWN = 50


@dataclass(slots=True)
class Happening:
    """One event or purchase as it was stored."""

    #: Person it belongs to.
    braze_id: str
    name: str
    #: ISO 8601 as sent, or the time of arrival where it lay in the future.
    time: str
    #: Epoch second at which it was applied.
    arrived_at: float
    properties: dict[str, Any]
    kind: str = "event"


@dataclass(slots=True)
class Tally:
    """How often a person did something."""

    count: int
    #: Epoch seconds of arrival.
    first: float
    last: float


@dataclass(slots=True)
class Profile:
    """One person."""

    braze_id: str
    created_at: float
    updated_at: float
    #: Counts updates over the workspace: the higher, the later.
    turn: int = 0
    external_id: str | None = None
    #: Alias label -> alias name: a person has one name for each label.
    aliases: dict[str, str] = field(default_factory=dict)
    standard: dict[str, Any] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    growth: Growth = field(default_factory=Growth)
    tallies: dict[str, Tally] = field(default_factory=dict)
    purchases: int = 0
    recent: deque[Happening] = field(default_factory=lambda: deque(maxlen=EVENTS_SHOWN))

    @property
    def changed_at(self) -> dict[str, float]:
        """Field -> epoch second at which its value last became another one."""
        return {name: written.changed for name, written in self.growth.fields.items()}


class Profiles:
    """
    Everybody in the workspace, findable by every identifier. Callers hold `lock`.

    Source: https://www.braze.com/docs/api/endpoints/user_data/post_user_track/
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._by_braze_id: OrderedDict[str, Profile] = OrderedDict()
        self._by_external_id: dict[str, Profile] = {}
        self._by_alias: dict[Alias, Profile] = {}
        #: Field ("email", "phone") -> value -> people who share it, by braze_id.
        self._by_contact: dict[str, dict[str, dict[str, Profile]]] = {"email": {}, "phone": {}}
        self._turn = 0

    def __len__(self) -> int:
        return len(self._by_braze_id)

    def newest_first(self) -> Iterator[Profile]:
        """Everybody, the one updated last first."""
        return reversed(self._by_braze_id.values())

    def page(self, offset: int, limit: int) -> list[Profile]:
        """People in the order in which they were updated, newest first."""
        return list(islice(self.newest_first(), offset, offset + limit))

    def by_braze_id(self, braze_id: str) -> Profile | None:
        return self._by_braze_id.get(braze_id)

    def by_external_id(self, external_id: str) -> Profile | None:
        return self._by_external_id.get(external_id)

    def by_alias(self, label: str, name: str) -> Profile | None:
        return self._by_alias.get((label, name))

    def sharing(self, contact: str, value: str) -> list[Profile]:
        """People who share an e-mail address or a phone number."""
        return list(self._by_contact[contact].get(value, {}).values())

    def chosen(self, contact: str, value: str) -> Profile | None:
        """Of those who share it: identified ones before others, then the one updated last."""
        sharing = self._by_contact[contact].get(value)
        if not sharing:
            return None
        if len(sharing) == 1:
            return next(iter(sharing.values()))
        return max(sharing.values(), key=lambda one: (one.external_id is not None, one.turn))

    def find(self, given: dict[str, Any], now: float, *, may_create_alias: bool) -> Profile | None:
        """
        The profile that an object lands on, made where the rules say so.

        Args:
            given: A valid object of /users/track.
            now: Epoch second.
            may_create_alias: Whether this kind of object makes a profile for an unknown alias: attributes do.
        Returns: None where Braze stores nothing and does not say so.
        """
        update_only = given.get("_update_existing_only")
        external_id = given.get("external_id")
        if external_id is not None:
            return self._by_external_id.get(external_id) or (
                None if update_only else self._create(now, external_id=external_id)
            )
        alias = given.get("user_alias")
        if alias is not None:
            return self._find_alias(alias, now, may_create=may_create_alias and update_only is False)
        if given.get("braze_id") is not None:
            return self._by_braze_id.get(given["braze_id"])
        contact = "email" if given.get("email") is not None else "phone"
        value = given.get(contact)
        if value is None:
            return None
        return self.chosen(contact, value) or (None if update_only else self._create_contact(contact, value, now))

    def _find_alias(self, alias: dict[str, str], now: float, *, may_create: bool) -> Profile | None:
        label, name = alias["alias_label"], alias["alias_name"]
        found = self._by_alias.get((label, name))
        if found is None and may_create:
            found = self._create(now)
            found.aliases[label] = name
            self._by_alias[label, name] = found
        return found

    def _create(self, now: float, external_id: str | None = None) -> Profile:
        made = Profile(braze_id=secrets.token_hex(12), created_at=now, updated_at=now, external_id=external_id)
        self._by_braze_id[made.braze_id] = made
        if external_id is not None:
            self._by_external_id[external_id] = made
        self.touch(made, now)
        return made

    def _create_contact(self, contact: str, value: str, now: float) -> Profile:
        made = self._create(now)
        self.set_contact(made, contact, value)
        made.growth.wrote(contact, None, value, now)
        return made

    def set_contact(self, profile: Profile, contact: str, value: str | None) -> None:
        """Give somebody another e-mail address or phone number, or none."""
        index = self._by_contact[contact]
        before = profile.standard.get(contact)
        if before is not None:
            sharing = index[before]
            sharing.pop(profile.braze_id, None)
            if not sharing:
                del index[before]
        if value is None:
            profile.standard.pop(contact, None)
        else:
            profile.standard[contact] = value
            index.setdefault(value, {})[profile.braze_id] = profile

    def touch(self, profile: Profile, now: float) -> None:
        """Note that somebody was updated just now."""
        self._turn += 1
        profile.turn = self._turn
        profile.updated_at = now
        self._by_braze_id.move_to_end(profile.braze_id)
