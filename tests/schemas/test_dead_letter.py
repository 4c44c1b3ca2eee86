from datetime import UTC, datetime

import orjson
import pytest

from schemas.dead_letter import LetterFilter, ReplayOptions, SoughtPerson

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
EVERYTHING = LetterFilter("summer-hub", "refused", NOON, NOON, SoughtPerson("user_alias", "ann", "email"), "quiz")


@pytest.mark.parametrize("letters", [LetterFilter(), EVERYTHING, LetterFilter(identifier=SoughtPerson(None, "ann"))])
def test_a_filter_survives_the_way_through_the_store(letters: LetterFilter) -> None:
    """A job is asked for by one process and done by another."""
    assert LetterFilter.from_json(orjson.loads(orjson.dumps(letters.to_json()))) == letters


@pytest.mark.parametrize(
    "options",
    [
        ReplayOptions(ids=("a", "b")),
        ReplayOptions(filter=EVERYTHING, dry_run=True, rate=2.5, events_not_older_than_hours=24),
        ReplayOptions(ids=()),
    ],
)
def test_options_survive_it_too(options: ReplayOptions) -> None:
    """No ids are something else than every letter."""
    assert ReplayOptions.from_json(orjson.loads(orjson.dumps(options.to_json()))) == options


def test_what_is_not_set_is_not_said() -> None:
    """People read what was asked for."""
    assert ReplayOptions(filter=LetterFilter(reason="refused")).to_json() == {"filter": {"reason": "refused"}}
