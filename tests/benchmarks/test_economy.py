"""The model that the data points are compared with."""

from itertools import pairwise

from tests.benchmarks.economy import WAVES, answers_of, least_points


def test_who_forgets_nothing_sends_what_is_new_and_what_has_changed() -> None:
    """An answer that comes back to what it was is a change as well; another person's is none."""
    visits = [
        ("ada", {"team": "A", "beach": "B"}),
        ("ada", {"team": "A", "beach": "C"}),
        ("sam", {"team": "A"}),
        ("ada", {"beach": "B"}),
    ]

    assert least_points(visits) == 2 + 1 + 1 + 1


def test_every_visit_changes_a_quarter_of_the_answers() -> None:
    """Otherwise remembering would be worth nothing, or everything."""
    visits = [("ada", answers_of(1, wave)) for wave in range(WAVES)]
    changes = [sum(before[name] != after[name] for name in after) for (_, before), (_, after) in pairwise(visits)]

    assert set(changes) <= {5, 6}
    assert least_points(visits) == 20 + sum(changes)
