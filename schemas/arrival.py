"""One submission at the door: judged, but not yet kept."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Literal, NamedTuple

from schemas.person import Person

#: Held is what names nobody, until somebody with one of its marks identifies themselves.
Destination = Literal["lane", "held", "filtered", "dead"]


class Judgement(NamedTuple):
    """Where a submission goes."""

    destination: Destination
    #: Only for a lane; None if the integration is a draft.
    person: Person | None = None
    #: Why it goes to no lane; of what is held, why it ends if nobody comes.
    reason: str = ""
    #: Objects to expect under the current mapping; only the filling of batches depends on it.
    attributes: bool = False
    events: int = 0
    #: Of whoever made it, in the order of `schemas.komo.person_marks`: see `packed_marks`. It is held under the first.
    marks: tuple[str, ...] = ()


class Arrival(NamedTuple):
    """What the inbox needs to know of a submission."""

    #: What makes it the same as another: `schemas.identity`.
    digest: bytes
    short_lived: bool
    #: JSON, as it came.
    body: bytes
    received_ms: int
    event: str
    judgement: Judgement


def packed_marks(found: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """
    The form in which (kind, id) pairs are kept and compared: 16 hex digits each, the same in every process.

    A kind is an id space of its own, and an id may be of any length.
    """
    return tuple(blake2b(f"{kind}\x1f{one}".encode(), digest_size=8).hexdigest() for kind, one in found)
