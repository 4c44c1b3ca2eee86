"""
Before a server is started: says in one sentence, and once, what would keep every process of it from working.

Where all is well, prints where granian finds how to write its lines: as JSON, like ours.
"""

import os
import socket
import sys
from pathlib import Path

from schemas.settings import NEEDED_BY_WEB, Settings, SettingsError, load_settings
from workers.crashes import look_for_the_library
from workers.errors import StoreUnavailable
from workers.store.connect import connect


def check() -> None:
    """Look at the settings, the store and the port; ends the process with status 1 if one of them is no good."""
    try:
        settings = load_settings(os.environ, need=NEEDED_BY_WEB)
        look_for_the_library(settings)
        connect(settings.redis_url or "").close()
        _look_for_the_port(settings)
    except (SettingsError, StoreUnavailable, OSError) as error:
        sys.exit(f"komo-braze: {error}")


def _look_for_the_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            where = f"{settings.host}, port {settings.port}"
            raise OSError(f"Nothing can listen on {where} ({error.strerror}): look at HOST and PORT.") from error


if __name__ == "__main__":
    check()
    sys.stdout.write(str(Path(__file__).with_name("web_server_logs.json")))
