"""What all processes of one installation must run with alike; each tells it with its heartbeats (alive.py)."""

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from schemas.settings import SECRET_SETTINGS, Settings, shown
from workers.store.seal import key_marks

#: What decides how submissions are kept and sent. Other settings may differ: ports, threads, addresses.
ALIKE = (
    "EXTRA_BRAZE_HOSTS",
    "MAX_WAITING",
    "MAX_WAITING_BYTES",
    "RETENTION_HOURS",
    "KEEP_SETTLED",
    "DEAD_LETTER_RETENTION_HOURS",
    "HOLD_HOURS",
    "PERSON_SPACING_MS",
    "LANES",
)  # fmt: skip


def runs_with(settings: Settings) -> dict[str, Any]:
    """Version, marks of the secret keys (newest first) and the settings that count; no secret can be found from it."""
    told = shown(settings)
    return {
        "version": _version(),
        "keys": list(key_marks(settings.secret_key)),
        "settings": {name: _plain(told[name]) for name in ALIKE if name not in SECRET_SETTINGS},
    }


def _plain(value: Any) -> Any:
    """As it comes back out of JSON."""
    return list(value) if isinstance(value, tuple) else value


def _version() -> str:
    try:
        return version("komo-braze")
    except PackageNotFoundError:  # run from its sources
        return ""
