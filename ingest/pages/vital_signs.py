"""Whether everything that deliveries need is alive, and what to do where it is not."""

import time
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from flask import current_app

from ingest.context import Context
from ingest.pages.drawing import duration, size
from ingest.pages.language import _, many
from workers.store.alive import CLOCK, LATE_S, WORKER, Heartbeat
from workers.store.pressure import MEMORY_MARK
from workers.store.vitals import Vitals, read_vitals

#: Asking a broker that is away takes seconds: what it said last counts for so long.
BROKER_S = 15.0


class Sign(NamedTuple):
    """One thing that deliveries need."""

    name: str
    tone: Literal["good", "wait", "bad", "idle"]
    #: How it is, in a few words.
    state: str
    #: What that means and what to do; empty where there is nothing to do.
    advice: str = ""


def vital_signs(made_with: Context) -> list[Sign]:
    """
    Look at all of them.

    Raises: StoreUnavailable.
    """
    beats = made_with.stores.alive.look()
    return [
        _store(read_vitals(made_with.stores.connection)),
        _workers([beat for beat in beats if beat.kind == WORKER]),
        _clock([beat for beat in beats if beat.kind == CLOCK]),
        *_broker(made_with),
        _alerts(is_set=bool(made_with.settings.alert_webhook_url)),
        _public_url(made_with.public_url),
    ]


def _store(told: Vitals | None) -> Sign:
    name = _("Store")
    if told is None:
        return Sign(name, "good", _("answers"))
    used = _("%(used)s in use", used=size(told.used_bytes))
    if told.most_bytes:
        used = _("%(used)s of %(most)s in use", used=size(told.used_bytes), most=size(told.most_bytes))
    if told.used_bytes > told.most_bytes * MEMORY_MARK > 0:
        return Sign(name, "bad", used, _(
            "The store is nearly full, and new submissions are refused until there is room. See why Braze does not "
            "take what waits, or give the store more memory (maxmemory)."
        ))  # fmt: skip
    if not told.writes_well:
        return Sign(name, "bad", _("can't write to its disk"), _(
            "What it holds would be lost if it stopped. See whether its disk is full."
        ))  # fmt: skip
    if told.keeps is False:
        return Sign(name, "wait", _("keeps nothing on disk"), _(
            "What waits would be lost if the store stopped. Switch on its append-only file (appendonly yes)."
        ))  # fmt: skip
    return Sign(name, "good", used)


def _workers(beats: Sequence[Heartbeat]) -> Sign:
    """Workers bring submissions to Braze."""
    alive = sum(beat.age_s <= LATE_S for beat in beats)
    if alive:
        return Sign(_("Workers"), "good", many("%(num)d is running", "%(num)d are running", alive))
    return Sign(_("Workers"), "bad", _silence(beats), _(
        "Workers bring submissions to Braze. What arrives is kept, and waits until one runs: start the worker process."
    ))  # fmt: skip


def _clock(beats: Sequence[Heartbeat]) -> Sign:
    """The clock calls for what is due."""
    if any(beat.age_s <= LATE_S for beat in beats):
        return Sign(_("Clock"), "good", _("is running"))
    return Sign(_("Clock"), "bad", _silence(beats), _(
        "The clock calls for what has to be tried again, and draws the charts. Start the clock process, and a worker "
        "that hears it."
    ))  # fmt: skip


def _silence(beats: Sequence[Heartbeat]) -> str:
    if not beats:
        return _("is not running")
    return _("silent for %(time)s", time=duration(min(beat.age_s for beat in beats)))


def _broker(made_with: Context) -> Iterator[Sign]:
    """Carries wake-up calls to workers; where it is the store itself, that says it all."""
    if not made_with.settings.celery_broker_url:
        return
    at, answers = current_app.extensions.get("komo_braze_broker", (float("-inf"), True))
    if time.monotonic() - at > BROKER_S:
        answers = made_with.broker_answers()
        current_app.extensions["komo_braze_broker"] = (time.monotonic(), answers)
    if answers:
        yield Sign(_("Broker"), "good", _("answers"))
    else:
        yield Sign(_("Broker"), "bad", _("does not answer"), _(
            "It carries calls to the workers. Submissions are kept, and wait until it is back: see CELERY_BROKER_URL."
        ))  # fmt: skip


def _alerts(*, is_set: bool) -> Sign:
    if is_set:
        return Sign(_("Alerts"), "good", _("are sent"))
    return Sign(_("Alerts"), "idle", _("are not set up"), _(
        "Nobody is told when something goes wrong. Set ALERT_WEBHOOK_URL to where your team reads messages."
    ))  # fmt: skip


def _public_url(url: str) -> Sign:
    """Where Komo finds us."""
    if url and not _is_loopback(url):
        return Sign(_("Address"), "good", urlsplit(url).netloc)
    return Sign(_("Address"), "wait", _("only on this machine"), _(
        "Komo can't post to %(url)s: that address leads to this machine alone. It will do for trying things out; for "
        "Komo, set PUBLIC_URL to the address by which the internet reaches this server.", url=url or "127.0.0.1",
    ))  # fmt: skip


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback or ip_address(host).is_unspecified
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
