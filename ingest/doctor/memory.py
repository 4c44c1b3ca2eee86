"""The store's memory, against what the limits could need."""

from collections.abc import Iterator

from ingest.doctor.finding import Finding, ok, warning, wrong
from schemas.settings import Settings
from workers.store.facts import Facts
from workers.store.pressure import MEMORY_MARK

MEMORY = "memory"
#: A waiting submission: its body, and what the store needs around it; measured with Komo's sample entries. Settled ones
#: take about as much.
BODY_BYTES, AROUND_BYTES = 790, 240
EACH_BYTES = BODY_BYTES + AROUND_BYTES
#: Of `maxmemory`: from here on somebody should look.
SOON = 0.6


def check_memory(facts: Facts, settings: Settings, integrations: int) -> Iterator[Finding]:
    """
    Args:
        integrations: How many there are; limits count for each.
    """
    yield from _used(facts) if facts.most_bytes else _without_limit(facts, settings)
    if facts.most_bytes:
        yield from _waiting(facts, settings)
        yield from _settled(facts, settings, integrations)
    if facts.most_bytes > facts.machine_bytes > 0:
        yield warning(
            MEMORY, f"maxmemory ({size(facts.most_bytes)}) is more than the store's machine has "
            f"({size(facts.machine_bytes)}).",
            "Set maxmemory to half of the machine's memory: rewriting the file may need as much again.",
        )  # fmt: skip


def _used(facts: Facts) -> Iterator[Finding]:
    used = f"{size(facts.used_bytes)} of {size(facts.most_bytes)} are in use"
    part = facts.used_bytes / facts.most_bytes
    if part > MEMORY_MARK:
        yield wrong(
            MEMORY, f"{used}: new submissions are refused with 429.",
            "See why Braze does not take what waits, or give the store more memory (maxmemory).",
        )  # fmt: skip
    elif part > SOON:
        yield warning(
            MEMORY, f"{used}: from {MEMORY_MARK:.0%} on new submissions are refused with 429.",
            "Give the store more memory (maxmemory), or keep less (KEEP_SETTLED, RETENTION_HOURS).",
        )  # fmt: skip
    else:
        yield ok(MEMORY, f"{used}.")


def _without_limit(facts: Facts, settings: Settings) -> Iterator[Finding]:
    says = (
        f"maxmemory is 0: {size(facts.used_bytes)} are in use, and nothing is refused before the machine has no more."
    )
    need = size(settings.max_waiting * EACH_BYTES)
    yield warning(
        MEMORY, says,
        f"Set maxmemory (MAX_WAITING alone allows {need} in each integration) to half of the machine's memory.",
    )  # fmt: skip


def _waiting(facts: Facts, settings: Settings) -> Iterator[Finding]:
    """However high the limits, what may wait is bounded by the mark."""
    mark = facts.most_bytes * MEMORY_MARK
    bodies = settings.max_waiting_bytes if settings.max_waiting_bytes is not None else facts.most_bytes // 2
    need = bodies / BODY_BYTES * EACH_BYTES
    if need > mark:
        yield warning(
            MEMORY, f"MAX_WAITING_BYTES ({size(bodies)} of bodies) could need {size(need)}, more than "
            f"{MEMORY_MARK:.0%} of maxmemory: the store is full before the limit counts.",
            f"Set maxmemory to {size(need / MEMORY_MARK)} or more, or lower MAX_WAITING_BYTES.",
        )  # fmt: skip
        return
    room = min(settings.max_waiting, int(bodies / BODY_BYTES))
    why = "MAX_WAITING" if room == settings.max_waiting else "the bytes that may wait"
    yield ok(
        MEMORY, f"There is room for {room:,} waiting submissions of usual size ({why}); then the webhook says 429."
    )


def _settled(facts: Facts, settings: Settings, integrations: int) -> Iterator[Finding]:
    need = settings.keep_settled * EACH_BYTES * integrations
    if need > facts.most_bytes * MEMORY_MARK:
        yield warning(
            MEMORY, f"KEEP_SETTLED keeps up to {settings.keep_settled:,} in each of {integrations} integrations, which "
            f"could need {size(need)}, more than {MEMORY_MARK:.0%} of maxmemory.",
            "Lower KEEP_SETTLED, or give the store more memory (maxmemory).",
        )  # fmt: skip


def size(number: float) -> str:
    """As people say it: 512 MB."""
    for unit, many in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= many:
            return f"{number / many:.1f} {unit}" if number < 10 * many else f"{number / many:,.0f} {unit}"
    return f"{number:.0f} bytes"
