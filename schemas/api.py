"""What the management API takes and answers, beside the integration document itself."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from schemas.integration_document import BrazeDocument, IntegrationDocument
from schemas.rule_documents import IdentifierDocument

#: Items on one page of a list, unless asked otherwise.
PAGE = 50
MOST_ON_A_PAGE = 500
#: Where a submission can stand.
STATES = ("waiting", "in_flight", "held", "delivered", "filtered", "dead", "discarded")


def _text(description: str, **options: Any) -> fields.String:
    return fields.String(metadata={"description": description}, **options)


class OutboxShown(Schema):
    """How one kind of messages is doing."""

    waiting = fields.Integer()
    paused_because = fields.String(allow_none=True)
    problem = _text("Braze's words of the last message that it did not send.", allow_none=True)
    problem_of = _text("Braze's id of that campaign or canvas.", allow_none=True)


class LastProblem(Schema):
    """The last attempt at what was put off."""

    at = fields.AwareDateTime()
    status = fields.Integer(metadata={"description": "0 if there was no answer."})
    answer = _text("Braze's words; keys, addresses and numbers of people are cut out of them.")


class StandingShown(Schema):
    """What keeps an integration from sending now."""

    sending = fields.Boolean(metadata={"description": "Whether what comes now can be sent."})
    because = _text("What keeps it, or slows it down.", allow_none=True)
    until = fields.AwareDateTime(allow_none=True, metadata={"description": "Null where nobody knows."})
    last_problem = fields.Nested(LastProblem, allow_none=True)


def _in_utc(moment: datetime) -> None:
    try:
        moment.astimezone(UTC)
    except OverflowError:
        raise ValidationError("is before the year 1 or after the year 9999 in UTC.") from None


def time_field(description: str) -> fields.AwareDateTime:
    """A time; without an offset UTC."""
    return fields.AwareDateTime(default_timezone=UTC, validate=_in_utc, metadata={"description": description})


class Query(Schema):
    """Parameters in an address: a misspelt one would be a filter that is not there."""

    #: What is asked for elsewhere -> where.
    elsewhere: dict[str, str] = {}  # noqa: RUF012 -- marshmallow's schemas are classes of constants

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _nothing_else(self, _: Any, original: Iterable[str], **__: Any) -> None:
        known = ", ".join(sorted(self.fields))
        unknown = {
            name: self.elsewhere.get(name, f"is no parameter here; there are {known}.")
            for name in original if name not in self.fields
        }  # fmt: skip
        if unknown:
            raise ValidationError({name: [detail] for name, detail in unknown.items()})


class BrazeShown(BrazeDocument):
    """Where deliveries go; a draft may not know it yet."""

    rest_endpoint = fields.String()


class IntegrationShown(IntegrationDocument):
    """An integration as responses show it."""

    braze = fields.Nested(BrazeShown, required=True)
    identifiers = fields.List(
        fields.Nested(IdentifierDocument), required=True, metadata={"description": "Empty only in a draft."}
    )
    webhook_url = _text("Where Komo posts to.", dump_only=True)
    state = fields.String(dump_only=True, validate=validate.OneOf(["active", "paused"]))
    paused_because = fields.String(dump_only=True, allow_none=True)
    draft = fields.Boolean(
        dump_only=True, metadata={"description": "Only where it is true: not set up yet, and parts may be missing."}
    )
    standing = fields.Nested(StandingShown, dump_only=True)
    version = fields.Integer(dump_only=True, metadata={"description": "For If-Match; the ETag says it too."})
    created_at = fields.AwareDateTime(dump_only=True)
    updated_at = fields.AwareDateTime(dump_only=True)
    outbox = fields.Dict(
        fields.String(),
        fields.Nested(OutboxShown),
        dump_only=True,
        metadata={"description": "By kind: messages that it asks for, or that wait."},
    )
    warnings = fields.List(fields.Dict(), dump_only=True, metadata={"description": "After a save: probably not meant."})
    webhook_secret = _text("Once, at creation.", dump_only=True)
    url_key = _text("Once, at creation.", dump_only=True)


class BrazePatch(BrazeDocument):
    """The same, of the member `braze`."""


class IntegrationReplaced(IntegrationDocument):
    """The document under an address that says its id already."""


class IntegrationPatch(IntegrationDocument):
    """A JSON merge patch (RFC 7396): what is left out stays, null takes away, lists are replaced whole."""

    braze = fields.Nested(BrazePatch(partial=True))


class IntegrationList(Schema):
    """All integrations."""

    items = fields.List(fields.Nested(IntegrationShown))
    next = fields.String(allow_none=True)


class Page(Schema):
    """A page of a list."""

    cursor = _text("`next` of the page before.")
    limit = fields.Integer(load_default=PAGE, validate=validate.Range(1, MOST_ON_A_PAGE))


class ListQuery(Query, Page):
    """A page of a list, in an address."""


#: Of a search that was looked for in an address.
SEARCH_ELSEWHERE = (
    "is no parameter, so that it stays out of addresses and logs: POST /api/v1/submissions/search takes it."
)


class SubmissionQuery(ListQuery):
    """Which submissions."""

    elsewhere = {"text": SEARCH_ELSEWHERE, "identifier": SEARCH_ELSEWHERE}  # noqa: RUF012 -- as in Query

    integration = _text("Its id.")
    state = fields.String(validate=validate.OneOf(STATES))
    event = _text("Komo's name of what happened, such as CompetitionEntrySuccess.")
    since = time_field("Received at or after this time.")


class SubmissionShort(Schema):
    """One submission in a list."""

    id = fields.String()
    integration = fields.String()
    event = fields.String()
    state = fields.String(validate=validate.OneOf(STATES))
    reason = fields.String(allow_none=True)
    received_at = fields.AwareDateTime()
    settled_at = fields.AwareDateTime(allow_none=True)


class SubmissionList(Schema):
    """A page of submissions, newest first."""

    items = fields.List(fields.Nested(SubmissionShort))
    next = fields.String(allow_none=True)


class SubmissionWhole(SubmissionShort):
    """One submission with everything that happened to it."""

    person = fields.Dict(allow_none=True)
    attempts = fields.Integer(metadata={"description": "How many requests it was part of."})
    timeline = fields.List(fields.Dict(), metadata={"description": "What happened, in order; last why it waits."})
    raw = fields.Dict(metadata={"description": "The body as Komo sent it."})


class DeleteQuery(Query):
    """What may be lost with an integration."""

    discard = fields.Boolean(load_default=False, metadata={"description": "Delete even if submissions wait."})


class WhichSecret(Schema):
    """Of which secret this is about; both if it is left out."""

    which = fields.String(validate=validate.OneOf(["webhook_secret", "url_key"]))


class NewSecrets(Schema):
    """Shown this once."""

    webhook_secret = fields.String()
    url_key = fields.String()


class TestLine(Schema):
    """One thing that was tried."""

    name = fields.String()
    ok = fields.Boolean()
    detail = fields.String()


class TestReport(Schema):
    """Whether Braze would take what this integration sends."""

    ok = fields.Boolean()
    lines = fields.List(fields.Nested(TestLine))


class PreviewRequest(Schema):
    """A submission, and rules that need not be saved."""

    document = fields.Dict(
        allow_none=True, metadata={"description": "An integration document; the saved one if it is left out."}
    )
    submission = fields.Dict(metadata={"description": "A body as Komo would send it."})
    submission_id = _text("A past submission instead.")


class PreviewAnswer(Schema):
    """What would become of it."""

    outcome = fields.String(validate=validate.OneOf(["delivered", "filtered", "held", "dead"]))
    reason = fields.String(allow_none=True)
    person = fields.Dict(allow_none=True)
    requests = fields.List(fields.Dict(), metadata={"description": "The exact requests to Braze, without the key."})
    warnings = fields.List(fields.String())
    left_out = fields.List(fields.String(), metadata={"description": "What send_only_changes would leave out."})
    submission = fields.Dict(metadata={"description": "The submission as mappings see it."})


class LedgerShown(Schema):
    """received = waiting + in_flight + held + delivered + filtered + dead + discarded, always."""

    received = fields.Integer()
    duplicates = fields.Integer()
    waiting = fields.Integer()
    in_flight = fields.Integer()
    held = fields.Integer()
    delivered = fields.Integer()
    filtered = fields.Integer()
    dead = fields.Integer()
    discarded = fields.Integer()
    sent = fields.Integer()
    send_unknown = fields.Integer()
    send_dead = fields.Integer()
    requests = fields.Integer()
    objects = fields.Integer()
    data_points_sent = fields.Integer()
    data_points_saved = fields.Integer()
    possible_duplicates = fields.Integer()
    operations_left_out = fields.Integer()
    expired = fields.Integer()


class ProblemShown(Schema):
    """RFC 9457: what is wrong, with the place of each problem."""

    type = fields.String()
    title = fields.String()
    status = fields.Integer()
    detail = fields.String()
    errors = fields.List(fields.Dict())
    request_id = fields.String()
