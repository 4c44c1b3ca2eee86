"""Whether each integration would send, and whether Braze would take it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from ingest.connection import Lines, try_connection
from ingest.doctor.finding import Finding, ok, warning, wrong
from schemas.integration import Integration
from workers.errors import SealBroken
from workers.store.integration_record import StoredIntegration

BRAZE = "braze"
#: Asked at once, and until when all of it must be over.
AT_ONCE, DEADLINE_S = 8, 45.0

Probe = Callable[[Integration, str], Lines]


def check_standing(stored: StoredIntegration, paused_sends: Mapping[str, str]) -> Iterator[Finding]:
    """
    What keeps one from sending, as the store has it.

    Args:
        paused_sends: Kinds of messages that Braze is not asked for, and why.
    """
    about = f"{BRAZE}: {stored.id}"
    resume = f"komo-braze integrations resume {stored.id}"
    if stored.draft:
        yield warning(about, "It is not set up yet: what it accepts is kept and waits.", "Finish it on its page.")
    elif stored.paused == "person":
        why = stored.paused_because or "Paused by a person."
        yield warning(about, f"It sends nothing: {why}", f"When it may go on: {resume}.")
    elif stored.paused:
        yield wrong(
            about, f"It is paused by Braze's answer: {stored.paused_because}",
            f"Mend it in Braze or in the settings; it is tried every 15 minutes, and at once by {resume}.",
        )  # fmt: skip
    for kind, why in paused_sends.items():
        yield wrong(
            about,
            f"Messages of the kind {kind} are paused: {why}",
            "Mend that in Braze; saving its `braze` tries at once.",
        )


def check_braze(
    integrations: Sequence[StoredIntegration], probe: Probe, *, deadline_s: float = DEADLINE_S
) -> Iterator[Finding]:
    """
    Ask Braze for all that are set up, several at once. Never writes to a profile.

    Args:
        probe: Asks for one, with a key.
        deadline_s: Who has not answered then is told as such.
    """
    asker = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="braze")
    asked = {one.id: asker.submit(_ask, one, probe) for one in integrations if not one.draft}
    wait(asked.values(), deadline_s)
    asker.shutdown(wait=False, cancel_futures=True)
    for integration_id, answer in asked.items():
        yield from _findings(f"{BRAZE}: {integration_id}", answer, deadline_s)


def _ask(stored: StoredIntegration, probe: Probe) -> Lines:
    try:
        return try_connection(stored, probe)
    except SealBroken as error:
        return [("key", False, str(error))]


def _findings(about: str, answer: Future[Lines], deadline_s: float) -> Iterator[Finding]:
    if not answer.done() or answer.cancelled():
        yield warning(about, f"Braze was not through within {deadline_s:.0f} seconds.", "Try again with less at once.")
        return
    if error := answer.exception():
        yield wrong(about, f"Braze could not be asked ({type(error).__name__}).", "See komo-braze integrations test.")
        return
    bad = [(name, says) for name, good, says in answer.result() if not good]
    for name, says in bad:
        yield wrong(about, f"{name}: {says}", "Mend that in Braze or in its settings, and test again.")
    if not bad:
        yield ok(about, "Braze takes what it sends.")
