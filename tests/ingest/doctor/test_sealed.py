"""Seals and keys."""

import pytest

from ingest.doctor.sealed import check_sealed
from tests.ingest.doctor.conftest import troubles
from workers.store.sealed import Tally


@pytest.mark.parametrize(
    ("told", "keys", "found"),
    [
        (Tally(newest=3), 1, []),
        (Tally(newest=3, older=6), 2, [("warning", "6 of 9 stored secrets are sealed with an older key.")]),
        (Tally(newest=9), 2, [("warning", "All 9 stored secrets are sealed with the first of the 2 keys.")]),
        (
            Tally(broken={"summer-hub": 2}),
            1,
            [("wrong", "2 of the stored secrets of summer-hub can't be opened with SECRET_KEY.")],
        ),
    ],
)
def test_keys_that_are_missing_or_needless_are_told(told: Tally, keys: int, found: list[tuple[str, str]]) -> None:
    """With what to run, or whose key to give again."""
    assert troubles(check_sealed(told, keys)) == found
