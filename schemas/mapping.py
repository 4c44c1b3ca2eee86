"""An integration's rules: which field becomes which identifier, attribute or event."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from schemas.submission import Path

IdentifierKind = Literal["external_id", "braze_id", "user_alias", "email", "phone"]
Operation = Literal["set", "add", "remove", "increment", "merge"]
SubscriptionState = Literal["opted_in", "subscribed", "unsubscribed"]
SendKind = Literal["campaign", "canvas", "transactional"]
ValueType = Literal["string", "number", "boolean", "date", "datetime", "array", "object", "object_array"]
Scalar = str | int | float | bool | None

#: Whom each kind of send can be addressed to; nobody can be by phone number.
#: https://www.braze.com/docs/api/objects_filters/recipient_object/
RECIPIENTS: Mapping[str, tuple[IdentifierKind, ...]] = {
    "campaign": ("external_id", "braze_id", "user_alias", "email"),
    "canvas": ("external_id", "braze_id", "user_alias", "email"),
    "transactional": ("external_id", "user_alias"),
}

#: A path and the scalars of which one must match, compared as text ignoring case; None matches absence.
Condition = tuple[Path, tuple[Scalar, ...]]


@dataclass(frozen=True, slots=True)
class IdentifierRule:
    """Which field names the person, and as what Braze knows them by it."""

    kind: IdentifierKind
    field: Path
    #: Only for `user_alias`.
    alias_label: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value comes from: exactly one of field, question and value is set."""

    field: Path | None = None
    #: The text of a question; its answer is the value.
    question: str | None = None
    #: A constant; `has_value` tells a constant null from none.
    value: Any = None
    has_value: bool = False
    type: ValueType | None = None
    #: For dates: a pattern of YYYY, MM, DD, HH, mm, ss and the signs between them.
    format: str | None = None
    #: For arrays that arrive as one text.
    separator: str | None = None


@dataclass(frozen=True, slots=True)
class AttributeRule:
    """One Braze attribute and where its value comes from."""

    attribute: str
    source: Source
    when: tuple[Condition, ...] = ()
    operation: Operation = "set"
    on_null: Literal["skip", "clear"] = "skip"
    on_empty: Literal["skip", "clear"] = "skip"


@dataclass(frozen=True, slots=True)
class EventRule:
    """One Braze custom event, once per submission or once per element of a list."""

    name: str
    properties: Mapping[str, Source] = field(default_factory=dict)
    when: tuple[Condition, ...] = ()
    #: Path of a list; inside, a bare name is a member of the element.
    for_each: Path | None = None


@dataclass(frozen=True, slots=True)
class SubscriptionRule:
    """What a yes or no means for the consent that Braze keeps."""

    field: Path
    kind: Literal["email", "push", "group"]
    #: Only for `group`: Braze's id of the subscription group.
    group_id: str | None = None
    #: None says nothing.
    when_yes: SubscriptionState | None = None
    when_no: SubscriptionState | None = None
    #: Only for `group`: whether who subscribes is asked once more, by SMS.
    double_opt_in: bool = False
    when: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class SendRule:
    """A message that Braze shall send because of a submission."""

    kind: SendKind
    #: Of the campaign or canvas.
    id: str
    trigger_properties: Mapping[str, Source] = field(default_factory=dict)
    when: tuple[Condition, ...] = ()
