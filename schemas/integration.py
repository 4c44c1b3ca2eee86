"""One route from a Komo hub to one Braze workspace: its dataclass, and how documents become it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from marshmallow import ValidationError

from schemas.braze_hosts import UnknownHost, rest_endpoint
from schemas.integration_checks import cross_problems
from schemas.integration_document import IntegrationDocument
from schemas.integration_warnings import warnings_about
from schemas.mapping import (
    AttributeRule,
    Condition,
    EventRule,
    IdentifierRule,
    SendRule,
    Source,
    SubscriptionRule,
)
from schemas.paths import parse_element_path, parse_path
from schemas.problems import InvalidDocument, Problem, problems_of
from schemas.submission import Path


@dataclass(frozen=True, slots=True)
class BrazeTarget:
    """Where deliveries go, and how fast they may."""

    #: scheme://host[:port], without a trailing slash.
    rest_endpoint: str
    #: The name under which rate limit, spacing and memory are shared.
    workspace: str
    max_objects_per_request: int = 75
    rate_limit_requests: int = 3000
    rate_limit_per_seconds: float = 3
    #: Beside it, for contracts with an hourly limit and one for bursts.
    burst_limit_requests: int | None = None
    burst_limit_per_seconds: float = 3

    @property
    def rates(self) -> str:
        """The ceilings as the gate reads them: `requests/period_ms`, with blanks between."""
        rates = [(self.rate_limit_requests, self.rate_limit_per_seconds)]
        if self.burst_limit_requests:
            rates.append((self.burst_limit_requests, self.burst_limit_per_seconds))
        return " ".join(f"{requests}/{round(seconds * 1000)}" for requests, seconds in rates)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Which submissions are wanted at all; an empty tuple wants everything."""

    site_ids: tuple[str, ...] = ()
    card_ids: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    when: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Integration:
    """A validated document. Secrets are not part of it: the store keeps them sealed beside it."""

    id: str
    name: str
    braze: BrazeTarget
    identifiers: tuple[IdentifierRule, ...]
    version: int = 0
    enabled: bool = True
    #: Not set up yet: whatever is accepted waits, and is judged once it is.
    draft: bool = False
    default_region: str | None = None
    webhook_methods: tuple[str, ...] = ("bearer", "url_key", "signature")
    accept: Acceptance = Acceptance()
    existing_profiles_only: bool = False
    send_only_changes: bool = True
    #: What waits for longer becomes a dead letter; None: it waits for as long as it takes.
    max_age_hours: float | None = None
    attributes: tuple[AttributeRule, ...] = ()
    subscriptions: tuple[SubscriptionRule, ...] = ()
    events: tuple[EventRule, ...] = ()
    sends: tuple[SendRule, ...] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A document that may be saved."""

    #: Normalised, with defaults, without read-only members and without the key.
    document: dict[str, Any]
    #: Text, or {"from_env": NAME}; None keeps the stored one.
    api_key: str | dict[str, str] | None = field(repr=False)
    #: What is allowed, but probably not meant.
    warnings: tuple[Problem, ...]

    def integration(self) -> Integration:
        """The rules, ready to be applied; a document without `braze.workspace` has an empty one."""
        return build(self.document)


_SCHEMA = IntegrationDocument()


def read_document(document: Any, *, extra_hosts: Iterable[str] = (), kept_for: str | None = None) -> Reading:
    """
    Validate an integration document.

    Args:
        document: JSON, as a person or a program wrote it.
        extra_hosts: `scheme://host:port` entries allowed beside the published Braze hosts.
        kept_for: The REST endpoint that a stored key belongs to, "" for a key that came without one; None where none
            is stored. A document may leave the key out only if it names the same endpoint.

    Raises: InvalidDocument with every problem and its place.
    """
    problems: list[Problem] = []
    loaded: dict[str, Any] = {}
    try:
        loaded = _SCHEMA.load(document)
    except ValidationError as error:
        problems += problems_of(error.messages)
    if isinstance(document, dict):
        problems += cross_problems(document)
        problems += _endpoint_problems(document.get("braze"), extra_hosts, kept_for)
    if problems:
        raise InvalidDocument(problems)
    braze = loaded["braze"]
    braze["rest_endpoint"] = rest_endpoint(braze["rest_endpoint"], extra_hosts)
    key = braze.pop("api_key", None)
    return Reading(loaded, key, tuple(warnings_about(loaded)))


def write_document(document: Mapping[str, Any], api_key: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    """
    The JSON that is shown of a stored document.

    Args:
        document: As `Reading.document`.
        api_key: What may be shown of the key: {"set": true, "last4": ...}.
        shown: Read-only members to add, such as `version` and `webhook_url`.
    """
    return {**document, "braze": {**document["braze"], "api_key": dict(api_key)}, **shown}


def build(
    document: Mapping[str, Any],
    *,
    version: int = 0,
    created_at: datetime | None = None,
    updated_at: datetime | None = None,
) -> Integration:
    """The rules of a valid document, with paths parsed. `document` is a `Reading.document`."""
    accept = document["accept"]
    return Integration(
        id=document["id"],
        name=document["name"],
        braze=_target(document["braze"]),
        identifiers=tuple(
            IdentifierRule(rule["kind"], parse_path(rule["field"]), rule.get("alias_label"))
            for rule in document["identifiers"]
        ),
        version=version,
        enabled=document["enabled"],
        default_region=document["default_region"],
        webhook_methods=tuple(document["webhook"]["methods"]),
        accept=Acceptance(
            tuple(accept["site_ids"]), tuple(accept["card_ids"]), tuple(accept["events"]), _conditions(accept)
        ),
        existing_profiles_only=document["existing_profiles_only"],
        send_only_changes=document["send_only_changes"],
        max_age_hours=document.get("max_age_hours"),
        attributes=tuple(_attribute(rule) for rule in document["attributes"]),
        subscriptions=tuple(_subscription(rule) for rule in document["subscriptions"]),
        events=tuple(_event(rule) for rule in document["events"]),
        sends=tuple(_send(rule) for rule in document["sends"]),
        created_at=created_at,
        updated_at=updated_at,
    )


def _target(braze: Mapping[str, Any]) -> BrazeTarget:
    rate, burst = braze["rate_limit"], braze.get("burst_limit") or {}
    return BrazeTarget(
        braze["rest_endpoint"], braze.get("workspace", ""), braze["max_objects_per_request"],
        rate["requests"], rate["per_seconds"], burst.get("requests"), burst.get("per_seconds", 3),
    )  # fmt: skip


def _conditions(rule: Mapping[str, Any], parse: Callable[[str], Path] = parse_path) -> tuple[Condition, ...]:
    return tuple(
        (parse(path), tuple(wanted) if isinstance(wanted, list) else (wanted,))
        for path, wanted in (rule.get("when") or {}).items()
    )


def _attribute(rule: Mapping[str, Any]) -> AttributeRule:
    return AttributeRule(
        rule["attribute"], _source(rule, parse_path), _conditions(rule),
        rule["operation"], rule["on_null"], rule["on_empty"],
    )  # fmt: skip


def _event(rule: Mapping[str, Any]) -> EventRule:
    parse = parse_element_path if "for_each" in rule else parse_path
    for_each = parse_path(rule["for_each"]) if "for_each" in rule else None
    return EventRule(rule["name"], _properties(rule["properties"], parse), _conditions(rule, parse), for_each)


def _subscription(rule: Mapping[str, Any]) -> SubscriptionRule:
    group_id = rule["group_id"].lower() if "group_id" in rule else None
    return SubscriptionRule(
        parse_path(rule["field"]), rule["kind"], group_id, rule.get("when_yes"), rule.get("when_no"),
        rule.get("double_opt_in", False), _conditions(rule),
    )  # fmt: skip


def _send(rule: Mapping[str, Any]) -> SendRule:
    properties = _properties(rule.get("trigger_properties") or {}, parse_path)
    return SendRule(rule["kind"], rule["id"], properties, _conditions(rule))


def _properties(properties: Mapping[str, Any], parse: Callable[[str], Path]) -> dict[str, Source]:
    return {
        name: Source(field=parse(source)) if isinstance(source, str) else _source(source, parse)
        for name, source in properties.items()
    }


def _source(rule: Mapping[str, Any], parse: Callable[[str], Path]) -> Source:
    return Source(
        field=parse(rule["field"]) if "field" in rule else None,
        question=rule.get("question"),
        value=rule.get("value"),
        has_value="value" in rule,
        type=rule.get("type"),
        format=rule.get("format"),
        separator=rule.get("separator"),
    )


def _endpoint_problems(braze: Any, extra_hosts: Iterable[str], kept_for: str | None) -> Iterable[Problem]:
    """The host must be Braze's, and a key that was given for one host is never sent to another."""
    if not isinstance(braze, dict) or not isinstance(braze.get("rest_endpoint"), str):
        return
    endpoint = None
    try:
        endpoint = rest_endpoint(braze["rest_endpoint"], extra_hosts)
    except UnknownHost as error:
        yield Problem("/braze/rest_endpoint", str(error))
    key = braze.get("api_key")
    if key is not None and not (isinstance(key, dict) and "set" in key):
        return
    if kept_for is None:
        yield Problem("/braze/api_key", "Missing data for required field.")
    elif endpoint and endpoint != kept_for:
        yield Problem("/braze/api_key", "Another rest_endpoint needs the key again.")
