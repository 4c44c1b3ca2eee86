"""Whether the broker can be reached, for somebody who has no Celery app."""

from kombu.connection import Connection

from schemas.settings import Settings
from workers.store.connect import broker_transport_options, broker_url

PATIENCE_S = 3.0


def broker_answers(settings: Settings) -> bool:
    """Ask once; takes a few seconds at most where it is away."""
    redis_patience = {"socket_connect_timeout": PATIENCE_S, "socket_timeout": PATIENCE_S, "max_retries": 0}
    url = broker_url(settings)
    options = (redis_patience if url.startswith(("redis", "sentinel")) else {}) | broker_transport_options(settings)
    try:
        broker = Connection(url, transport_options=options, connect_timeout=PATIENCE_S)  # type: ignore[no-untyped-call]
        with broker as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=PATIENCE_S)
    except Exception:  # every transport raises its own
        return False
    return True
