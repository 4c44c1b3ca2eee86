"""Memory against limits."""

from typing import Any

import pytest

from ingest.doctor.memory import check_memory
from tests.ingest.doctor.conftest import MB, settings_of, troubles
from workers.store.facts import Facts


def test_usual_limits_fit_into_usual_memory(facts: Facts) -> None:
    """How much may wait is said in submissions."""
    findings = list(check_memory(facts, settings_of(), integrations=3))

    assert troubles(findings) == []
    assert "room for 1,000,000 waiting submissions of usual size (MAX_WAITING)" in findings[1].says


@pytest.mark.parametrize(
    ("changes", "settings", "level", "said"),
    [
        ({"used_bytes": 1700 * MB}, {}, "wrong", "1.7 GB of 2.0 GB are in use: new submissions are refused"),
        ({"used_bytes": 1300 * MB}, {}, "warning", "1.3 GB of 2.0 GB are in use: from 80% on"),
        ({"most_bytes": 0}, {}, "warning", "maxmemory is 0: 10 MB are in use"),
        (
            {"machine_bytes": 1000 * MB},
            {},
            "warning",
            "maxmemory (2.0 GB) is more than the store's machine has (1.0 GB)",
        ),
        ({}, {"MAX_WAITING_BYTES": "1500000000"}, "warning", "MAX_WAITING_BYTES (1.5 GB of bodies) could need 2.0 GB"),
        ({}, {"KEEP_SETTLED": "1000000"}, "warning", "KEEP_SETTLED keeps up to 1,000,000 in each of 3 integrations"),
    ],
)
def test_limits_that_memory_can_t_hold_are_told(
    facts: Facts, changes: dict[str, Any], settings: dict[str, str], level: str, said: str
) -> None:
    """Before it is full."""
    [(found, says)] = troubles(check_memory(facts._replace(**changes), settings_of(**settings), integrations=3))

    assert (found, says[: len(said)]) == (level, said)
