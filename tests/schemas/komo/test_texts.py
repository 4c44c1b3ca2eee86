"""JSON inside a text."""

from typing import Any

import pytest

from schemas.komo.texts import MAX_CHARACTERS, unwrapped


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('[1, "a"]', [1, "a"]),
        ('{"member": 123456789012345678901234567890}', {"member": 123456789012345678901234567890}),
        ("[" * 32 + "]" * 32, None),
        ("[" + "{}," * 99 + "{}]", [{}] * 100),
    ],
)
def test_an_object_or_a_list_in_a_text_is_read(text: str, value: Any) -> None:
    """Long ids are not rounded on the way."""
    found = unwrapped(text)

    assert found == value if value is not None else isinstance(found, list)


@pytest.mark.parametrize(
    "value",
    [
        "[sic] maybe",
        "{broken",
        '{"id": NaN}',
        "text",
        "7",
        "",
        7,
        None,
        "[" * 33 + "]" * 33,
        "{" * 2000,
        "[" * 50_000 + "]" * 50_000,
        "[" + " " * MAX_CHARACTERS + "]",
    ],
)
def test_anything_else_stays_what_it_is(value: Any) -> None:
    """Somebody's answer may begin with a bracket, and a text deeper than any body would break who walks through it."""
    assert unwrapped(value) is value
