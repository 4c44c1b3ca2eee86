"""What the management API takes and answers about dead letters, jobs, people, and searches for them."""

from collections.abc import Mapping
from typing import Any, get_args

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from schemas.api import MOST_ON_A_PAGE, PAGE, SEARCH_ELSEWHERE, STATES, ListQuery, Page, Query, time_field
from schemas.dead_letter import LEAST_RATE, MOST_RATE, REASONS, LetterFilter, SoughtPerson
from schemas.mapping import IdentifierKind

KINDS: tuple[str, ...] = get_args(IdentifierKind)
#: Members of a filter; they are taken inside `filter` and beside it.
FILTER_MEMBERS = ("integration", "reason", "since", "until", "identifier", "text")
#: Characters of what is searched for.
LONGEST_TEXT = 1000
#: Ids in one request; a filter means any number.
MOST_IDS = 10_000
#: Longer than anybody's events have been kept.
MOST_HOURS = 1_000_000


def _not_blank(value: str) -> None:
    if not value.strip():
        raise ValidationError("must not be blank.")


def _text(description: str, **options: Any) -> fields.String:
    return fields.String(metadata={"description": description}, **options)


def _words(description: str, **options: Any) -> fields.String:
    return _text(description, validate=[_not_blank, validate.Length(max=LONGEST_TEXT)], **options)


def _integer(description: str) -> fields.Integer:
    return fields.Integer(metadata={"description": description})


def _above_zero(description: str, most: float | None = None) -> fields.Float:
    above = validate.Range(min=0, max=most, min_inclusive=False)
    return fields.Float(validate=above, metadata={"description": description})


def sought(asked: Mapping[str, Any]) -> SoughtPerson:
    """What an `identifier` means."""
    return SoughtPerson(asked.get("kind"), asked["value"], asked.get("alias_label"))


def letter_filter(asked: Mapping[str, Any]) -> LetterFilter:
    """What the members of a filter mean; others are left alone."""
    members = {name: asked[name] for name in FILTER_MEMBERS if name in asked}
    if "identifier" in members:
        members["identifier"] = sought(members["identifier"])
    return LetterFilter(**members)


class IdentifierAsked(Schema):
    """A person, by what Braze knows them by; without a kind of any kind."""

    kind = fields.String(validate=validate.OneOf(KINDS))
    value = _words("As typed: spaces, capitals and the way of writing phone numbers don't matter.", required=True)
    alias_label = _words("Of a user_alias.")

    @validates_schema
    def _labels_belong_to_aliases(self, data: dict[str, Any], **_: Any) -> None:
        if "alias_label" in data and data.get("kind", "user_alias") != "user_alias":
            raise ValidationError("belongs to the kind user_alias alone.", "alias_label")


class PersonToForget(IdentifierAsked):
    """Whom to erase."""

    kind = fields.String(required=True, validate=validate.OneOf(KINDS))

    @validates_schema
    def _aliases_have_labels(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("kind") == "user_alias" and "alias_label" not in data:
            raise ValidationError("is missing: a user_alias is found by its label and value.", "alias_label")


class LetterFilterAsked(Schema):
    """Which dead letters: every member given must match."""

    integration = _text("Its id.")
    reason = fields.String(validate=validate.OneOf(REASONS))
    since = time_field("Dead at or after this time.")
    until = time_field("Dead at or before this time.")
    identifier = fields.Nested(IdentifierAsked)
    text = _words("Stands in the body, the reason or Braze's words; case does not matter.")


class LettersChosen(LetterFilterAsked):
    """Dead letters by ids or by a filter, whose members may also stand here by themselves; {"filter": {}} means all."""

    ids = fields.List(
        fields.String(), validate=validate.Length(1, MOST_IDS), metadata={"description": "Submission ids."}
    )
    filter = fields.Nested(LetterFilterAsked)

    @validates_schema
    def _one_way(self, data: dict[str, Any], **_: Any) -> None:
        ways = ("ids" in data) + ("filter" in data) + any(name in data for name in FILTER_MEMBERS)
        if ways != 1:
            raise ValidationError('Give either `ids` or a `filter`; {"filter": {}} means every dead letter.')


class LettersToReplay(LettersChosen):
    """The same, and how to replay them."""

    dry_run = fields.Boolean(metadata={"description": "Show the requests that would be sent, and change nothing."})
    rate = fields.Float(
        validate=validate.Range(LEAST_RATE, MOST_RATE), metadata={"description": "Dead letters a second, at most."}
    )
    events_not_older_than_hours = _above_zero("Events that happened longer ago are left out.", MOST_HOURS)


class LetterQuery(ListQuery):
    """A page of dead letters. Identifiers and texts stay out of addresses: search submissions for them."""

    elsewhere = {"text": SEARCH_ELSEWHERE, "identifier": SEARCH_ELSEWHERE}  # noqa: RUF012 -- as in Query

    integration = _text("Its id.")
    reason = fields.String(validate=validate.OneOf(REASONS))
    since = time_field("Dead at or after this time.")
    until = time_field("Dead at or before this time.")


class LetterShort(Schema):
    """One dead letter in a list."""

    id = _text("The submission's.")
    integration = fields.String()
    event = fields.String()
    reason = fields.String(validate=validate.OneOf(REASONS))
    received_at = fields.AwareDateTime()
    dead_at = fields.AwareDateTime()
    attempts = _integer("How many requests to Braze it was part of.")
    status = fields.Integer(allow_none=True, metadata={"description": "Braze's last; null if it was never asked."})
    answer = fields.Raw(allow_none=True, metadata={"description": "Braze's last words."})
    version = _integer("Of the rules under which it died.")
    replays = _integer("How often it was replayed.")


class LetterList(Schema):
    """A page of dead letters, newest first."""

    items = fields.List(fields.Nested(LetterShort))
    next = fields.String(allow_none=True)


class LetterWhole(LetterShort):
    """One dead letter with all that is known of it."""

    person = fields.Dict(allow_none=True)
    warnings = fields.List(fields.String(), metadata={"description": "What was left out of it."})
    tried = fields.List(fields.Dict(), metadata={"description": "The attempts: the first 3 and the last 10."})
    accepted = fields.Dict(metadata={"description": "Names of attributes and keys of events that Braze has taken."})
    raw = fields.Dict(metadata={"description": "The body as Komo sent it."})


class JobShown(Schema):
    """Something that a worker does because a person asked."""

    id = fields.String()
    kind = fields.String(validate=validate.OneOf(["replay", "discard", "forget"]))
    state = fields.String(validate=validate.OneOf(["queued", "running", "done", "failed", "stopped"]))
    by = _text("Who asked: api or command line.")
    created_at = fields.AwareDateTime()
    started_at = fields.AwareDateTime(allow_none=True)
    finished_at = fields.AwareDateTime(allow_none=True)
    matched = _integer("How many it is about.")
    done = fields.Integer()
    skipped = _integer("How many stay as they are, because they are gone or not known; the result says which.")
    why = fields.String(allow_none=True, metadata={"description": "A sentence, where it failed."})
    asked = fields.Dict(
        allow_none=True,
        metadata={"description": "Which ones, and how, without `identifier` and `text`; nothing of a forget."},
    )
    result = fields.Dict(allow_none=True)


class JobQuery(Query):
    """How many jobs."""

    limit = fields.Integer(load_default=PAGE, validate=validate.Range(1, MOST_ON_A_PAGE))


class JobShort(JobShown):
    """One job in a list, without its result and the ids that were asked for."""

    class Meta:
        exclude = ("result",)


class JobList(Schema):
    """The newest jobs, newest first."""

    items = fields.List(fields.Nested(JobShort))


class RehearsalShown(JobShown):
    """The job; after a dry run it is over, and beside it stands what would be sent, of which nothing is kept."""

    dry_run = fields.Boolean()
    requests = fields.List(fields.Dict(), metadata={"description": "To Braze, for the first letters, without the key."})
    outcomes = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        metadata={"description": "How many would be sent (delivered), and how many stay dead, by reason."},
    )
    complete = fields.Boolean(metadata={"description": "Whether every letter was looked at."})
    gone = fields.List(fields.String(), metadata={"description": "Of the ids asked for: no dead letters (any more)."})


class SubmissionSearch(Page):
    """Which submissions: by identifier, by text or by both, newest first."""

    identifier = fields.Nested(IdentifierAsked)
    text = _words("Stands in the body or in the event's name; case does not matter. Or an id.")
    integration = _text("Its id.")
    state = fields.String(validate=validate.OneOf(STATES))
    since = time_field("Received at or after this time.")

    @validates_schema
    def _something(self, data: dict[str, Any], **_: Any) -> None:
        if "identifier" not in data and "text" not in data:
            raise ValidationError("Give an `identifier` or a `text`.")
