"""
What every command finds around it: the settings, the secrets kept in the data directory, and the embedded store.

    DATA_DIR/secrets.json   SECRET_KEY, ADMIN_PASSWORD and API_TOKEN, made once, readable by their owner alone
    DATA_DIR/store/         the embedded store (workers/store/embedded.py)
"""

import json
import os
import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from schemas.settings import Settings, load_settings
from workers.errors import PipelineError
from workers.store.connect import connect
from workers.store.embedded import EmbeddedStore, open_embedded

#: What is made up where nobody set it, and of how many random bytes.
MADE_UP = {"SECRET_KEY": 48, "ADMIN_PASSWORD": 16, "API_TOKEN": 24}


class Unusable(PipelineError):
    """What the command needs is not there; the message says so in one sentence."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a command works with."""

    settings: Settings
    #: The environment for child processes: as ours, with the store's address and the secrets.
    environ: dict[str, str]
    #: None where REDIS_URL is set.
    store: EmbeddedStore | None
    #: Names of the secrets that come out of the data directory.
    kept: Collection[str]


@contextmanager
def surroundings(
    environ: Mapping[str, str],
    *,
    need: Collection[str] = ("SECRET_KEY",),
    make_up: bool = False,
    any_format: bool = False,
) -> Iterator[Surroundings]:
    """
    The settings of this environment, with a store that answers.

    Without `REDIS_URL` it is the embedded one of `DATA_DIR`, which is stopped at the end unless others use it; secrets
    that are needed and not set come out of `DATA_DIR` then, where they are made at the first use.

    Args:
        need: Variables that must be set in the end.
        make_up: Take the data directory's secrets with a `REDIS_URL` too, as `up` does.
        any_format: Take a store too whose format is another one than ours.

    Raises: SettingsError with every mistake; StoreUnavailable or Unusable in one sentence.
    """
    settings = load_settings(environ)
    missing = [name for name in need if name in MADE_UP and not environ.get(name, "").strip()]
    kept = keep_secrets(settings.data_dir, missing) if missing and (make_up or not settings.redis_url) else {}
    # Absolute, so that it means the same for every process.
    prepared = {**environ, **kept, "DATA_DIR": str(settings.data_dir.resolve())}
    load_settings(prepared, need=set(need) - {"REDIS_URL"})
    store = None if settings.redis_url else open_embedded(settings.data_dir)
    try:
        if store is not None:
            prepared["REDIS_URL"] = store.url
        connect(prepared["REDIS_URL"], any_format=any_format).close()
        yield Surroundings(load_settings(prepared, need=need), prepared, store, tuple(kept))
    finally:
        if store is not None:
            store.close()


def keep_secrets(data_dir: Path, names: Collection[str]) -> dict[str, str]:
    """
    The data directory's own secrets, made at the first use. Returns: those of `names`.

    Raises: Unusable in one sentence if the directory can't be written to, or its file can't be read.
    """
    path = data_dir / "secrets.json"
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_secrets(path)
        found: dict[str, str] = json.loads(path.read_text())
        return {name: found[name] for name in names}
    except OSError as error:
        raise Unusable(f"The data directory {data_dir} can't be used ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Unusable(f"The file {path} can't be read: mend it, or set {', '.join(names)}.") from error


def _make_secrets(path: Path) -> None:
    """Whole or not at all, also where two commands come first at once: the first one's file stays."""
    if path.exists():
        return
    made = {name: secrets.token_urlsafe(size) for name, size in MADE_UP.items()}
    draft = path.with_name(f".secrets.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(made, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass  # somebody else was faster
    finally:
        draft.unlink()
