"""What names mean to a person."""

import re
from pathlib import Path

from flask import Flask

from ingest.pages import words
from schemas.api import STATES
from schemas.dead_letter import REASONS
from schemas.komo import legacy
from workers.prepare import FILTERED

WORKERS = Path(__file__).parents[3] / "workers"
#: How the sources give a reason: as an argument, a constant, or what a script writes into a record.
WRITTEN = re.compile(
    r"""reason="([a-z_]+)" | without\[[^\]]+\]\ =\ "([a-z_]+)" | _bury\([a-z_.]+,\ "([a-z_]+)"
        | return\ "([a-z_]+)",\ \[\] | "filtered",\["([a-z_]+)"\]""",
    re.VERBOSE,
)


def _reasons_in_the_sources() -> set[str]:
    texts = [path.read_text(encoding="utf-8") for end in ("py", "lua") for path in WORKERS.rglob(f"*.{end}")]
    found = {name for text in texts for match in WRITTEN.findall(text) for name in match if name}
    return found | {*REASONS, *FILTERED, "gone"}


def test_every_reason_has_words_a_meaning_and_advice(app: Flask) -> None:
    """A reason without words is a riddle at the worst moment."""
    reasons = _reasons_in_the_sources()
    assert {"bad_identifier", "not_accepted", "no_identifier", "too_old", "refused", "superseded"} <= reasons

    with app.test_request_context():
        for reason in sorted(reasons):
            assert words.reason_in_words(reason) != reason, reason
            assert words.reason_meaning(reason), reason
            assert words.reason_advice(reason), reason


def test_every_state_has_words(app: Flask) -> None:
    """With a meaning, for the page of a single submission."""
    with app.test_request_context():
        for state in STATES:
            assert words.state_in_words(state) != state
            assert words.state_meaning(state)


def test_komo_s_own_events_have_words(app: Flask) -> None:
    """Others are shown by their name alone."""
    with app.test_request_context():
        assert [one for one in legacy.EVENTS if not words.event_in_words(one)] == []
        assert words.event_in_words("Somebody.Elses") == ""
