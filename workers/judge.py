"""Submission + rules → whose it is and where it goes, at acceptance and when the rules for people change. Pure."""

from schemas.arrival import Judgement
from schemas.integration import Integration
from schemas.submission import Submission
from workers.errors import BadIdentifier
from workers.identify import identify
from workers.transform import CompiledMapping, wanted


def judge(submission: Submission, integration: Integration, mapping: CompiledMapping) -> Judgement:
    """Find the person and the objects to expect; values are mapped again when it is delivered."""
    if not wanted(submission, integration):
        return Judgement("filtered", reason="not_accepted")
    try:
        person = identify(submission, integration)
    except BadIdentifier:
        return Judgement("dead", reason="bad_identifier")
    if person is None:
        return Judgement("filtered", reason="no_identifier")
    mapped = mapping.apply(submission, person)
    needs_alias = person.kind == "user_alias" and bool(mapped.events)
    return Judgement("lane", person, attributes=bool(mapped.attributes) or needs_alias, events=len(mapped.events))
