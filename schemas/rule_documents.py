"""An integration document's rules as marshmallow schemas: identifiers, attributes, subscriptions, events, sends."""

import re
from typing import Any, get_args
from uuid import UUID

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from schemas.attribute_names import MAX_NAME_LENGTH, STANDARD, WITH_MEMBERS, refusal
from schemas.mapping import IdentifierKind, Operation, SendKind
from schemas.paths import parse_path
from schemas.rule_fields import Flag, Properties, SourceDocument, TriggerProperties, conditions, valid_path

#: Both parts of an alias. https://www.braze.com/docs/api/objects_filters/user_alias_object/
MAX_ALIAS_BYTES = 236
#: Sections that anybody can fill by writing a link: they must never decide whom data is about.
#: https://developers.komo.tech/user-interaction-events/extension-data
FORGEABLE = frozenset({"extension", "tracked"})
_FORGEABLE_RAW = re.compile(r"(extension|tracked)_?data", re.IGNORECASE)

#: What each operation works on; the first type is assumed where none is declared.
TYPES: dict[str, tuple[str, ...]] = {
    "add": ("array", "object_array"),
    "remove": ("array",),
    "increment": ("number",),
    "merge": ("object",),
}
CONSTANTS = {"add": "a list", "remove": "plain values", "increment": "an integer", "merge": "an object"}
#: What a yes or no may come to. https://www.braze.com/docs/api/objects_filters/user_attributes_object/
STATES = {
    "email": ("opted_in", "subscribed", "unsubscribed"),
    "push": ("opted_in", "subscribed", "unsubscribed"),
    "group": ("subscribed", "unsubscribed"),
}

_NAME = validate.Length(min=1, max=MAX_NAME_LENGTH)


def trusted_path(text: str) -> None:
    """A path whose value can't be forged by a link."""
    valid_path(text)
    section, *rest = parse_path(text)
    if section in FORGEABLE or (section == "raw" and any(_FORGEABLE_RAW.fullmatch(step) for step in rest)):
        raise ValidationError("Anybody can set this in a link, so it must not decide whom the data is about.")


class IdentifierDocument(Schema):
    """Which field names the person, and as what Braze knows them by it."""

    kind = fields.String(required=True, validate=validate.OneOf(get_args(IdentifierKind)))
    field = fields.String(required=True, validate=trusted_path)
    alias_label = fields.String(metadata={"description": "For user_alias: usually email or phone."})

    @validates_schema
    def _label_of_aliases(self, rule: dict[str, Any], **_: Any) -> None:
        label = rule.get("alias_label", "")
        if rule["kind"] != "user_alias":
            if label:
                raise ValidationError("Only a user_alias has a label.", "alias_label")
        elif not label.strip() or len(label.encode()) > MAX_ALIAS_BYTES:
            raise ValidationError(f"A user_alias needs a label of 1 to {MAX_ALIAS_BYTES} bytes.", "alias_label")


class AttributeDocument(SourceDocument):
    """One Braze attribute and where its value comes from."""

    attribute = fields.String(required=True, validate=_NAME)
    when = conditions()
    operation = fields.String(load_default="set", validate=validate.OneOf(get_args(Operation)))
    on_null = fields.String(load_default="skip", validate=validate.OneOf(["skip", "clear"]))
    on_empty = fields.String(load_default="skip", validate=validate.OneOf(["skip", "clear"]))

    @validates_schema
    def _writable(self, rule: dict[str, Any], **_: Any) -> None:
        why = refusal(rule["attribute"])
        if why:
            raise ValidationError(why, "attribute")
        problems = {"operation": _operation_problem(rule), "type": _type_problem(rule)}
        if "." in rule["attribute"]:
            clearing = [member for member in ("on_null", "on_empty") if rule[member] == "clear"]
            problems |= dict.fromkeys(
                clearing, "A member of an object can't be cleared: Braze takes no null inside it."
            )
        found = {member: [problem] for member, problem in problems.items() if problem}
        if found:
            raise ValidationError(found)


def _operation_problem(rule: dict[str, Any]) -> str | None:
    """Where there is nothing that the operation could work on."""
    name, operation = rule["attribute"], rule["operation"]
    if operation == "set":
        return None
    first, dot, _ = name.partition(".")
    if first in STANDARD and not (operation == "merge" and first in WITH_MEMBERS):
        return f"{first} is Braze's own and can only be set."
    if dot and operation != "merge":
        return f"{operation} does not work on a member of an object; set merges it into its object."
    if "value" in rule and not _fits(rule["value"], operation):
        return f"The constant is nothing to {operation}: give {CONSTANTS[operation]}."
    return None


def _type_problem(rule: dict[str, Any]) -> str | None:
    types = TYPES.get(rule["operation"], ())
    if not types or rule.get("type", types[0]) in types:
        return None
    return f"{rule['operation']} needs the type {' or '.join(types)}."


def _fits(constant: Any, operation: str) -> bool:
    if constant is None:
        return True
    if operation == "increment":
        return isinstance(constant, int) and not isinstance(constant, bool)
    if operation == "merge":
        return isinstance(constant, dict)
    objects = [one for one in (constant if isinstance(constant, list) else [constant]) if isinstance(one, dict)]
    return operation == "add" or not objects


class EventDocument(Schema):
    """One Braze custom event, once per submission or once per element of a list."""

    name = fields.String(
        required=True, validate=[_NAME, validate.Regexp(r"[^$\s](.*\S)?\Z", error="Not a usable name.")]
    )
    when = conditions()
    for_each = fields.String(
        validate=valid_path, metadata={"description": "Path of a list; inside, a bare name is a member of the element."}
    )
    properties = Properties(load_default=dict, keys=fields.String())


class SubscriptionDocument(Schema):
    """What a yes or no means for the consent that Braze keeps; what is null or left out says nothing."""

    field = fields.String(required=True, validate=valid_path, metadata={"description": "Path of a yes or no."})
    kind = fields.String(required=True, validate=validate.OneOf(STATES))
    group_id = fields.String(metadata={"description": "Of a group: Braze's id of the subscription group."})
    when_yes = fields.String(allow_none=True)
    when_no = fields.String(allow_none=True)
    double_opt_in = Flag(metadata={"description": "Of a group: who subscribes is asked once more, by SMS."})
    when = conditions()

    @validates_schema
    def _of_its_kind(self, rule: dict[str, Any], **_: Any) -> None:
        kind, problems = rule["kind"], {}
        states = STATES[kind]
        for member in ("when_yes", "when_no"):
            if rule.get(member) is not None and rule[member] not in states:
                problems[member] = [f"Of the kind {kind} this is {', '.join(states)} or null."]
        if kind != "group":
            members = [member for member in ("group_id", "double_opt_in") if member in rule]
            problems |= {member: ["Only the kind group has this."] for member in members}
        elif not _is_uuid(rule.get("group_id", "")):
            problems["group_id"] = ["Give Braze's id of the subscription group, a UUID."]
        if problems:
            raise ValidationError(problems)


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


class SendDocument(Schema):
    """A message that Braze shall send because of a submission."""

    kind = fields.String(required=True, validate=validate.OneOf(get_args(SendKind)))
    id = fields.String(
        required=True,
        validate=validate.Regexp(r"[A-Za-z0-9_-]{1,100}\Z", error="Give Braze's id of the campaign or canvas."),
        metadata={"description": "Braze's id of the campaign or canvas."},
    )
    when = conditions()
    trigger_properties = TriggerProperties(load_default=dict, keys=fields.String())
