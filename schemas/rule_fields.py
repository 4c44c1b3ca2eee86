"""What the rules of an integration document are made of: paths, conditions, sources of values, properties."""

from collections.abc import Callable, Mapping, Set
from typing import Any, get_args

import orjson
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from schemas.attribute_names import MAX_NAME_LENGTH, RESERVED_PROPERTIES
from schemas.date_format import format_problem
from schemas.mapping import ValueType
from schemas.paths import parse_element_path, parse_path
from schemas.submission import Path

#: More are dropped without a word, and one is ours. https://www.braze.com/docs/api/objects_filters/event_object/
MAX_PROPERTIES = 255

#: Of an object or a list of objects.
#: https://www.braze.com/docs/user_guide/data/activation/attributes/nested_custom_attribute_support/
MAX_CONSTANT_BYTES = 100_000


def is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def valid_path(text: str, parse: Callable[[str], Path] = parse_path) -> None:
    try:
        parse(text)
    except ValueError as error:
        raise ValidationError(str(error)) from None


def valid_element_path(text: str) -> None:
    valid_path(text, parse_element_path)


def _path_parser(rule: Mapping[str, Any] | None) -> Callable[[str], Path]:
    """Inside a rule with `for_each`, a bare name is a member of the element."""
    return parse_element_path if rule and rule.get("for_each") is not None else parse_path


def valid_format(text: str) -> None:
    problem = format_problem(text)
    if problem:
        raise ValidationError(problem)


def valid_constant(value: Any) -> None:
    """JSON that Braze takes as one value."""
    try:
        size = len(orjson.dumps(value))
    except TypeError:
        raise ValidationError("The constant is nested too deeply.") from None
    if size > MAX_CONSTANT_BYTES:
        raise ValidationError("The constant is too large: Braze takes at most 100 KB.")


class Flag(fields.Boolean):
    """true or false, and nothing that merely looks like it."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Conditions(fields.Dict):
    """Paths and the scalars of which one must match."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        conditions: dict[str, Any] = super()._deserialize(value, attr, data, **kwargs)  # type: ignore[no-untyped-call]
        parse = _path_parser(data)
        problems: dict[str, list[str]] = {}
        for path, wanted in conditions.items():
            try:
                parse(path)
            except ValueError as error:
                problems[path] = [str(error)]
            if not all(is_scalar(one) for one in (wanted if isinstance(wanted, list) else [wanted])) or wanted == []:
                problems[path] = ["Give a text, number, true, false or null, or a list of them."]
        if problems:
            raise ValidationError(problems)
        return conditions


def conditions() -> Conditions:
    return Conditions(
        keys=fields.String(),
        metadata={
            "description": "Every condition must hold: path to value, or to a list of values; null means absent."
        },
    )


class SourceDocument(Schema):
    """Where a value comes from: exactly one of field, question and value."""

    field = fields.String(validate=valid_path, metadata={"description": "A dotted path; a bare name is a form field."})
    question = fields.String(validate=validate.Length(min=1), metadata={"description": "The text of a question."})
    value = fields.Raw(allow_none=True, validate=valid_constant, metadata={"description": "A constant."})
    type = fields.String(validate=validate.OneOf(get_args(ValueType)))
    format = fields.String(validate=valid_format, metadata={"description": "Of a date, such as DD/MM/YYYY."})
    separator = fields.String(
        validate=validate.Length(min=1), metadata={"description": "Between the parts of an array."}
    )

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _one_source(self, _: Any, original: Any, **__: Any) -> None:
        if isinstance(original, dict) and len({"field", "question", "value"} & original.keys()) != 1:
            raise ValidationError("Give exactly one of field, question and value.")

    @validates_schema
    def _options_fit(self, source: dict[str, Any], **_: Any) -> None:
        if "separator" in source and source.get("type") != "array":
            raise ValidationError("A separator needs the type array.", "separator")
        if "format" in source and source.get("type", "date") not in ("date", "datetime"):
            raise ValidationError("A format needs the type date or datetime.", "format")


class ElementSourceDocument(SourceDocument):
    """The same inside `for_each`."""

    field = fields.String(validate=valid_element_path)


_SOURCES: dict[Callable[[str], Path], SourceDocument] = {
    parse_path: SourceDocument(),
    parse_element_path: ElementSourceDocument(),
}


class Properties(fields.Dict):
    """Property names of an event, each with a path or a source."""

    reserved: Set[str] = RESERVED_PROPERTIES

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        properties: dict[str, Any] = super()._deserialize(value, attr, data, **kwargs)  # type: ignore[no-untyped-call]
        parse = _path_parser(data)
        found = {name: _property_problems(name, source, parse, self.reserved) for name, source in properties.items()}
        problems = {name: messages for name, messages in found.items() if messages}
        if problems:
            raise ValidationError(problems)
        if len(properties) > MAX_PROPERTIES:
            raise ValidationError(f"At most {MAX_PROPERTIES} properties.")
        return properties


class TriggerProperties(Properties):
    """Those of a send, of which Braze reserves no names."""

    reserved = frozenset()


def _property_problems(name: str, source: Any, parse: Callable[[str], Path], reserved: Set[str]) -> Any:
    if not 0 < len(name) <= MAX_NAME_LENGTH or name.startswith("$") or name in reserved:
        return [f"A property can't be called {name!r}."]
    try:
        if isinstance(source, str):
            valid_path(source, parse)
        elif isinstance(source, dict):
            _SOURCES[parse].load(source)
        else:
            return ["Give a path, or an object with field, question or value."]
    except ValidationError as error:
        return error.messages
    return None
