import pytest
from werkzeug.datastructures import MultiDict

from ingest.sandbox.hub.cards import PERSONALITY, POLL, QUIZ
from ingest.sandbox.hub.form import read_form

GOOD = {"first_name": "Mira", "email": "mira@example.com"}


def test_every_field_is_posted_as_text_even_if_empty() -> None:
    """Komo sends a form's fields by their unique ids, whether or not they were filled in."""
    filled = read_form(QUIZ, MultiDict(GOOD | {"last_name": "  "}))

    assert not filled.problems
    assert filled.values == GOOD | {
        "last_name": "", "mobile": "", "date_of_birth": "", "country": "", "preferred_boat": "", "favourite_team": "",
        "optin": "false",
    }  # fmt: skip


def test_a_ticked_consent_is_the_text_true() -> None:
    """That is how Komo's example has it."""
    assert read_form(QUIZ, MultiDict(GOOD | {"optin": "true"})).values["optin"] == "true"


def test_several_choices_become_one_text_with_commas() -> None:
    """Only what was on offer counts, in the order of the form."""
    posted = MultiDict([*GOOD.items(), ("interests", "Food"), ("interests", "Sailing"), ("interests", "Piracy")])

    assert read_form(POLL, posted).values["interests"] == "Sailing,Food"


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("first_name", " ", "needed"),
        ("email", "mira@", "email address"),
        ("last_name", "x" * 201, "at most 200"),
        ("date_of_birth", "17/08/1991", "1991-08-17"),
        ("date_of_birth", "19910817", "1991-08-17"),
        ("country", "Atlantis", "from the list"),
        ("boat_length", "seven", "number"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(key: str, value: str, problem: str) -> None:
    """A person should see where to look."""
    filled = read_form(PERSONALITY, MultiDict(GOOD | {key: value}))

    assert list(filled.problems) == [key]
    assert problem in filled.problems[key]
