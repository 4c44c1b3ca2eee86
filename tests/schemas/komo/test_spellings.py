"""One fact under many names."""

from typing import Any

import pytest

from schemas.komo.spellings import first_of, is_usable_id, read_answer


@pytest.mark.parametrize("value", ["x", "{5BB7FB0F-D8D9-415B-8725-460B8CE504DB}", 7, 0, "0"])
def test_an_id_is_usable(value: Any) -> None:
    """Older pages say GUID, newer ones UUID; nobody promises a form."""
    assert is_usable_id(value)


@pytest.mark.parametrize("value", [None, "", "  ", "\t", True, False, [], {}, {"id": 1}])
def test_an_id_is_not_usable(value: Any) -> None:
    """It would be the same for everybody."""
    assert not is_usable_id(value)


def test_the_first_filled_spelling_counts() -> None:
    """An empty placeholder is no statement."""
    assert first_of({"a": None, "b": "", "c": 0, "d": 1}, "a", "b", "c", "d") == 0
    assert first_of({}, "a") is None


def test_a_null_answer_is_an_answer() -> None:
    """A skipped question is a fact."""
    assert read_answer({"question": "Port?", "answer": None}) == {"question": "Port?", "answer": None}
