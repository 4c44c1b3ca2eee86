"""What the names of warnings mean to a person."""

import re
from pathlib import Path

import pytest

from ingest.pages.warning_words import WARNINGS, warned_about, warning_in_words

ROOT = Path(__file__).parents[3]
#: What the sources call a value that can't be sent as it came, and what they add to a submission's warnings.
FLAWS = [re.compile(pattern) for pattern in (
    r'Flawed\(\s*(?:flaw or )?"([a-z_]+)"', r'flaws\.append\("([a-z_]+)"', r'flaws? = (?:flaw or )?\[?"([a-z_]+)"',
    r'flaw = [^"\n]*, "([a-z_]+)"', r'_(?:kept|sized)\([^"\n]*"([a-z_]+)"', r'"[\w.]+: ([a-z_]+)"',
    r'\{[\w.]+\}: ([a-z_]+)"', r'"(occurred_at_[a-z_0-9]+)"', r'(?:UNCHANGED|ACCEPTED_UNKNOWN) = "([a-z_]+)"',
    r'too_big: str = "([a-z_]+)"', r'"(send_too_big)"',
)]  # fmt: skip


def codes() -> set[str]:
    """Every name of a warning in the sources."""
    files = [*(ROOT / "workers").glob("*.py"), ROOT / "schemas/komo/timestamps.py"]
    return {code for path in files for flaw in FLAWS for code in flaw.findall(path.read_text("utf-8"))}


def test_every_warning_has_its_sentence() -> None:
    """A name such as object_null_left_out tells a marketer nothing."""
    found = codes()

    assert len(found) > 40
    assert found - WARNINGS.keys() == set()


def test_every_warning_that_the_reference_names_has_its_sentence() -> None:
    """People look there for what they read here."""
    reference = (ROOT / "docs/reference.md").read_text("utf-8")
    table = reference[reference.index("What Braze would drop without a word") : reference.index("### Subscriptions")]
    lines = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]

    assert set(re.findall(r"`(\w+)`", " ".join(lines))) - WARNINGS.keys() == set()


@pytest.mark.parametrize("warning", ["phone: phone_not_valid", "a: b: phone_not_valid"])
def test_what_it_is_about_is_told_apart(warning: str, app: object) -> None:
    """An attribute may have a colon in its name."""
    from flask import Flask

    assert isinstance(app, Flask)
    with app.test_request_context():
        assert warning_in_words(warning).startswith("This is no phone number")
        assert "something_new" in warning_in_words("x: something_new")
    assert warned_about(warning) == warning.removesuffix(": phone_not_valid")
    assert warned_about("unchanged") == ""
