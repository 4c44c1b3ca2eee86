"""What one person's attributes come to in a request."""

from typing import Any

from schemas.person import Person
from workers.operations import Add, Increment
from workers.profile import Profile

INES = Person("user_alias", "ines@example.com", "email")


def test_who_has_nothing_to_write_only_stands_by() -> None:
    """Their events need the alias; a refusal of the attributes is not their fault."""
    profile = Profile(INES, existing_only=False)

    assert profile.take(0, {})
    assert profile.take(1, {"team": "Gulls"})
    assert (profile.positions, profile.bystanders) == ([1], [0])


def test_nobody_new_is_made_where_only_existing_people_are_meant() -> None:
    """And an alias is made only where Braze is told to."""
    flags = [Profile(INES, existing_only=only).objects()[0]["_update_existing_only"] for only in (True, False)]

    assert flags == [True, False]


def test_what_was_taken_stays_as_it_was() -> None:
    """The same values are folded again where a request turns out too big."""
    said: list[dict[str, Any]] = [
        {"a": ["x"], "b": {"c": 1}, "n": 1},
        {"a": Add(["y"]), "b.d": 2, "n": Increment(1)},
    ]
    for _ in range(2):
        profile = Profile(Person("external_id", "m1"), existing_only=False)
        assert all(profile.take(place, attributes) for place, attributes in enumerate(said))
        assert profile.objects() == ({"external_id": "m1", "a": ["x", "y"], "b": {"c": 1, "d": 2}, "n": 2},)


def test_what_can_not_be_said_in_one_object_is_told() -> None:
    """The caller makes two requests of it."""
    profile = Profile(INES, existing_only=False)

    assert profile.take(0, {"a": "text"})
    assert not profile.take(1, {"b": 1, "a": Add(["y"])})
