"""What an integration's rules would make of a submission: the exact requests to Braze. Pure."""

from datetime import datetime
from typing import Any

import orjson

from schemas.integration import Integration
from schemas.komo import read_submission
from schemas.person import Person
from schemas.submission import Submission
from workers.errors import BadIdentifier
from workers.identify import identify
from workers.pack import Item, pack
from workers.prepare import MAX_REQUEST_BYTES
from workers.transform import compile_mapping, wanted

#: The id of a submission that nobody has sent.
PREVIEW_ID = "preview"


def preview(
    integration: Integration, body: dict[str, Any], *, received_at: datetime, submission_id: str = PREVIEW_ID
) -> dict[str, Any]:
    """
    Run one submission through the rules without keeping or sending anything.

    Returns: `outcome` (delivered, filtered or dead, if Braze takes it) and its `reason`; `person`; `requests` with
    their `url` and `body`; `warnings`; `left_out`, what Braze has already; `submission`, as mappings see it.
    """
    submission = read_submission(body, id=submission_id, received_at=received_at)
    told: dict[str, Any] = {
        "outcome": "filtered",
        "reason": "not_accepted",
        "person": None,
        "requests": [],
        "warnings": list(submission.warnings),
        "left_out": [],
        "submission": {name: value for name, value in submission.sections.items() if name != "raw"},
    }
    if not wanted(submission, integration):
        return told
    try:
        person = identify(submission, integration)
    except BadIdentifier:
        return told | {"outcome": "dead", "reason": "bad_identifier"}
    if person is None:
        return told | {"reason": "no_identifier"}
    shown = {"kind": person.kind, "value": person.value, "alias_label": person.alias_label}
    return told | {"person": shown} | _mapped(integration, submission, person)


def _mapped(integration: Integration, submission: Submission, person: Person) -> dict[str, Any]:
    mapped = compile_mapping(integration).apply(submission, person)
    warnings = [*submission.warnings, *mapped.warnings]
    if not mapped.attributes and not mapped.events:
        if mapped.warnings:
            return {"outcome": "dead", "reason": "no_usable_value", "warnings": warnings}
        return {"outcome": "filtered", "reason": "nothing_mapped", "warnings": warnings}
    packed = pack(
        [Item(submission.id, "", person, mapped.attributes, mapped.events)],
        max_objects=integration.braze.max_objects_per_request,
        max_bytes=MAX_REQUEST_BYTES,
        existing_profiles_only=integration.existing_profiles_only,
    )
    url = f"{integration.braze.rest_endpoint}/users/track"
    requests = [{"method": "POST", "url": url, "body": orjson.loads(one.body)} for one in packed.requests]
    if packed.too_big:
        return {"outcome": "dead", "reason": "too_big", "warnings": warnings}
    return {"outcome": "delivered", "reason": None, "requests": requests, "warnings": warnings}
