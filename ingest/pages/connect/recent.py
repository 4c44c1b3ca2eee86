"""The newest submissions of one integration, whatever became of them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from operator import attrgetter

from schemas.integration import Integration
from schemas.komo import interaction, legacy, read_submission
from schemas.submission import Submission
from workers.store import Stores
from workers.store.records import Found, Records

#: Enough to see what Komo sends, and quickly read.
MOST = 50


def newest(integration: Integration, stores: Stores, most: int = MOST) -> list[Found]:
    """What came or was settled last comes first. Raises: StoreUnavailable."""
    records = Records(stores.connection)
    streams = [records.newest_first(source) for source in records.sources(integration)]
    return list(islice(merge(*streams, key=attrgetter("place"), reverse=True), most))


def as_mappings_see(found: Iterable[Found]) -> list[Submission]:
    """Their bodies, read."""
    return [
        read_submission(one.body(), id=one.id, received_at=datetime.fromtimestamp(one.head[4] / 1000, UTC))
        for one in found
    ]


def shape_of(submission: Submission) -> str:
    """In which of Komo's ways it came: `legacy`, `interaction`, `workflow`, or `unknown`."""
    body = submission.sections["raw"]
    if legacy.is_legacy(body):
        return "legacy"
    if interaction.is_interaction(body):
        return "interaction"
    return "workflow" if submission.event else "unknown"
