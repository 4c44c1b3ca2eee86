"""One submission at the door: judged, but not yet kept."""

from typing import Literal, NamedTuple

from schemas.person import Person

Destination = Literal["lane", "filtered", "dead"]


class Judgement(NamedTuple):
    """Where a submission goes."""

    destination: Destination
    #: Only for a lane.
    person: Person | None = None
    #: Why it goes to no lane.
    reason: str = ""
    #: Objects to expect under the current mapping; only the filling of batches depends on it.
    attributes: bool = False
    events: int = 0


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
