"""
What was given up, until a person replays or discards it, or it has been dead for too long.

P = {braze_workspace}:<integration_id>

P:dlq  stream  dead letters, the one that died last at its end: b body, h head, p person, why, details (JSON: status,
               answer, number, attempts, warnings), done (JSON, as P:done), at (ms), v version of the mapping, n how
               often replayed; b, h and why are always there

What is open besides, how many there are of each reason, and what a job has to do: open_letters.lua, letter_reasons.py,
letter_moves.py.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

import redis

from schemas.dead_letter import LetterFilter
from schemas.integration import Integration
from workers.store.accepted import Accepted
from workers.store.connect import reaching_the_store
from workers.store.inbox import Limits
from workers.store.keys import own
from workers.store.lazy_merge import merge_newest
from workers.store.letter_filter import matcher
from workers.store.letter_moves import LetterMoves
from workers.store.letter_reasons import LetterReasons, Reasons
from workers.store.letters import Letter, Place, read_letter
from workers.store.newest import Newest
from workers.store.scripts import Script

#: Letters that one listing looks at, and bytes of their bodies; where few are wanted, its page is short or empty.
LOOKED_AT, LOOKED_AT_BYTES = 10_000, 32_000_000
#: Letters read in one go, at first and at most; fewer once a page holds more than PAGE_BYTES.
FIRST_PAGE, LAST_PAGE, PAGE_BYTES = 8, 128, 8_000_000
#: Letters that the store looks through in one call, and bytes of them; it does nothing else meanwhile.
LOOK_THROUGH, LOOK_THROUGH_BYTES = 250, 500_000
DAY_MS = 86_400_000
#: Between the clocks of the processes and the store's, at most.
CLOCKS_MS = 600_000

#: See `submission_id`: a day since 1970 and 8 bytes, in hexadecimal.
_ID = re.compile(r"([0-9a-f]{1,6})([0-9a-f]{16})")
_CURSOR = re.compile(r"([0-9]{1,15})-([0-9]{1,15})\.([a-z0-9-]{1,63})")


class Page(NamedTuple):
    """A part of a search through the letters of one integration."""

    #: The id of the last entry looked at: `after` of a search that goes on from here.
    last: str
    #: Entry id -> stamp, of those that are meant.
    chosen: dict[str, int]


class DeadLetters:
    """
    Listings, single letters and searches; `moves` changes what becomes of them.

    Args:
        integrations: Every integration, for listings that name none.
        limits: Of the inbox, for what is put back into it.
    """

    def __init__(
        self, connection: redis.Redis, integrations: Callable[[], Sequence[Integration]], limits: Limits
    ) -> None:
        self._redis = connection
        self._integrations = integrations
        self.moves = LetterMoves(connection, limits)
        self._newest = Newest(connection)
        self._accepted = Accepted(connection)
        self._find = Script(connection, "find_dead")
        self._reasons = LetterReasons(connection)

    def show(self, wanted_id: str, integration_id: str | None = None) -> dict[str, Any] | None:
        """
        One letter as `Letter.whole` tells it, by its submission's id; None if it is not dead or no longer kept.

        Args:
            integration_id: Where it is, if that is known.
        """
        integrations = [one for one in self._integrations() if integration_id in (None, one.id)]
        match = _ID.fullmatch(wanted_id)
        if match is None:
            return None
        accepted = self._accepted.by(integrations, int(match[1], 16), match[2])
        for one in accepted or [spot.integration for spot in self._newest.look(integrations, ["dlq"])]:
            for page in self.find(one, (wanted_id,)):
                for letter in self.read(one, [*page.chosen]):
                    if letter is not None:
                        return letter.whole()
        return None

    def letters(
        self, integration: Integration, wanted: LetterFilter, *, until_id: str | None = None
    ) -> Iterator[Letter]:
        """
        Every letter of an integration that a filter means, oldest death first, read a bounded part at a time.

        Args:
            wanted: Its `integration` is not looked at.
            until_id: The id of the last entry that belongs to it, or a time in ms; what dies later does not.
        """
        is_wanted = matcher(wanted, integration)
        for letters in self._oldest_first(integration, wanted, "-", until_id):
            yield from filter(is_wanted, letters)

    def each(self, wanted: LetterFilter) -> Iterator[Letter]:
        """Every letter that a filter means, of all integrations; what died last comes first."""
        return (letter for letter, is_wanted in self._merged(wanted, None) if is_wanted)

    def choose(
        self,
        integration: Integration,
        wanted: LetterFilter | None,
        ids: Sequence[str] | None,
        *,
        after: str | None = None,
        until_id: str | None = None,
    ) -> Iterator[Page]:
        """
        The letters that a job is about: those with these ids, or that a filter means, or both; none if both are None.

        Args:
            after: `last` of the page after which to go on.
        """
        start = f"({after}" if after else "-"
        if ids is not None:
            least, most = _times(wanted) if wanted else (None, None)
            start = start if after else least or start
            until_id = min((one for one in (most, until_id) if one), key=_order, default=None)
            yield from self._of_them(integration, wanted, self.find(integration, ids, start=start, until_id=until_id))
        elif wanted is not None:
            is_wanted = matcher(wanted, integration)
            for letters in self._oldest_first(integration, wanted, start, until_id):
                yield Page(letters[-1].entry, {one.entry: one.stamp for one in letters if is_wanted(one)})

    def find(
        self, integration: Integration, ids: Sequence[str], *, start: str = "-", until_id: str | None = None
    ) -> Iterator[Page]:
        """The letters of these submissions; what are no ids of ours are not found."""
        known = [(int(match[1], 16), match[2]) for match in map(_ID.fullmatch, ids) if match]
        wanted = sorted({f"{day} {digest}" for day, digest in known})
        missing = len(wanted)
        if start == "-" and known:  # nobody dies before they are accepted
            start = str(max(0, min(day for day, _ in known) * DAY_MS - CLOCKS_MS))
        while missing > 0:
            args: list[str | int] = [start, until_id or "+", LOOK_THROUGH, LOOK_THROUGH_BYTES, *wanted]
            last, *found = (one.decode() for one in self._find([f"{own(integration)}:dlq"], args))
            chosen = {entry: int(stamp) for entry, stamp in zip(found[::2], found[1::2], strict=True)}
            if chosen or last:
                yield Page(last or max(chosen, key=_order), chosen)
            if not last:
                return
            missing -= len(chosen)
            start = f"({last}"

    def read(self, integration: Integration, entries: Sequence[str]) -> Sequence[Letter | None]:
        """The letters of these entries; None for one that is not dead any more."""
        with reaching_the_store():
            pipe = self._redis.pipeline(transaction=False)
            for entry in entries:
                pipe.xrange(f"{own(integration)}:dlq", entry, entry)
            found: Any = pipe.execute()
        return [
            read_letter(integration.id, entry, page[0][1]) if page else None
            for entry, page in zip(entries, found, strict=True)
        ]

    def reasons(self, integration: Integration) -> dict[str, int]:
        """How many letters there are of each reason, most first; of many of an old store, the newest are counted."""
        return self._reasons.of(integration).counts

    def reasons_many(self, integrations: Sequence[Integration]) -> dict[str, Reasons]:
        """The same of many integrations, by their ids, with how many letters there are and whether all were counted."""
        return self._reasons.of_many(integrations)

    def list(
        self,
        wanted: LetterFilter,
        *,
        cursor: str | None = None,
        limit: int = 50,
        until: Callable[[], bool] = lambda: False,
        bodies: bool = False,
    ) -> tuple[list[dict[str, Any]], str | None]:
        """
        Letters in short (`Letter.short`); what died last comes first.

        Args:
            cursor: As returned by the call before; raises ValueError if it is not one.
            until: Whether the time is up.
            bodies: Whether each has its `body`, as bytes.

        Returns: The items, and the cursor of the next page or None. A page may be short, or empty, before the last.
        """
        items: list[dict[str, Any]] = []
        room_bytes = LOOKED_AT_BYTES
        for number, (letter, is_wanted) in enumerate(self._merged(wanted, _read_cursor(cursor)), 1):
            room_bytes -= len(letter.body)
            if is_wanted:
                items.append(letter.short() | ({"body": letter.body} if bodies else {}))
            if len(items) >= limit or number >= LOOKED_AT or room_bytes <= 0 or until():
                return items, f"{letter.entry}.{letter.integration}"
        return items, None

    def _merged(self, wanted: LetterFilter, below: Place | None) -> Iterator[tuple[Letter, bool]]:
        """Letters of all integrations that died at the times meant, newest first, and whether each is wanted."""
        meant = [one for one in self._integrations() if wanted.integration in (None, one.id)]
        matchers = {one.id: matcher(wanted, one) for one in meant}
        least, most = _times(wanted)
        upper = min((one for one in (most, below and below.entry_id) if one), key=_order, default="+")
        streams = []
        for spot in self._newest.look(meant, ["dlq"], newest=upper, oldest=least or "-"):
            end = Place(spot.ms, spot.number, spot.integration.id)
            streams.append((end, partial(self._newest_first, spot.integration, end, below, least or "-")))
        for letter in merge_newest(streams, attrgetter("place")):
            yield letter, matchers[letter.integration](letter)

    def _newest_first(self, integration: Integration, end: Place, below: Place | None, least: str) -> Iterator[Letter]:
        """Letters from the one at the place `end` on; what dies meanwhile does not belong to it."""
        upper, count = end.entry_id, FIRST_PAGE
        while True:
            with reaching_the_store():
                page: Any = self._redis.xrevrange(f"{own(integration)}:dlq", upper, least, count=count)
            for raw_id, values in page:
                letter = read_letter(integration.id, raw_id.decode(), values)
                if below is None or letter.place < below:
                    yield letter
            if len(page) < count:
                return
            upper, count = f"({page[-1][0].decode()}", _next_count(page)

    def _oldest_first(
        self, integration: Integration, wanted: LetterFilter, start: str, until_id: str | None
    ) -> Iterator[Sequence[Letter]]:
        least, most = _times(wanted)
        if start == "-":
            start = least or "-"
        until = min((one for one in (most, until_id) if one), key=_order, default="+")
        count = FIRST_PAGE
        while True:
            with reaching_the_store():
                page: Any = self._redis.xrange(f"{own(integration)}:dlq", start, until, count=count)
            if page:
                yield [read_letter(integration.id, raw_id.decode(), values) for raw_id, values in page]
            if len(page) < count:
                return
            start, count = f"({page[-1][0].decode()}", _next_count(page)

    def _of_them(self, integration: Integration, wanted: LetterFilter | None, pages: Iterator[Page]) -> Iterator[Page]:
        """Of what was found by id, only what the filter means too."""
        if wanted is None:
            yield from pages
            return
        is_wanted = matcher(wanted, integration)
        least, most = _times(wanted)
        for page in pages:
            letters = [one for one in self.read(integration, [*page.chosen]) if one and is_wanted(one)]
            inside = [one for one in letters if int(least or 0) <= one.place.ms <= int(most or 10**15)]
            yield Page(page.last, {one.entry: one.stamp for one in inside})


def _next_count(page: Sequence[tuple[bytes, dict[bytes, bytes]]]) -> int:
    """How many letters to read after a page: twice as many, as far as they are small."""
    too_big = sum(len(values[b"b"]) for _, values in page) > PAGE_BYTES
    return max(1, len(page) // 2) if too_big else min(2 * len(page), LAST_PAGE)


def _times(wanted: LetterFilter) -> tuple[str | None, str | None]:
    """The first and the last time of death that a filter means, as parts of entry ids."""
    return _ms(wanted.since), _ms(wanted.until)


def _ms(moment: datetime | None) -> str | None:
    return None if moment is None else str(max(0, int(moment.timestamp() * 1000)))


def _order(entry: str) -> tuple[int, float]:
    """Entry ids in the order of the stream; a bare time stands for its last entry."""
    ms, dash, number = entry.partition("-")
    return int(ms), int(number) if dash else float("inf")


def _read_cursor(cursor: str | None) -> Place | None:
    if not cursor:
        return None
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise ValueError("the cursor is not one of ours")
    return Place(int(match[1]), int(match[2]), match[3])
