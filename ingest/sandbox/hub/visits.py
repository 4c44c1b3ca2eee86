"""What the hub remembers of its visitors: in memory, bounded, gone with the process."""

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from uuid import UUID, uuid5

from .cards import Card
from .connector import Delivery
from .play import Play
from .visitor import Entry, Visitor, known_by

MAX_VISITS = 500
MAX_ENTRIES = 20
MAX_DELIVERIES = 60


@dataclass
class PlayedEntry:
    """One entry: its card, how the game ended, and what was posted for it, a vote included."""

    entry: Entry
    card: Card
    play: Play
    deliveries: list[Delivery]


@dataclass
class Visit:
    """One session: who plays, games that were begun or wait for their form, entries, and everything posted."""

    visitor: Visitor
    form: dict[str, str] = field(default_factory=dict)
    started: dict[str, datetime] = field(default_factory=dict)
    plays: dict[str, Play] = field(default_factory=dict)
    #: Posted as soon as a card was played, by the card's slug, until its form is filled in.
    votes: dict[str, list[Delivery]] = field(default_factory=dict)
    entries: OrderedDict[str, PlayedEntry] = field(default_factory=OrderedDict)
    deliveries: deque[Delivery] = field(default_factory=lambda: deque(maxlen=MAX_DELIVERIES))

    def captured(self, fields: Mapping[str, str]) -> None:
        """Remember what a form told, for the events and the forms that come."""
        self.form.update(fields)
        self.visitor = known_by(self.visitor, fields)

    def keep(self, played: PlayedEntry) -> None:
        self.entries[played.entry.id] = played
        while len(self.entries) > MAX_ENTRIES:
            self.entries.popitem(last=False)


class Visits:
    """The latest visits by session id; the one that was not seen for longest goes first."""

    def __init__(self) -> None:
        self._visits: OrderedDict[str, Visit] = OrderedDict()
        self._lock = Lock()

    def of(self, session_id: str) -> Visit:
        """The visit of a session, begun if there is none. Its contact and user ids follow from the session id."""
        with self._lock:
            visit = self._visits.setdefault(session_id, Visit(_visitor(session_id)))
            self._visits.move_to_end(session_id)
            while len(self._visits) > MAX_VISITS:
                self._visits.popitem(last=False)
            return visit

    def __len__(self) -> int:
        return len(self._visits)


def _visitor(session_id: str) -> Visitor:
    session = UUID(session_id)
    return Visitor(session_id, contact_id=str(uuid5(session, "contact")), user_id=str(uuid5(session, "user")))
