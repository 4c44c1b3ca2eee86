"""One fact under many names."""

from typing import Any

import pytest

from schemas.komo.spellings import bare_id, first_of, is_usable_id, read_fields


@pytest.mark.parametrize("value", ["x", "{5BB7FB0F-D8D9-415B-8725-460B8CE504DB}", 7, "7", 10, "na-1", "100%"])
def test_an_id_is_usable(value: Any) -> None:
    """Older pages say GUID, newer ones UUID; nobody promises a form."""
    assert is_usable_id(value)


@pytest.mark.parametrize(
    "value",
    [
        None, "", "  ", "\t", True, False, [], {}, {"id": 1}, 0, "0", -1, 0.0, "null", " NULL ", "undefined", "None",
        "N/A", "-", "Unknown", "anonymous", "[object Object]", "{{contact.id}}", "${id}", "%CONTACT_ID%", "<id>",
        "00000000-0000-0000-0000-000000000000", "{00000000-0000-0000-0000-000000000000}",
        "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
    ],
)  # fmt: skip
def test_an_id_is_not_usable(value: Any) -> None:
    """It would be the same for everybody."""
    assert not is_usable_id(value)


def test_the_first_filled_spelling_counts() -> None:
    """An empty placeholder is no statement."""
    assert first_of({"a": None, "b": "", "c": 0, "d": 1}, "a", "b", "c", "d") == 0
    assert first_of({}, "a") is None


@pytest.mark.parametrize(
    "written",
    [
        "5bb7fb0f-d8d9-415b-8725-460b8ce504db",
        "{5BB7FB0F-D8D9-415B-8725-460B8CE504DB}",
        " 5BB7FB0FD8D9415B8725460B8CE504DB ",
    ],
)
def test_spellings_of_one_guid_are_one_id(written: str) -> None:
    """Older pages of Komo's say GUID, newer ones UUID."""
    assert bare_id(written) == "5bb7fb0f-d8d9-415b-8725-460b8ce504db"


def test_other_ids_are_only_trimmed() -> None:
    """Their case may tell two people apart."""
    assert bare_id(" Member 7 ") == "Member 7"
    assert bare_id(7) == "7"


def test_fields_come_as_an_object_or_as_a_list_of_keys_and_values() -> None:
    """The author of a body composes them as the editor offers them."""
    listed = [{"key": "email", "value": "m@example.com"}, {"id": "team", "value": None}, {"value": 1}, "x"]

    assert read_fields({"email": "m@example.com"}) == {"email": "m@example.com"}
    assert read_fields(listed) == {"email": "m@example.com", "team": None}
    assert read_fields("email") == read_fields(None) == {}
