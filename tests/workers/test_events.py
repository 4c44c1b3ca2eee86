"""Events, and the properties of events and sends."""

from typing import Any

import orjson
import pytest

from schemas.mapping import EventRule, Source
from schemas.paths import parse_element_path, parse_path
from workers.events import compile_event, compile_properties, map_properties


def properties_of(sections: dict[str, Any], most_bytes: int, **paths: str) -> tuple[dict[str, Any], list[str]]:
    rules = compile_properties({name: Source(field=parse_path(path)) for name, path in paths.items()})
    warnings: list[str] = []
    return map_properties("sends.1", rules, {"fields": sections}, None, warnings, most_bytes, "too_big"), warnings


def test_the_biggest_properties_stay_behind() -> None:
    """One list too long must not cost the rest of the message."""
    found, warnings = properties_of({"a": ["x" * 50] * 2, "b": ["y" * 40, "z" * 40], "c": 1}, 90, a="a", b="b", c="c")

    assert found == {"a": ["x" * 50], "c": 1}
    assert warnings == ["sends.1.b: too_big"]


def test_many_texts_are_measured_too() -> None:
    """A control character takes six bytes of JSON."""
    fields = {f"p{n}": "\x01" * 255 for n in range(12)}
    found, warnings = properties_of(fields, 10_000, **{name: name for name in fields})

    assert len(orjson.dumps(found)) <= 10_000
    assert len(found) + len(warnings) == 12


@pytest.mark.parametrize("name", ["time", "event_name", "komo_submission_id", "$x", "", "x" * 256])
def test_names_that_cost_the_event_are_never_sent(name: str) -> None:
    """Also where an old document still has them."""
    assert compile_event(EventRule("e", {name: Source(field=("fields", "x"))}), 1).properties == ()


def test_conditions_about_the_element_are_asked_for_each() -> None:
    """Those about the submission only once."""
    rule = compile_event(
        EventRule("e", when=((parse_element_path("correct"), (True,)), (("card", "type"), ("Quiz",)))), 1
    )

    assert rule.when is not None
    assert rule.when({"card": {"type": "quiz"}})
    assert rule.when_element is not None
    assert rule.when_element({"@element": {"correct": "true"}})
