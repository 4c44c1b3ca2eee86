"""Who a submission is about."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.integration import BrazeTarget, Integration
from schemas.mapping import IdentifierRule
from schemas.person import Person
from schemas.submission import Submission
from workers.errors import BadIdentifier
from workers.identify import identify

NOW = datetime(2026, 2, 3, tzinfo=UTC)


def rule(kind: Any, name: str, label: str | None = None) -> IdentifierRule:
    return IdentifierRule(kind, ("fields", name), label)


def person(*rules: IdentifierRule, region: str | None = None, **fields: Any) -> Person | None:
    target = BrazeTarget("https://rest.iad-01.braze.com", "acme")
    integration = Integration("hub", "Hub", target, rules, default_region=region)
    return identify(Submission("s1", "X", NOW, NOW, {"fields": fields}), integration)


@pytest.mark.parametrize(
    ("identifier", "value", "found"),
    [
        (rule("external_id", "x"), " M-1 ", Person("external_id", "M-1")),
        (rule("external_id", "x"), 42, Person("external_id", "42")),
        (rule("external_id", "x"), 0, Person("external_id", "0")),
        (rule("external_id", "x"), "Mira@Example.com", Person("external_id", "Mira@Example.com")),
        (rule("external_id", "x"), "é" * 493 + "x", Person("external_id", "é" * 493 + "x")),
        (rule("braze_id", "x"), "5f0e", Person("braze_id", "5f0e")),
        (rule("email", "x"), " Mira@Example.com ", Person("email", "mira@example.com")),
        (rule("phone", "x"), "0412 345 678", Person("phone", "+61412345678")),
        (rule("user_alias", "x", "email"), "Mira@Example.com", Person("user_alias", "mira@example.com", "email")),
        (rule("user_alias", "x", "phone"), "0412 345 678", Person("user_alias", "+61412345678", "phone")),
        (rule("user_alias", "x", "komo_contact"), " C-1 ", Person("user_alias", "C-1", "komo_contact")),
    ],
)
def test_each_kind_of_identifier_has_its_own_normal_form(identifier: IdentifierRule, value: Any, found: Person) -> None:
    """Two spellings of one address would be two people; an id of the customer's is not ours to change."""
    assert person(identifier, region="AU", x=value) == found


@pytest.mark.parametrize("value", [None, "", "  ", [], {}])
def test_what_is_null_or_blank_is_absent(value: Any) -> None:
    """Optional form fields arrive empty, and that is nobody's mistake."""
    assert person(rule("email", "x"), x=value) is None


def test_nobody_is_found_where_no_field_is_there() -> None:
    """Views carry no person at all."""
    assert person(rule("email", "email"), rule("external_id", "member_id")) is None


def test_the_first_usable_identifier_is_taken() -> None:
    """The rules are tried in their order, past what is absent and past what is unusable."""
    rules = (rule("external_id", "member_id"), rule("phone", "mobile"), rule("email", "email"))

    assert person(*rules, member_id=" ", mobile="none", email="mira@example.com") == Person("email", "mira@example.com")


@pytest.mark.parametrize(
    ("identifier", "value"),
    [
        (rule("email", "x"), "not-an-address"),
        (rule("user_alias", "x", "email"), "not-an-address"),
        (rule("phone", "x"), "0412 345 678"),
        (rule("external_id", "x"), "x" * 988),
        (rule("external_id", "x"), "é" * 494),
        (rule("user_alias", "x", "member"), "x" * 237),
        (rule("external_id", "x"), "null"),
        (rule("external_id", "x"), "{{contact.id}}"),
        (rule("braze_id", "x"), "undefined"),
        (rule("user_alias", "x", "komo_contact"), "00000000-0000-0000-0000-000000000000"),
        (rule("external_id", "x"), True),
        (rule("external_id", "x"), False),
        (rule("external_id", "x"), 1.5),
        (rule("external_id", "x"), ["M-1"]),
        (rule("external_id", "x"), {"id": "M-1"}),
        (rule("external_id", "x"), "\ud800"),
    ],
)
def test_a_field_that_is_there_but_unusable_is_said_so(identifier: IdentifierRule, value: Any) -> None:
    """Filtering it would lose a person whose form needs mending; the words never hold the value."""
    with pytest.raises(BadIdentifier) as caught:
        person(identifier, x=value)

    assert str(value) not in str(caught.value)
    assert identifier.kind in str(caught.value)
