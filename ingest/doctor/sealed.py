"""Whether everything that is sealed can be opened, and with which key."""

from collections.abc import Iterator

from ingest.doctor.finding import Finding, ok, warning, wrong
from workers.store.sealed import Tally

SECRETS = "secrets"


def check_sealed(told: Tally, keys: int) -> Iterator[Finding]:
    """
    Args:
        keys: How many SECRET_KEY holds.
    """
    for one, number in sorted(told.broken.items()):
        yield wrong(
            SECRETS, f"{number} of the stored secrets of {one} can't be opened with SECRET_KEY.",
            "Add the key they were sealed with at its end; or give the Braze key again and rotate the webhook secrets.",
        )  # fmt: skip
    if told.left:
        yield warning(
            SECRETS, f"{told.left} of {told.newest + told.older} stored secrets are sealed with an older key.",
            "Run komo-braze secrets reseal, and then remove the older keys from SECRET_KEY.",
        )  # fmt: skip
    elif keys > 1 and not told.broken:
        yield warning(
            SECRETS, f"All {told.newest} stored secrets are sealed with the first of the {keys} keys.",
            "Remove the older ones and restart every process, unless copies of the store from before must be opened.",
        )  # fmt: skip
    elif not told.broken:
        yield ok(SECRETS, f"All {told.newest} stored secrets can be opened.")
