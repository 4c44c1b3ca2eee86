"""The store: does it take writes, and keep what it took, whatever happens to it?"""

from collections.abc import Iterator

from ingest.doctor.finding import Finding, ok, warning, wrong
from workers.store.facts import Facts

STORE = "store"
#: Clocks this far apart make times on the pages wrong; this far, signatures of the webhook are refused.
SKEW_S, BAD_SKEW_S = 2.0, 120.0
ASK = "Ask whoever runs the store"


def check_store(facts: Facts, refusal: str, wanted_replicas: int = 0) -> Iterator[Finding]:
    """
    Args:
        refusal: Why it takes no writes; "" if it does.
        wanted_replicas: How many must have a write before anybody is told of it.
    """
    yield ok(STORE, f"The store answers: {facts.kind}, as Redis {facts.version}.")
    yield from _writes(refusal)
    yield from _appends(facts)
    yield from _disk(facts)
    yield from _policy(facts)
    yield from _wanted(facts, wanted_replicas)
    yield from _replicas(facts)
    yield from _skew(facts)


def _writes(refusal: str) -> Iterator[Finding]:
    advice = {
        "OOM": "Give it more memory (maxmemory), or see why Braze does not take what waits.",
        "MISCONF": "Look at the store's log: its disk is full or broken.",
        "READONLY": "This is a replica: let REDIS_URL lead to the primary, or use sentinel://.",
        "NOREPLICAS": "Fewer replicas are connected than min-replicas-to-write asks for: start them.",
    }
    if refusal:
        do = advice.get(refusal, "Look at the store's log.")
        yield wrong(STORE, f"It takes no writes ({refusal}): every submission is refused with 503.", do)


def _appends(facts: Facts) -> Iterator[Finding]:
    if facts.appends is None:
        yield warning(
            STORE, "Whether it keeps an append-only file can't be looked at.", f"{ASK}: appendonly must be yes."
        )
    elif not facts.appends:
        kept = "it keeps nothing on disk" if facts.save == "" else "only snapshots are kept"
        yield wrong(
            STORE, f"Its append-only file is off ({kept}): a restart loses submissions that were accepted.",
            "Set appendonly yes and appendfsync always.",
        )  # fmt: skip
    elif facts.fsync is None:
        yield warning(
            STORE, "It keeps an append-only file; when that reaches the disk can't be looked at (CONFIG is forbidden).",
            f"{ASK}: with appendfsync everysec a power cut takes the last second of accepted submissions.",
        )  # fmt: skip
    elif facts.fsync == "always":
        yield ok(STORE, "What it has answered is on disk (appendonly yes, appendfsync always).")
    else:
        lost = "the last second" if facts.fsync == "everysec" else "half a minute or more"
        finding = warning if facts.fsync == "everysec" else wrong
        yield finding(
            STORE, f"appendfsync is {facts.fsync}: a power cut takes {lost} of accepted submissions.",
            "Set appendfsync always.",
        )  # fmt: skip


def _disk(facts: Facts) -> Iterator[Finding]:
    if not facts.appends_well:
        yield wrong(
            STORE, "Its last writing to the append-only file failed: what it holds would be lost if it stopped.",
            "See whether its disk is full.",
        )  # fmt: skip
    if not facts.snapshots_well:
        yield warning(
            STORE, "Its last snapshot failed: with stop-writes-on-bgsave-error it takes no writes then.",
            "See whether its disk is full; beside an append-only file snapshots are not needed (save \"\").",
        )  # fmt: skip


def _policy(facts: Facts) -> Iterator[Finding]:
    if facts.policy is None:
        yield warning(STORE, "Its eviction policy can't be looked at.", f"{ASK}: maxmemory-policy must be noeviction.")
    elif facts.policy != "noeviction":
        yield wrong(
            STORE, f"maxmemory-policy is {facts.policy}: a full store throws accepted submissions away.",
            "Set maxmemory-policy noeviction: it then refuses new ones instead.",
        )  # fmt: skip
    else:
        yield ok(STORE, "A full store refuses instead of forgetting (noeviction).")
    if facts.evicted:
        yield warning(
            STORE, f"It has thrown away {facts.evicted:,} keys for room since its start.",
            "Set maxmemory-policy noeviction, and compare the ledgers with what Komo has sent.",
        )  # fmt: skip


def _wanted(facts: Facts, wanted: int) -> Iterator[Finding]:
    if facts.replicas < wanted:
        yield wrong(
            STORE, f"STORE_REPLICAS is {wanted}, and {facts.replicas} replicas are connected: "
            "every submission is refused with 503.",
            "Connect that many, or lower STORE_REPLICAS; the embedded store has none.",
        )  # fmt: skip


def _replicas(facts: Facts) -> Iterator[Finding]:
    if not facts.replicas:
        return
    if facts.min_replicas:
        yield ok(STORE, f"{facts.replicas} connected as replicas; a write needs {facts.min_replicas} of them.")
    elif facts.min_replicas is None:
        yield warning(STORE, "min-replicas-to-write can't be looked at.", f"{ASK}: with 1 a failover loses less.")
    else:
        yield warning(
            STORE, "It has replicas, and min-replicas-to-write is 0: one cut off from them goes on accepting "
            "what a failover loses.",
            "Set min-replicas-to-write 1.",
        )  # fmt: skip


def _skew(facts: Facts) -> Iterator[Finding]:
    apart = abs(facts.ahead_s)
    if apart <= SKEW_S:
        yield ok(STORE, "Its clock agrees with this machine's.")
        return
    side = "ahead of" if facts.ahead_s > 0 else "behind"
    says = f"Its clock is {apart:,.0f} seconds {side} this machine's."
    finding = wrong if apart > BAD_SKEW_S else warning
    yield finding(STORE, says, "Let NTP set the clocks of all machines; waits and signatures are measured with them.")
