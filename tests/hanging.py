"""Loaded into a worker with `--include`: the drain that begins while the file HANG is there takes it and never ends."""

import os
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from celery.signals import task_prerun


@task_prerun.connect  # type: ignore[untyped-decorator]  # Celery has no types
def _hang(task: Any, **_: Any) -> None:
    if task.name == "drain":
        with suppress(FileNotFoundError):
            Path(os.environ["HANG"]).unlink()
            threading.Event().wait()
