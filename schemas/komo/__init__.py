"""Read a submission out of what Komo sends: three shapes, their variants, and objects that nobody announced."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.komo import interaction, legacy, workflow
from schemas.komo.spellings import bare_id, is_usable_id
from schemas.komo.timestamps import read_moment
from schemas.submission import Submission

#: Each an id space of its own: no page says how they relate, so none is ever used for another.
PERSON_SECTIONS: Final = ("contact", "profile", "user", "session")


_WITH_FRACTION: Final = len("2000-01-01T00:00:00.000000+00:00")


class Marks(NamedTuple):
    """What a body says that tells one submission from another."""

    event: str
    #: A component's id in Komo's own bodies, the run in those of a workflow; not known to be unique.
    id: Any
    entry_id: Any
    submission_id: Any
    prize_recipient_id: Any
    timestamp: Any


def read_submission(
    body: dict[str, Any],
    *,
    id: str,  # noqa: A002 - the name it has in a Submission
    received_at: datetime,
) -> Submission:
    """
    Bring any object into the one shape that mappings see; nothing is refused, and nothing is converted.

    Args:
        body: As parsed; kept as `raw`, not copied, and not to be changed afterwards.
        id: Ours.
        received_at: Aware, UTC.

    Source: https://developers.komo.tech/webhook-events/cards, https://developers.komo.tech/workflows,
        https://developers.komo.tech/user-interaction-events
    """
    event, timestamp, sections = _read(body)
    for section in PERSON_SECTIONS:
        # An empty placeholder must not make one person of everybody who left it empty.
        block = sections.get(section)
        if block is not None and not is_usable_id(block.get("id")):
            del sections[section]
    occurred_at, warning = read_moment(timestamp, received_at)
    sections["submission"] = {
        "id": id,
        "event": event,
        "occurred_at": as_text(occurred_at),
        "received_at": as_text(received_at),
    }
    sections["raw"] = body
    return Submission(id, event, occurred_at, received_at, sections, (warning,) if warning else ())


def person_marks(sections: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """
    The ids that Komo has for whoever made a submission, as (kind, id), each kind an id space of its own.

    Kinds in the order contact, profile, user, session; only usable ids. Komo writes its ids in either case, and some
    with braces around them: such spellings of one id are brought to one, any other id is only trimmed.

    Args:
        sections: Those of a submission.
    """
    found = []
    for kind in PERSON_SECTIONS:
        block = sections.get(kind)
        if isinstance(block, dict) and is_usable_id(value := block.get("id")):
            found.append((kind, bare_id(value)))
    return tuple(found)


def read_marks(body: dict[str, Any]) -> Marks:
    """What tells this submission from others, out of any shape; None where the body says nothing."""
    if legacy.is_legacy(body):
        get = body.get
        return Marks(
            body["event"],
            get("id"),
            get("competition_entry_id"),
            get("submission_id"),
            get("prize_recipient_id"),
            get("timestamp"),
        )
    event, timestamp, sections = _read(body)
    entry, prize = sections.get("entry", {}), sections.get("prize", {})
    return Marks(
        event,
        workflow.delivery_id(body),
        entry.get("id"),
        entry.get("submission_id"),
        prize.get("recipient_id"),
        timestamp,
    )


def as_text(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, as Komo writes it: `2000-01-01T00:00:00.000Z`."""
    text = moment.isoformat()
    return text[:23] + "Z" if len(text) == _WITH_FRACTION else text[:19] + ".000Z"


def _read(body: dict[str, Any]) -> tuple[str, Any, dict[str, Any]]:
    """Event, timestamp and sections."""
    if legacy.is_legacy(body):
        return body["event"], body.get("timestamp"), legacy.read_sections(body)
    if interaction.is_interaction(body):
        data = interaction.event_data(body)
        return interaction.event_name(body), data.get("timestamp"), interaction.read_sections(body)
    return workflow.event_name(body), workflow.timestamp(body), workflow.read_sections(body)
