"""How a profile grew."""

from ingest.sandbox.braze import growth
from ingest.sandbox.braze.growth import CHANGES_KEPT, STEPS_KEPT, Change, Growth

NOON = 1_795_500_000.0


def test_a_field_remembers_when_it_was_first_and_last_written_and_changed() -> None:
    """Three different questions: since when, how fresh, how stable."""
    held = Growth()
    held.wrote("beach", None, "Bondi", NOON)
    held.wrote("beach", "Bondi", "Manly", NOON + 1)
    held.wrote("beach", "Manly", "Manly", NOON + 2)

    assert held.fields["beach"] == growth.Written(first=NOON, last=NOON + 2, changed=NOON + 1)


def test_each_request_has_what_it_brought_in_order() -> None:
    """One request may hold several objects about a person: they are one step."""
    held = Growth()
    held.wrote("beach", None, "Bondi", NOON)
    held.came_with(7, 1, NOON)
    held.wrote("score", None, 3, NOON)
    held.happened("komo_entry", NOON)
    held.came_with(7, 2, NOON)
    held.wrote("beach", "Bondi", "Manly", NOON + 1)
    held.wrote("score", 3, 3, NOON + 1)
    held.came_with(9, 2, NOON + 1)

    first, second = held.steps
    assert (first.number, first.request, first.fields, first.happened) == (1, 7, 2, ["komo_entry"])
    assert first.changes == [Change("beach", "new", None, "Bondi"), Change("score", "new", None, 3)]
    assert (second.request, second.changes) == (9, [Change("beach", "changed", "Bondi", "Manly")])
    assert second.unchanged == ["score"]


def test_a_removed_field_is_told_and_starts_anew() -> None:
    """Removing what is not there is nothing."""
    held = Growth()
    held.wrote("beach", None, "Bondi", NOON)
    held.wrote("beach", "Bondi", None, NOON + 1)
    held.wrote("beach", None, None, NOON + 1)

    assert held.fields == {}
    assert [change.kind for change in held.steps[1].changes] == ["removed"]


def test_the_past_is_bounded() -> None:
    """A load test writes to one profile without end."""
    held = Growth()
    for number in range(CHANGES_KEPT + 5):
        held.wrote(f"field_{number}", None, number, NOON)
    assert (len(held.steps[0].changes), held.steps[0].left_out) == (CHANGES_KEPT, 5)

    for number in range(STEPS_KEPT + 5):
        held.happened("komo_entry", NOON + 1 + number)
    assert len(held.steps) == STEPS_KEPT
    assert held.steps[-1].number == STEPS_KEPT + 6


def test_what_brought_nothing_to_a_person_names_no_step() -> None:
    """An object may have nothing but its identifier."""
    held = Growth()
    held.came_with(3, 0, NOON)

    assert not held.steps
