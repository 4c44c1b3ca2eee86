"""A slice of `make fuzz`, always the same."""

import time
from pathlib import Path

import pytest

from tests.fuzz.parts import TARGETS
from tests.fuzz.run import Target, feed


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_broken_inputs_break_nothing(target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The long run is for people who have ten minutes; what it finds at once should not wait for them."""
    monkeypatch.setattr("tests.fuzz.run.KEPT_IN", tmp_path)

    done, found = feed(target, 20 + 10 * target.share, "a slice", time.monotonic() + 60)

    assert found == []
    assert done


def test_a_finding_is_kept_as_its_smallest_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody has to see at a glance what breaks a parser."""
    monkeypatch.setattr("tests.fuzz.run.KEPT_IN", tmp_path)

    def check(given: list[str]) -> None:
        if "7" in "".join(given):
            raise ValueError(given)

    target = Target("a parser", lambda draw: [draw.choice("abc7") * 9 for _ in range(9)], check)
    _, (found,) = feed(target, 50, "1", time.monotonic() + 60)

    assert found.what.startswith("ValueError in test_fuzz.py")
    assert "\n['7']\n" in Path(found.file).read_text()
