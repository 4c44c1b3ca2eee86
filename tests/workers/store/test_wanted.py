"""Which submissions somebody looks for; how they are found is test_search.py's."""

from typing import Any

import orjson
import pytest

from workers.store.wanted import Bodies, names_in


@pytest.mark.parametrize(
    ("body", "card"),
    [
        ({}, (None, None)),
        ({"event": "SiteViewed", "card_id": 7, "card_name": "  Quiz "}, ("7", "Quiz")),
        ({"event": "SiteViewed", "card_id": None, "card_name": ""}, (None, None)),
        ({"event": "SiteViewed", "card_name": {"en": "Quiz"}, "card_id": True}, (None, None)),
        ({"card": {"id": "c1", "name": "Quiz"}}, ("c1", "Quiz")),
    ],
)
def test_names_that_are_none_are_left_out(body: dict[str, Any], card: tuple[str | None, str | None]) -> None:
    """Anything may stand in a body."""
    assert names_in(body, "card") == card


def test_each_body_of_a_record_stands_for_itself() -> None:
    """A record holds a batch, every other stream one submission an entry."""
    record = Bodies(orjson.dumps([{"a": 1}, {"b": 2}]), of_record=True)
    single = Bodies(b'{ "a": 1 }', of_record=False)

    assert [record.read(1), record.raw(1)] == [{"b": 2}, b'{"b":2}']
    assert [single.read(0), single.raw(0)] == [{"a": 1}, b'{ "a": 1 }']
