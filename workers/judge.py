"""Submission + rules → whose it is and where it goes, at acceptance and when the rules for people change. Pure."""

from dataclasses import replace
from weakref import WeakKeyDictionary

from schemas.arrival import Judgement, packed_marks
from schemas.integration import Integration
from schemas.komo import person_marks
from schemas.submission import Submission
from workers.errors import BadIdentifier
from workers.identify import identify
from workers.transform import CompiledMapping, compile_mapping, wanted

#: Of each mapping, what it says of the person's own data: compiled once, when it is first asked for.
_own_data: WeakKeyDictionary[CompiledMapping, CompiledMapping] = WeakKeyDictionary()


def judge(submission: Submission, integration: Integration, mapping: CompiledMapping) -> Judgement:
    """
    Find the person and the objects to expect; values are mapped again when it is delivered.

    Whatever a draft is sent waits without a person, until there are rules to judge it by.
    """
    if integration.draft:
        return Judgement("lane")
    if not wanted(submission, integration):
        return Judgement("filtered", reason="not_accepted")
    try:
        person = identify(submission, integration)
    except BadIdentifier:
        return Judgement("dead", reason="bad_identifier")
    marks = packed_marks(person_marks(submission.sections))
    if person is None:
        return _judge_unknown(submission, integration, mapping, marks)
    attributes, events = mapping.expect(submission)
    needs_alias = person.kind == "user_alias" and events > 0
    return Judgement("lane", person, attributes=attributes or needs_alias, events=events, marks=marks)


def _judge_unknown(
    submission: Submission, integration: Integration, mapping: CompiledMapping, marks: tuple[str, ...]
) -> Judgement:
    """Held for whoever turns out to have made it, if they can be told at all and there is something to send then."""
    nobody = Judgement("filtered", reason="no_identifier")
    if not marks:
        return nobody
    mapped = mapping.apply(submission, None)
    if not (mapped.events or mapped.sends or _own_data_of(mapping, integration).apply(submission, None).attributes):
        return nobody
    may_need_alias = bool(mapped.events) and any(rule.kind == "user_alias" for rule in integration.identifiers)
    attributes = bool(mapped.attributes) or may_need_alias
    return Judgement("held", reason=nobody.reason, attributes=attributes, events=len(mapped.events), marks=marks)


def _own_data_of(mapping: CompiledMapping, integration: Integration) -> CompiledMapping:
    """The attributes without constants: what is the same for everybody says nothing about anybody."""
    known = _own_data.get(mapping)
    if known is None:
        rules = tuple(rule for rule in integration.attributes if not rule.source.has_value)
        known = _own_data[mapping] = compile_mapping(replace(integration, attributes=rules, events=(), sends=()))
    return known
