from typing import Any

import orjson
import pytest

from schemas.dead_letter import LetterFilter, SoughtPerson
from schemas.mapping import IdentifierRule
from tests.factories import an_integration
from tests.workers.store.test_letters import HEAD, a_letter
from workers.store.letter_filter import matcher, normalised

HUB = an_integration(default_region="AU", identifiers=(IdentifierRule("email", ("fields", "email")),))


def matches(person: list[Any] | None = None, **wanted: Any) -> bool:
    letter = a_letter(h=orjson.dumps([*HEAD[:3], person, *HEAD[4:]]))
    return matcher(LetterFilter(**wanted), HUB)(letter)


@pytest.mark.parametrize(
    ("person", "typed"),
    [
        (["email", "ann@example.com", None], " Ann@Example.com"),
        (["user_alias", "ann@example.com", "email"], "ANN@example.com "),
        (["phone", "+61412345678", None], "0412 345 678"),
        (["user_alias", "+61412345678", "phone"], "+61 412 345 678"),
        (["external_id", "Ann-7", None], "Ann-7 "),
    ],
)
def test_a_person_is_found_however_the_identifier_is_typed(person: list[Any], typed: str) -> None:
    """As at the door: e-mails in small letters, phones as E.164, also where the rules are others by now."""
    assert matches(person, identifier=SoughtPerson(None, typed))
    assert matches(person, identifier=SoughtPerson(person[0], typed))
    assert matches(person, identifier=SoughtPerson(person[0], typed, person[2]))
    assert not matches(person, identifier=SoughtPerson("user_alias", typed, "another label"))
    assert not matches(person, identifier=SoughtPerson(None, "somebody.else@example.com"))


def test_a_letter_without_a_person_is_nobody_s() -> None:
    """Its body may still be searched for a text."""
    assert not matches(None, identifier=SoughtPerson(None, "m1"))
    assert matches(None, text="sum26 QUIZ")


def test_without_conditions_every_letter_is_meant() -> None:
    """Times bound what is read, and are not asked again."""
    assert matches()
    assert not matches(reason="too_big")


@pytest.mark.parametrize(("kind", "value"), [("email", "no address"), ("phone", "12"), ("external_id", " ")])
def test_what_is_no_identifier_of_a_kind_finds_nobody(kind: str, value: str) -> None:
    """And raises nothing: people try things."""
    assert normalised(kind, value, None, HUB) is None
    assert not matches([kind, "x", None], identifier=SoughtPerson(kind, value))
