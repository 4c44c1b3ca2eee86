"""Standard fields."""

from typing import Any

import pytest

from ingest.sandbox.braze import standard
from ingest.sandbox.braze.ledgers import Ledgers
from ingest.sandbox.braze.profiles import Profile, Profiles

NOON = 1_795_500_000.0


def person(profiles: Profiles, external_id: str, **fields: Any) -> Profile:
    """Somebody with these fields, written one after the other."""
    made = profiles.find({"external_id": external_id}, NOON, may_create_alias=False)
    assert made is not None
    for name, value in fields.items():
        standard.set_field(profiles, Ledgers(), made, name, value, NOON)
    return made


@pytest.mark.parametrize(
    ("name", "sent", "kept", "kind"),
    [
        ("country", "Atlantis", None, "unknown_country"),
        ("country", ["AU"], None, "unknown_country"),
        ("time_zone", "Mars/Base", "Australia/Sydney", "unknown_time_zone"),
        ("bio", "hello", None, "ignored_field"),
    ],
)
def test_unknown_values_vanish_and_are_noted(name: str, sent: object, kept: str | None, kind: str) -> None:
    """An unknown country empties the field, an unknown time zone leaves it: neither shows in the reply."""
    profiles, books = Profiles(), Ledgers()
    one = person(profiles, "m-1", country="AU", time_zone="Australia/Sydney")

    standard.set_field(profiles, books, one, name, sent, NOON)

    assert one.standard.get(name) == kept
    assert books.silent_drops.counts() == {kind: 1}


def test_null_clears_a_field() -> None:
    """A cleared field is gone from the export."""
    profiles = Profiles()
    assert person(profiles, "m-1", first_name="Jo", email="jo@example.com").standard != {}
    assert person(profiles, "m-1", first_name=None, email=None).standard == {}


def test_a_new_address_starts_without_the_old_ones_subscription() -> None:
    """Writing an address has this side effect in Braze."""
    profiles = Profiles()
    one = person(profiles, "m-1", email="old@example.com", email_subscribe="unsubscribed", first_name="Jo")
    standard.set_field(profiles, Ledgers(), one, "email", "new@example.com", NOON)
    assert one.standard == {"email": "new@example.com", "first_name": "Jo"}


def test_a_subscription_state_spreads_to_everybody_with_the_address() -> None:
    """One unsubscribed profile silences the others that share its address."""
    profiles = Profiles()
    first = person(profiles, "m-1", email="jo@example.com")
    person(profiles, "m-2", email="jo@example.com", email_subscribe="unsubscribed")
    assert first.standard["email_subscribe"] == "unsubscribed"
    assert person(profiles, "m-3", email="jo@example.com").standard["email_subscribe"] == "unsubscribed"


def test_subscription_groups_add_up() -> None:
    """A group that is not mentioned keeps its state."""
    profiles = Profiles()
    for group, state in (("a", "subscribed"), ("b", "unsubscribed")):
        groups = [{"subscription_group_id": group, "subscription_state": state}]
        one = person(profiles, "m-1", subscription_groups=groups)
    assert one.standard["subscription_groups"] == {"a": "subscribed", "b": "unsubscribed"}


def test_subscriptions_are_free_and_fields_are_not() -> None:
    """The ledger of data points counts what Braze bills."""
    profiles, books = Profiles(), Ledgers()
    one = person(profiles, "m-1")
    for name, value in (("first_name", "Jo"), ("email_subscribe", "opted_in")):
        standard.set_field(profiles, books, one, name, value, NOON)
    assert books.data_points.total() == 1
