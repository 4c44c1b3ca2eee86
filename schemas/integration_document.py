"""The integration document as a marshmallow schema: which members there are, what is required, what is assumed."""

import re
from collections.abc import Mapping
from typing import Any

import phonenumbers
from marshmallow import Schema, ValidationError, fields, pre_load, validate, validates

from schemas.rule_documents import (
    AttributeDocument,
    EventDocument,
    IdentifierDocument,
    SendDocument,
    SubscriptionDocument,
)
from schemas.rule_fields import Flag, conditions
from schemas.settings import SETTING_NAMES

WEBHOOK_METHODS = ("bearer", "url_key", "signature")
ID = re.compile(r"[a-z0-9-]{1,63}")
#: Members that responses show and that are ignored when they come back.
READ_ONLY = frozenset(
    {
        "webhook_url",
        "webhook_secret",
        "url_key",
        "state",
        "paused_because",
        "draft",
        "outbox",
        "standing",
        "version",
        "created_at",
        "updated_at",
        "warnings",
    }
)
#: Attributes and events together in one request. Workspaces on Braze's older limits may send this many of
#: each, so an integration can raise it. https://www.braze.com/docs/api/api_limits/
MAX_OBJECTS_PER_REQUEST = 75
#: https://www.braze.com/docs/api/endpoints/user_data/post_user_track/#rate-limit
RATE_LIMIT = {"requests": 3000, "per_seconds": 3}
#: Part of every key in the store, so free of its special signs.
WORKSPACE = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z"

_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_API_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class ApiKey(fields.Raw):
    """A Braze key: written as text or taken from the environment, never read back."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if isinstance(value, str):
            if not _API_KEY.fullmatch(value.strip()):
                raise ValidationError("A Braze key is one word of at most 255 plain characters.")
            return value.strip()
        if isinstance(value, dict) and "set" in value:
            return None
        if isinstance(value, dict) and value.keys() == {"from_env"}:
            return {"from_env": _environment_name(value["from_env"])}
        raise ValidationError('Give the key as text, {"from_env": "NAME"}, or {"set": true} to keep the stored one.')


def _environment_name(name: Any) -> str:
    if not isinstance(name, str) or not _ENVIRONMENT_NAME.fullmatch(name):
        raise ValidationError("from_env must be the name of an environment variable.")
    if name in SETTING_NAMES:
        raise ValidationError(f"{name} is a setting of the connector and never goes to Braze.")
    return name


class WebhookDocument(Schema):
    """How Komo may prove that it is calling."""

    methods = fields.List(
        fields.String(validate=validate.OneOf(WEBHOOK_METHODS)),
        load_default=lambda: list(WEBHOOK_METHODS),
        validate=validate.Length(min=1),
    )


class AcceptDocument(Schema):
    """Which submissions are wanted at all; what is empty wants everything."""

    site_ids = fields.List(fields.String(), load_default=list)
    card_ids = fields.List(fields.String(), load_default=list)
    events = fields.List(fields.String(), load_default=list)
    when = conditions()


class RateLimitDocument(Schema):
    """How many requests may go to Braze in how many seconds."""

    requests = fields.Integer(strict=True, load_default=RATE_LIMIT["requests"], validate=validate.Range(1, 1_000_000))
    per_seconds = fields.Float(load_default=RATE_LIMIT["per_seconds"], validate=validate.Range(0.1, 86_400))


class BrazeDocument(Schema):
    """Where deliveries go, and how fast they may."""

    rest_endpoint = fields.String(required=True)
    api_key = ApiKey(
        metadata={"description": 'Written, never read back: text, {"from_env": "NAME"}, or {"set": true} to keep it.'}
    )
    workspace = fields.String(
        validate=validate.Regexp(WORKSPACE, error="Use letters, digits, dots, dashes and underlines, at most 63.")
    )
    max_objects_per_request = fields.Integer(
        strict=True, load_default=MAX_OBJECTS_PER_REQUEST, validate=validate.Range(1, 3 * MAX_OBJECTS_PER_REQUEST)
    )
    rate_limit = fields.Nested(RateLimitDocument, load_default=lambda: dict(RATE_LIMIT))
    burst_limit = fields.Nested(
        RateLimitDocument,
        allow_none=True,
        metadata={"description": "Beside rate_limit, for contracts with an hourly limit and one for bursts."},
    )


class IntegrationDocument(Schema):
    """One route from a Komo hub to one Braze workspace."""

    id = fields.String(
        required=True, validate=validate.Regexp(rf"{ID.pattern}\Z", error="Use a-z, 0-9 and -, 1 to 63 of them.")
    )
    name = fields.String(required=True, validate=validate.Length(1, 200))
    enabled = Flag(load_default=True)
    default_region = fields.String(allow_none=True, load_default=None, metadata={"description": "Such as AU."})
    webhook = fields.Nested(WebhookDocument, load_default=lambda: WebhookDocument().load({}))
    accept = fields.Nested(AcceptDocument, load_default=lambda: AcceptDocument().load({}))
    braze = fields.Nested(BrazeDocument, required=True)
    identifiers = fields.List(fields.Nested(IdentifierDocument), required=True, validate=validate.Length(1, 20))
    existing_profiles_only = Flag(load_default=False)
    send_only_changes = Flag(load_default=True)
    max_age_hours = fields.Float(
        allow_none=True,
        validate=validate.Range(0.01, 8_760),
        metadata={"description": "What waits for longer becomes a dead letter; left out, nothing does."},
    )
    attributes = fields.List(fields.Nested(AttributeDocument), load_default=list, validate=validate.Length(max=1000))
    subscriptions = fields.List(
        fields.Nested(SubscriptionDocument), load_default=list, validate=validate.Length(max=100)
    )
    events = fields.List(fields.Nested(EventDocument), load_default=list, validate=validate.Length(max=100))
    sends = fields.List(fields.Nested(SendDocument), load_default=list, validate=validate.Length(max=20))

    @pre_load
    def _without_read_only(self, document: Any, **_: Any) -> Any:
        if not isinstance(document, dict):
            return document
        return {member: value for member, value in document.items() if member not in READ_ONLY}

    @validates("default_region")
    def _known_region(self, region: str | None, **_: Any) -> None:
        if region is not None and region not in phonenumbers.SUPPORTED_REGIONS:
            raise ValidationError("Write the country as two capital letters, such as AU.")
