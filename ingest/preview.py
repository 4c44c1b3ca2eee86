"""What an integration's rules would make of a submission: the exact requests to Braze, by the steps of a delivery."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from schemas.batch import Entry
from schemas.integration import Integration
from schemas.komo import read_submission
from schemas.names import Names
from schemas.person import Person
from schemas.submission import Submission
from workers.forecast import Forecast, forecast
from workers.judge import judge
from workers.prepare import NO_NAMES
from workers.transform import CompiledMapping, compile_mapping

#: The id of a submission that nobody has sent.
PREVIEW_ID = "preview"
#: By the key of a person, what Braze has accepted of them (workers.changes).
Known = Callable[[str], Sequence[list[Any]]]


def nothing_known(_: str) -> Sequence[list[Any]]:
    """As of somebody who comes for the first time."""
    return ()


def preview(
    integration: Integration,
    body: dict[str, Any],
    *,
    received_at: datetime,
    submission_id: str = PREVIEW_ID,
    names: Names = NO_NAMES,
    known: Known = nothing_known,
) -> dict[str, Any]:
    """
    Run one submission through the rules without keeping or sending anything.

    Args:
        names: By which `known` calls attributes.
        known: What is remembered of a person, by their key.

    Returns: `outcome` (delivered if Braze takes it, filtered, held until the person identifies themselves, or dead) and
    its `reason`; `person`; `requests` with their `url` and `body`, those of sends last; `warnings`; `left_out`, what
    Braze has already; `submission`, as mappings see it.
    """
    submission = read_submission(body, id=submission_id, received_at=received_at)
    mapping = compile_mapping(integration)
    judged = judge(submission, integration, mapping)
    told: dict[str, Any] = {
        "outcome": judged.destination,
        "reason": judged.reason or None,
        "person": None,
        "requests": [],
        "warnings": list(submission.warnings),
        "left_out": [],
        "submission": {name: value for name, value in submission.sections.items() if name != "raw"},
    }
    if judged.destination == "held":
        told["warnings"] += mapping.apply(submission, None).warnings
    if judged.person is None:
        return told
    entry = _entry(submission, body, judged.person, received_at)
    found = _forecast(entry, integration, mapping, names, known)
    endpoint = integration.braze.rest_endpoint
    return told | {
        "outcome": found.outcome,
        "reason": found.reason,
        "person": judged.person._asdict(),
        "requests": [{"method": "POST", "url": endpoint + path, "body": sent} for path, sent in found.requests],
        "warnings": found.warnings,
        "left_out": found.left_out,
    }


def _entry(submission: Submission, body: dict[str, Any], person: Person, received_at: datetime) -> Entry:
    received_ms = int(received_at.timestamp() * 1000)
    return Entry("0-0", submission.id, received_ms * 1000, person, received_ms, submission.event, body)


def _forecast(entry: Entry, integration: Integration, mapping: CompiledMapping, names: Names, known: Known) -> Forecast:
    remembered = known(entry.person.key) if integration.send_only_changes else ()
    return forecast(entry, integration, mapping, names=names, known=remembered, now_ms=entry.received_ms)
