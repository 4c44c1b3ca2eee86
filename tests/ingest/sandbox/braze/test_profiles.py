"""Which profile an object lands on."""

from typing import Any

import pytest

from ingest.sandbox.braze.profiles import Profiles

NOON = 1_795_500_000.0
ALIAS = {"alias_label": "komo_session", "alias_name": "s-1"}


def land(profiles: Profiles, alias: bool = True, /, **given: Any) -> Any:
    """Where attributes land at noon."""
    return profiles.find(given, NOON, may_create_alias=alias)


@pytest.mark.parametrize("who", [{"external_id": "m-1"}, {"email": "jo@example.com"}, {"phone": "+61412345678"}])
def test_an_unknown_person_is_made_and_found_again(who: dict[str, str]) -> None:
    """The second object about a person must not make a second profile."""
    profiles = Profiles()
    first = land(profiles, **who)
    assert first is not None
    assert land(profiles, **who) is first
    assert len(profiles) == 1


@pytest.mark.parametrize("who", [{"external_id": "m-1"}, {"email": "jo@example.com"}, {"phone": "+61412345678"}])
def test_update_only_makes_nobody(who: dict[str, str]) -> None:
    """Braze skips unknown people then, without a word."""
    profiles = Profiles()
    assert land(profiles, _update_existing_only=True, **who) is None
    assert len(profiles) == 0


@pytest.mark.parametrize(("flag", "made"), [(None, False), (True, False), (False, True)])
def test_an_unknown_alias_needs_an_explicit_false(flag: bool | None, made: bool) -> None:
    """The default for aliases is the opposite of the default for everything else."""
    profiles = Profiles()
    assert (land(profiles, user_alias=ALIAS, _update_existing_only=flag) is not None) is made


def test_an_event_never_makes_an_alias_profile() -> None:
    """The strict one of two contradictory readings."""
    profiles = Profiles()
    assert land(profiles, False, user_alias=ALIAS, _update_existing_only=False) is None
    made = land(profiles, user_alias=ALIAS, _update_existing_only=False)
    assert land(profiles, False, user_alias=ALIAS) is made


def test_an_unknown_braze_id_stores_nothing() -> None:
    """Only Braze gives these."""
    assert land(Profiles(), braze_id="nobody") is None


def test_of_people_with_one_address_the_identified_one_is_chosen() -> None:
    """An e-mail-only profile stays behind as soon as a known one has the address."""
    profiles = Profiles()
    land(profiles, email="jo@example.com")
    known = land(profiles, external_id="m-1")
    profiles.set_contact(known, "email", "jo@example.com")
    assert land(profiles, email="jo@example.com") is known
    assert len(profiles.sharing("email", "jo@example.com")) == 2


def test_a_changed_address_is_found_under_the_new_one_alone() -> None:
    """The index must not lead to somebody by an address they gave up."""
    profiles = Profiles()
    person = land(profiles, email="old@example.com")
    profiles.set_contact(person, "email", "new@example.com")
    assert profiles.chosen("email", "old@example.com") is None
    assert profiles.chosen("email", "new@example.com") is person


def test_people_come_newest_update_first() -> None:
    """The page of profiles shows what just happened on top."""
    profiles = Profiles()
    first, second = land(profiles, external_id="m-1"), land(profiles, external_id="m-2")
    assert profiles.page(0, 10) == [second, first]
    profiles.touch(first, NOON + 1)
    assert profiles.page(0, 1) == [first]
    assert profiles.page(1, 1) == [second]
