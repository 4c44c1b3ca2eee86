"""Whether wake-up calls would be taken."""

from collections.abc import Callable, Iterator

from ingest.doctor.finding import Finding, ok, wrong
from schemas.settings import Settings

BROKER = "broker"


def check_broker(settings: Settings, answers: Callable[[], bool]) -> Iterator[Finding]:
    """
    Args:
        answers: Whether it can be reached, in bounded time.
    """
    which = "The broker" if settings.celery_broker_url else "The store, as broker,"
    if answers():
        yield ok(BROKER, f"{which} answers.")
    else:
        yield wrong(
            BROKER, f"{which} does not answer: submissions are kept, and wait until it is back.",
            "Look at the broker, and at CELERY_BROKER_URL." if settings.celery_broker_url else "Look at REDIS_URL.",
        )  # fmt: skip
