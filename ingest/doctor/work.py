"""Whether somebody comes for what could be sent."""

from collections.abc import Iterator

from ingest.doctor.finding import Finding, ok, warning, wrong

WORK = "work"
#: Nobody has come for so long; and something has waited for so long, whatever it waits for.
LATE_S, OLD_S = 60, 600


def check_work(due_s: float, waiting_s: float) -> Iterator[Finding]:
    """
    Args:
        due_s: For how long something could have been sent.
        waiting_s: How old the oldest submission that waits is, pauses by a person aside.
    """
    if due_s > LATE_S:
        yield wrong(WORK, f"Work has been due for {_minutes(due_s)}, and nobody comes.", "Look at workers and clock.")
    if waiting_s > OLD_S:
        yield warning(
            WORK, f"The oldest submission that waits has waited for {_minutes(waiting_s)}.",
            "See what Braze answers, and what `komo-braze integrations list` says that each waits for.",
        )  # fmt: skip
    if due_s <= LATE_S and waiting_s <= OLD_S:
        yield ok(WORK, "Nothing is late.")


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:,.0f} minutes" if seconds < 7200 else f"{seconds / 3600:,.0f} hours"
