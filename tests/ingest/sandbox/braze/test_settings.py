"""What can be changed while the sandbox runs."""

from typing import Any

import pytest

from ingest.sandbox.braze.settings import PERMISSIONS, Settings


def test_json_values_become_settings() -> None:
    """Tests change these over HTTP."""
    settings = Settings()
    settings.change({
        "keys": {"a": "all", "b": ["users.track"]}, "delay_ms": 0, "rate_limits": {"track": [5, 3]},
        "header_mode": "seconds", "latency_ms": 60, "legacy_arrays": True, "forced_types": {"a": "number"},
        "blocked_events": ["x"], "max_objects": 50,
    })  # fmt: skip
    assert settings.keys == {"a": PERMISSIONS, "b": frozenset({"users.track"})}
    assert settings.delay_ms == (0.0, 0.0)
    assert settings.rate_limits == {"track": (5, 3.0)}
    assert (settings.latency_ms, settings.max_objects, settings.blocked_events) == (60.0, 50, frozenset({"x"}))


@pytest.mark.parametrize(
    "changes",
    [{"colour": 1}, {"delay_ms": [5, 1]}, {"delay_ms": "x"}, {"header_mode": "x"}, {"max_objects": 0}, {"keys": 1},
     {"rate_limits": {"track": 5}}, {"forced_types": {"a": "colour"}}],
)  # fmt: skip
def test_nonsense_changes_nothing(changes: dict[str, Any]) -> None:
    """All values of one call are taken, or none."""
    settings = Settings()
    with pytest.raises(ValueError, match=r"\w"):
        settings.change({"latency_ms": 7, **changes})
    assert settings == Settings()


def test_keys_are_never_shown_whole() -> None:
    """Even a sandbox should not teach the habit."""
    assert "sandbox-rest-key" not in str(Settings().as_json())
