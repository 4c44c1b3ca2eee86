"""`komo-braze doctor`: is everything set up well, and does it work?"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import click

from ingest.cli.opened import Opened, opened, say, store_options
from ingest.cli.ready import answers
from ingest.doctor.address import check_address
from ingest.doctor.braze import BRAZE, check_braze, check_standing
from ingest.doctor.broker import check_broker
from ingest.doctor.finding import Finding, wrong
from ingest.doctor.memory import check_memory
from ingest.doctor.processes import check_processes
from ingest.doctor.sealed import check_sealed
from ingest.doctor.settings import SETTINGS, check_settings
from ingest.doctor.store import STORE, check_store
from ingest.doctor.work import check_work
from ingest.outlook import outbox_of
from schemas.settings import SettingsError, load_settings
from workers.braze.client import BrazeClient
from workers.braze.probe import probe
from workers.broker import broker_answers
from workers.errors import PipelineError, UnknownIntegration, UnreadableRecord
from workers.store import Stores
from workers.store.facts import read_facts
from workers.store.integration_record import StoredIntegration
from workers.store.runs import runs_with
from workers.store.vitals import refusal

#: Braze answers within a second; who looks does not want to wait for a lost connection as long as a worker does.
BRAZE_S = 10.0
SIGNS = {"ok": "ok", "warning": "WARNING", "wrong": "WRONG"}


@click.command()
@click.option("--no-braze", is_flag=True, help="Don't ask Braze.")
@store_options
@click.pass_context
def doctor(context: click.Context, no_braze: bool, data_dir: Path | None, as_json: bool) -> None:
    """Look at settings, store, processes and Braze, and say what to do. Exit status 1 if anything is wrong."""
    findings = list(_examined(data_dir, ask_braze=not no_braze))
    good = not any(one.level == "wrong" for one in findings)
    told = {"ok": good, "findings": [one._asdict() for one in findings]}
    say(told, as_json, _lines(findings))
    context.exit(0 if good else 1)


def _examined(data_dir: Path | None, *, ask_braze: bool) -> Iterator[Finding]:
    if mistakes := _mistakes(os.environ):
        yield from mistakes
        return
    settings = load_settings(os.environ)
    yield from check_settings(settings, embedded=settings.redis_url is None)
    try:
        with opened(data_dir, writes=False) as here:
            yield from _all(here, ask_braze=ask_braze)
    except SettingsError as error:
        yield from _of_settings(error)
    except PipelineError as error:
        yield wrong(STORE, str(error), "Nothing else can be looked at until this is mended.")


def _mistakes(environ: Mapping[str, str]) -> list[Finding]:
    """Before anything is opened: a mistake elsewhere must not hide those that stand here."""
    try:
        load_settings(environ, need={"SECRET_KEY"} if environ.get("REDIS_URL", "").strip() else ())
    except SettingsError as error:
        return list(_of_settings(error))
    return []


def _of_settings(error: SettingsError) -> Iterator[Finding]:
    return (wrong(SETTINGS, sentence, "Mend it in the environment of every process.") for sentence in error.sentences)


def _all(here: Opened, *, ask_braze: bool) -> Iterator[Finding]:
    stores, settings = here.stores, here.settings
    facts = read_facts(stores.connection)
    yield from check_store(facts, refusal(stores.connection), settings.store_replicas)
    yield from check_memory(facts, settings, len(stores.integrations.ids()))
    yield from check_broker(settings, partial(broker_answers, settings))
    yield from check_sealed(stores.sealed.tally(), len(settings.secret_key))
    yield from check_processes(stores.alive.look(), runs_with(settings))
    yield from _work(stores)
    yield from _integrations(here, ask_braze=ask_braze)
    yield from check_address(here.public_url, answers)


def _work(stores: Stores) -> Iterator[Finding]:
    now_s, busy = time.time(), []
    for one in stores.inbox.active():
        with suppress(UnknownIntegration, UnreadableRecord):
            busy.append(stores.integrations.get(one).integration)
    due_s = stores.inbox.oldest_due_s(busy, now_s=now_s)
    yield from check_work(due_s, stores.standing.oldest_waiting_s(busy, now_s=now_s))


def _integrations(here: Opened, *, ask_braze: bool) -> Iterator[Finding]:
    found: list[StoredIntegration] = []
    for one in here.stores.integrations.ids():
        try:
            found.append(here.stores.integrations.get(one))
        except UnreadableRecord as error:
            yield wrong(f"{BRAZE}: {one}", str(error), "Was it saved by a newer version? Upgrade, or save it again.")
        except UnknownIntegration:
            continue  # it was removed a moment ago
    for stored in found:
        outbox = outbox_of(here.stores.outbox, stored.integration)
        paused = {kind: told["paused_because"] for kind, told in outbox.items() if told["paused_because"]}
        yield from check_standing(stored, paused)
    if ask_braze:
        client = BrazeClient(proxy=here.settings.braze_proxy, deadline_s=BRAZE_S)
        yield from check_braze(found, partial(probe, client=client))


def _lines(findings: Iterable[Finding]) -> Iterator[str]:
    findings = list(findings)
    width = max(len(one.about) for one in findings)
    for one in findings:
        yield f"{SIGNS[one.level]:<7}  {one.about:<{width}}  {one.says}"
        if one.do:
            yield f"{'':<7}  {'':<{width}}  {one.do}"
    count = {level: sum(one.level == level for one in findings) for level in ("wrong", "warning")}
    yield f"{count['wrong']} wrong, {count['warning']} warnings, {len(findings)} findings in all."
