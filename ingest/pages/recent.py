"""The newest submissions of one integration, whatever became of them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter
from typing import Any

import orjson

from schemas.integration import Integration
from schemas.komo import interaction, legacy, read_submission
from schemas.submission import Submission
from workers.store import Stores
from workers.store.found import Found
from workers.store.lazy_merge import merge_newest
from workers.store.records import Records

#: Enough to see what Komo sends, and quickly read; and no more bytes than that, for a page must not read more.
MOST, MOST_BYTES = 50, 4_000_000


def newest(integration: Integration, stores: Stores, most: int = MOST) -> list[Found]:
    """What came or was settled last comes first; fewer where they are large. Raises: StoreUnavailable."""
    records = Records(stores.connection)
    streams = [
        (end, partial(records.newest_first, source, end, None, 0))
        for end, source in records.ends([integration], None, None, 0)
    ]
    found: list[Found] = []
    sizes: dict[int, int] = {}  # of what was read: the submissions of a record share it
    for one in merge_newest(streams, attrgetter("place")):
        found.append(one)
        sizes[id(one.packed)] = len(one.packed)
        if len(found) >= most or sum(sizes.values()) > MOST_BYTES:
            break
    return found


def bodies(found: Iterable[Found]) -> Iterator[dict[str, Any]]:
    """Their bodies; those of one record are unpacked together."""
    unpacked: dict[int, Any] = {}
    for one in found:
        if id(one.packed) not in unpacked:
            unpacked[id(one.packed)] = orjson.loads(one.packed)
        body = unpacked[id(one.packed)]
        yield body[one.place.at] if isinstance(body, list) else body


def as_mappings_see(found: Sequence[Found]) -> list[Submission]:
    """Their bodies, read."""
    return [
        read_submission(body, id=one.id, received_at=datetime.fromtimestamp(one.head[4] / 1000, UTC))
        for one, body in zip(found, bodies(found), strict=True)
    ]


def shape_of(submission: Submission) -> str:
    """In which of Komo's ways it came: `legacy`, `interaction`, `workflow`, or `unknown`."""
    body = submission.sections["raw"]
    if legacy.is_legacy(body):
        return "legacy"
    if interaction.is_interaction(body):
        return "interaction"
    return "workflow" if submission.event else "unknown"
