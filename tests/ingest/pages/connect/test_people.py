"""The fourth step: the rules by which people are found."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.factories import a_body
from tests.visitor import Visitor, fields, tags, words
from workers.store import Stores

Post = Callable[..., None]


def _first_field(text: str) -> dict[str, Any]:
    return {"rules-0-field": text}


def test_rules_are_saved_in_their_order(draft: str, visitor: Visitor, stores: Stores) -> None:
    """The first whose field is filled in counts."""
    rules: dict[str, Any] = {
        "rules-0-kind": "external_id", "rules-0-field": " member_id ", "rules-0-label": "left over",
        "rules-1-kind": "user_alias", "rules-1-field": "email", "rules-1-label": "email",
    }  # fmt: skip

    answer = visitor.send(f"/integrations/{draft}/people", follow=False, **rules)

    assert answer.location == f"/integrations/{draft}/fields"
    assert stores.integrations.get(draft).document["identifiers"] == [
        {"kind": "external_id", "field": "member_id"},
        {"kind": "user_alias", "field": "email", "alias_label": "email"},
    ]


def test_saving_without_a_change_changes_nothing(live: str, visitor: Visitor, stores: Stores) -> None:
    """The same document, a version later."""
    before = stores.integrations.get(live)

    visitor.send(f"/integrations/{live}/people")

    after = stores.integrations.get(live)
    assert after.document == before.document
    assert after.version == before.version + 1


def test_rows_come_go_and_move_without_scripts(live: str, visitor: Visitor, stores: Stores) -> None:
    """Each button answers with the form as it is then; nothing is saved."""
    path, before = f"/integrations/{live}/people", stores.integrations.get(live).version

    added = fields(visitor.send(path, add="1"))
    assert (added["rules-2-field"], added["rules-2-kind"]) == ("", "user_alias")
    moved = fields(visitor.send(path, down="0"))
    assert (moved["rules-0-field"], moved["rules-1-field"]) == ("email", "member_id")
    removed = fields(visitor.send(path, remove="0"))
    assert removed["rules-0-field"] == "email"
    assert "rules-1-field" not in removed
    assert stores.integrations.get(live).version == before


@pytest.mark.parametrize("pressed", [{"up": "0"}, {"remove": "7"}, {"down": "-1"}, {"up": "x" * 99}, {"remove": "²"}])
def test_a_button_that_can_not_be_pressed_does_nothing(pressed: dict[str, Any], live: str, visitor: Visitor) -> None:
    """The page may be older than the rows."""
    answer = visitor.send(f"/integrations/{live}/people", **pressed)

    assert answer.status_code == 200
    assert fields(answer)["rules-0-field"] == "member_id"


@pytest.mark.parametrize(
    ("filled", "told"),
    [
        ({"rules-1-field": "extension.email"}, "Anybody can set this in a link"),
        ({"rules-1-field": 'fields["'}, "fields["),
        ({"rules-1-label": " "}, "alias"),
        ({"rules-1-kind": "shoe_size"}, "Not a valid choice"),
    ],
)
def test_what_is_wrong_is_told_in_its_row(
    filled: dict[str, Any], told: str, live: str, visitor: Visitor, stores: Stores
) -> None:
    """Among twenty rules nobody wants to search."""
    before = stores.integrations.get(live).document

    answer = visitor.send(f"/integrations/{live}/people", **filled)

    assert answer.status_code == 422
    assert told in words(answer)
    wrong = [one for tag in ("input", "select") for one in tags(answer, tag) if one.get("aria-invalid")]
    assert [one["name"] for one in wrong] == list(filled)
    assert stores.integrations.get(live).document == before


def test_a_row_without_a_field_is_left_out_and_one_rule_has_to_stay(
    live: str, visitor: Visitor, stores: Stores
) -> None:
    """Nobody can be found without one."""
    path, blank, empty = f"/integrations/{live}/people", _first_field(""), _first_field(" ")
    visitor.send(path, **blank)
    assert len(stores.integrations.get(live).document["identifiers"]) == 1

    answer = visitor.send(path, **empty)

    assert answer.status_code == 422
    assert "Give one rule at least" in words(answer)


def test_each_rule_says_how_many_it_would_name(live: str, visitor: Visitor, komo: Post) -> None:
    """The choice is easy with figures."""
    komo(live, a_body("m1", site_id="s1", number=1))
    komo(live, a_body("m2", site_id="s1", number=2, email="ada@example.com"))
    komo(live, a_body("", site_id="s1", number=3, email="not an address"))
    komo(live, a_body("null", site_id="s1", number=4))

    page = words(visitor.open(f"/integrations/{live}/people"))

    assert "names somebody in 2 of the last 4 1 has something there that can not be used." in page
    assert "names somebody in 1 of the last 4 1 has something there that can not be used." in page
    assert "together: 2 of the last 4" in page


def test_the_fields_of_real_submissions_are_suggested(draft: str, visitor: Visitor, komo: Post) -> None:
    """Until there are some, the usual ones."""
    path = f"/integrations/{draft}/people"
    assert '<option value="email">' in visitor.open(path).text

    komo(draft, a_body("m1", **{"shoe size": "42", "<i>": "x"}))

    page = visitor.open(path).text
    assert 'value="member_id"' in page
    assert "shoe size" in page
    assert "<i>" not in page


def test_it_says_that_what_waits_is_judged_again(live: str, visitor: Visitor, komo: Post, woken: list[object]) -> None:
    """Before it is done, and it is done then."""
    komo(live, a_body("m1", site_id="s1"))
    assert "1 submission waits or is held." in words(visitor.open(f"/integrations/{live}/people"))

    visitor.send(f"/integrations/{live}/people", **_first_field("other_id"))

    assert ("redo", live, 0) in woken


def test_more_than_one_rule_warns(live: str, visitor: Visitor) -> None:
    """One person may end in two profiles."""
    assert "one person can end up as two profiles" in words(visitor.open(f"/integrations/{live}/people"))
