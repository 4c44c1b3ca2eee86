"""What every view works with, whether it answers programs or people."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, current_app

from ingest.wake import Wake, call
from schemas.integration import Integration
from schemas.outgoing import SEND_KINDS
from schemas.settings import Settings
from workers.store import Stores
from workers.store.jobs import Job, Kind
from workers.store.wrong_guesses import WrongGuesses

log = logging.getLogger("komo_braze")

#: Host, key, permissions, types: a name, whether it is right, and a sentence.
Probe = Callable[[Integration, str], list[tuple[str, bool, str]]]


@dataclass(frozen=True, slots=True)
class Context:
    """Everything that the app was made with."""

    stores: Stores
    settings: Settings
    wake: Wake
    probe: Probe
    #: Whether a wake-up call would be taken now.
    broker_answers: Callable[[], bool] = lambda: True
    #: Of the API's tokens.
    guesses: WrongGuesses = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "guesses", WrongGuesses(self.stores.connection))

    @property
    def public_url(self) -> str:
        return self.settings.public_url or ""


def keep(app: Flask, made_with: Context) -> None:
    """Let the views of this app find it."""
    app.extensions["komo_braze"] = made_with


def context() -> Context:
    found: Context = current_app.extensions["komo_braze"]
    return found


def wake_up(integration_id: str) -> None:
    """Call workers for everything that waits in an integration; a lost call only costs the time to the next sweep."""
    stores, wake = context().stores, context().wake
    integration = stores.integrations.get(integration_id).integration
    if stores.redo.wanted(integration):
        with suppress(Exception):  # whatever a broker's client raises: the work is safe, and the sweep finds it
            wake("redo", integration_id, 0)
        return
    for lane in stores.inbox.kick(integration):
        call(integration, lane, stores, wake)
    for kind in stores.outbox.kick(integration):
        with suppress(Exception):  # the sweep finds these too
            wake("send", integration_id, SEND_KINDS.index(kind))


def start_job(kind: Kind, asked: dict[str, Any], *, by: str) -> Job:
    """Make a job and call a worker for it."""
    kept = context().stores.jobs
    job = kept.create(kind, asked, by=by)
    kept.expect_call(job.id)
    try:
        context().wake("job", job.id, 0)
    except Exception as error:  # whatever a broker's client raises: the job is kept, and the sweep finds it
        kept.forget_call(job.id)
        log.warning("wake.failed", extra={"job": job.id, "error": type(error).__name__})
    return job
