"""A web process says that it is alive, as workers do, so that whoever looks can tell what runs and with what."""

import atexit
import threading
import time

from workers.store.alive import BEAT_S, WEB, Alive, whom


def beat_in_background(alive: Alive) -> None:
    """Say so until this process ends; a store that is away is noted in the log alone."""
    name = whom(WEB)

    def beat() -> None:
        while True:
            alive.beat(name)
            time.sleep(BEAT_S)
            alive.carry()  # what was counted must not get old; a web process at rest need not ask the store for more
            time.sleep(BEAT_S)

    threading.Thread(target=beat, name="pulse", daemon=True).start()
    atexit.register(alive.leave, name)
