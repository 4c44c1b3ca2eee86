"""Trouble on request."""

import pytest

from ingest.sandbox.braze.faults import KINDS, Faults, read_fault


def test_a_fault_waits_for_its_path_and_its_number_of_calls() -> None:
    """A storm of three 429s is one order."""
    faults = Faults()
    faults.add(read_fault({"kind": "rate_limited", "times": 2}))
    assert faults.take("/users/export/ids") is None
    taken = [faults.take("/users/track") for _ in range(3)]
    assert [one.status if one else None for one in taken] == [429, 429, None]
    assert faults.met == 2


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_ready_made_fault_can_be_read_and_shown(kind: str) -> None:
    """Tests name them in one word."""
    fault = read_fault({"kind": kind})
    assert fault.in_words().startswith("on request: ")
    assert "path" in fault.as_json()
    assert ("errors" in fault.as_json()) == kind.startswith("unplaceable")


@pytest.mark.parametrize("given", [{"kind": "flood"}, {"colour": 1}, {"cut": "maybe"}, {"times": 0}])
def test_nonsense_is_refused(given: dict[str, object]) -> None:
    """A mistyped fault that never comes would make a test pass for nothing."""
    with pytest.raises(ValueError, match=r"\.$"):
        read_fault(given)
