"""Options that say which ones."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import click
import pytest

from ingest.cli.filters import letter_options, read_filter
from schemas.dead_letter import LetterFilter, SoughtPerson

NOTHING = {"integration": None, "reason": None, "since": None, "until": None, "identifier": None, "text": None}


def read(*arguments: str) -> LetterFilter:
    """What the options say."""
    found: list[LetterFilter] = []

    @click.command()
    @letter_options
    def command(**asked: Any) -> None:
        found.append(read_filter(asked))

    command.main(arguments, standalone_mode=False)
    return found[0]


def test_without_options_every_letter_is_meant() -> None:
    """So that commands can tell whether somebody has said anything."""
    assert read() == LetterFilter() == read_filter(NOTHING)


def test_every_option_has_its_condition() -> None:
    """The same that the API takes."""
    options = ["--integration", "summer", "--reason", "refused", "--identifier", "Ada", "--text", "a b"]

    assert read(*options) == LetterFilter(
        integration="summer", reason="refused", identifier=SoughtPerson(None, "Ada"), text="a b"
    )


def test_times_without_an_offset_are_utc() -> None:
    """As everywhere; another offset is kept."""
    found = read("--since", "2026-01-31", "--until", "2026-01-31T12:00:00+02:00")

    assert found.since == datetime(2026, 1, 31, tzinfo=UTC)
    assert found.until == datetime(2026, 1, 31, 12, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    "options",
    [
        ["--since", "soon"],
        ["--since", "0001-01-01T00:00:00+14:00"],
        ["--text", ""],
        ["--identifier", " "],
        ["--reason", "lost"],
    ],
)
def test_what_can_t_be_meant_is_wrong_usage(options: list[str]) -> None:
    """A blank text would stand in every body."""
    with pytest.raises(click.UsageError):
        read(*options)
