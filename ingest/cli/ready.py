"""Says when the processes answer."""

import threading
import time
from collections.abc import Callable, Sequence

import requests

PATIENCE_S = 60.0
TURN_S = 0.2


def when_ready(urls: Sequence[str], then: Callable[[], None]) -> threading.Thread:
    """Ask every address until it answers 2xx, beside everything else; then call `then`, or never after a minute."""

    def ask() -> None:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            if all(answers(url) for url in urls):
                then()
                return
            time.sleep(TURN_S)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    return thread


def answers(url: str) -> bool:
    """Whether a GET is answered with 2xx within two seconds; proxies of the environment are not asked."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(url, timeout=2, allow_redirects=False).ok
        except requests.RequestException:
            return False
