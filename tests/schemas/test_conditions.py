"""Conditions of rules."""

from typing import Any

import pytest

from schemas.conditions import holds
from schemas.mapping import Condition

ABSENT: Any = object()


def sections_with(value: Any) -> dict[str, Any]:
    return {"fields": {} if value is ABSENT else {"x": value}}


def one_of(*scalars: Any) -> tuple[Condition, ...]:
    return ((("fields", "x"), scalars),)


@pytest.mark.parametrize(
    ("value", "scalars"),
    [
        ("Quiz", ("quiz",)),
        ("quiz", ("Poll", "QUIZ")),
        ("STRASSE", ("straße",)),
        (True, ("true",)),
        ("True", (True,)),
        (1, ("1",)),
        ("7", (7,)),
        (1.0, (1,)),
        (1.5, ("1.5",)),
        ("", ("",)),
        (ABSENT, (None,)),
        (None, (None,)),
        ("  ", (None,)),
        ([], (None,)),
        (["Sailing", "Rowing"], ("rowing",)),
        (ABSENT, (True, None)),
    ],
)
def test_a_condition_holds(value: Any, scalars: tuple[Any, ...]) -> None:
    """Komo sends numbers and booleans as text, and people write what they see."""
    assert holds(one_of(*scalars), sections_with(value))


@pytest.mark.parametrize(
    ("value", "scalars"),
    [
        ("Quiz", ("Poll",)),
        (ABSENT, ("",)),
        (None, ("none",)),
        ("none", (None,)),
        (False, (None,)),
        (0, (None,)),
        (True, (1,)),
        ({"a": 1}, ("{'a': 1}",)),
        ({}, (None,)),
        (["Sailing"], ("sail",)),
        ("Quiz", ()),
    ],
)
def test_a_condition_does_not_hold(value: Any, scalars: tuple[Any, ...]) -> None:
    """Matching too much sends what nobody asked for."""
    assert not holds(one_of(*scalars), sections_with(value))


def test_every_condition_must_hold_and_none_always_do() -> None:
    """Two conditions narrow a rule; a rule without any is for everybody."""
    sections = {"card": {"type": "Quiz"}, "submission": {"event": "CardViewed"}}
    quiz, form = (("card", "type"), ("quiz",)), (("submission", "event"), ("SignUpSuccess",))
    assert holds((), sections)
    assert holds((quiz,), sections)
    assert not holds((quiz, form), sections)
