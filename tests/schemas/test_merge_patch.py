"""JSON merge patches."""

from typing import Any

import pytest

from schemas.merge_patch import merge


@pytest.mark.parametrize(
    ("target", "patch", "merged"),
    [
        ({"a": 1, "b": 2}, {"b": 3}, {"a": 1, "b": 3}),
        ({"a": 1, "b": 2}, {"b": None}, {"a": 1}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": "text"}, {"a": {"b": 1, "c": None}}, {"a": {"b": 1}}),
        ({"a": 1}, "text", "text"),
        ({}, {"a": {"b": {"c": None}}}, {"a": {"b": {}}}),
    ],
)
def test_a_patch_does_what_the_standard_says(target: Any, patch: Any, merged: Any) -> None:
    """Its own examples, in short: https://www.rfc-editor.org/rfc/rfc7396#appendix-A"""
    assert merge(target, patch) == merged


def test_the_target_stays_as_it_was() -> None:
    """It may be somebody's cached document."""
    target = {"a": {"b": 1}}
    merge(target, {"a": {"b": 2}})

    assert target == {"a": {"b": 1}}
