"""
Whether there is nothing to do at all, in one command: so are most seconds of most installations.

komo:active         set   ids of integrations that have work; see inbox.py
komo:jobs:open      set   ids of jobs that are not finished; see jobs.py
{komo:alerts}:next  hash  there while alerts wait to be sent; see alerts.py
"""

import redis

from workers.store.alerts import NEXT
from workers.store.connect import reaching_the_store

ACTIVE = "komo:active"
OPEN_JOBS = "komo:jobs:open"


def is_idle(connection: redis.Redis, *, alerts: bool) -> bool:
    """
    Whether no integration has work and no job is open.

    Args:
        alerts: Whether somebody wants to hear of alerts: those in the outbox count as something to do.
    """
    with reaching_the_store():
        return not connection.exists(ACTIVE, OPEN_JOBS, *([NEXT] if alerts else []))
