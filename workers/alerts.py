"""Step: bring alerts to whoever asked for them. A receiver that is dead or slow harms nothing but itself."""

import logging
import time
from collections.abc import Callable
from contextlib import nullcontext
from uuid import uuid4

import requests

from workers.braze.client import BROKEN, WATCH, WatchedAdapter
from workers.store import Stores
from workers.store.alerts import AlertBox, Boxed

#: Seconds to connect, and of silence between two bytes.
TIMEOUT = (3.05, 10)
#: Seconds from start to end of one call, however slowly the answer drips.
DEADLINE_S = 13.0
#: One call of the step ends after so many alerts, or begins no other after so many seconds.
MOST_SENT, BUDGET_S = 10, 10.0
HEADERS = {"Content-Type": "application/json", "User-Agent": "komo-braze"}

log = logging.getLogger("komo_braze")


def send_alerts(
    stores: Stores, url: str, session: requests.Session | None = None, *, now: Callable[[], float] = time.time
) -> int:
    """
    POST what is in the outbox, oldest first, until it is empty, the receiver fails, or it was enough for one call.

    An alert leaves the outbox after an answer of 2xx; sent again after a crash in between, it comes twice. After a
    failure the receiver is left alone for 1, 2, 4 ... 60 seconds.

    Args:
        url: `ALERT_WEBHOOK_URL`. It may hold a secret, and is told to nobody.
        now: Seconds since 1970.

    Returns: How many the receiver took.
    Raises: StoreUnavailable.
    """
    box, token = stores.alerts, uuid4().hex
    if not box.due(_ms(now)) or not box.take(token):
        return 0
    try:
        with nullcontext(session) if session else _new_session() as open_session:
            return _send(box, url, open_session, now)
    finally:
        box.let_go(token)


def _send(box: AlertBox, url: str, session: requests.Session, now: Callable[[], float]) -> int:
    until, sent = time.monotonic() + BUDGET_S, 0
    for alert in box.oldest(MOST_SENT):
        told: dict[str, object] = {"kind": alert.kind, "integration": alert.integration or None}
        failure = _post(session, url, alert)
        if failure:
            log.warning("alert.failed", extra=told | failure | {"wait_s": box.failed(now_ms=_ms(now))})
            break
        box.sent(alert.id, now_ms=_ms(now))
        sent += 1
        log.info("alert.sent", extra=told)
        if time.monotonic() >= until:
            break
    return sent


def _post(session: requests.Session, url: str, alert: Boxed) -> dict[str, object]:
    """What went wrong; nothing if the receiver has it. Of its answer nothing but the status is read."""
    try:
        request = session.prepare_request(requests.Request("POST", url, headers=HEADERS, data=alert.body))
        with WATCH.call(DEADLINE_S):
            # Straight to the adapter: it follows nothing, not even to read where to.
            response = session.get_adapter(url).send(
                request, stream=True, timeout=TIMEOUT, verify=True, proxies=session.proxies
            )
            response.close()
    except BROKEN as error:  # its text would quote the address
        return {"error": type(error).__name__}
    return {} if 200 <= response.status_code < 300 else {"status": response.status_code}


def _new_session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", WatchedAdapter())
    session.mount("http://", WatchedAdapter())
    return session


def _ms(now: Callable[[], float]) -> int:
    return int(now() * 1000)
