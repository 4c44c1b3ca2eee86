"""
Which integrations have accepted a submission, by its id: that tells where to look for it, without looking everywhere.

P:seen:<day>, P:once:<digest>: see inbox.py. A day is kept for about as long as what was accepted on it; what had
neither id nor time is remembered for ten minutes only, and lies somewhere all the same.
"""

from collections.abc import Sequence

import redis

from schemas.integration import Integration
from workers.store.connect import reaching_the_store
from workers.store.keys import own


def that_accepted(
    connection: redis.Redis, integrations: Sequence[Integration], day: int, digest: str
) -> list[Integration]:
    """
    Those of the integrations that are known to have accepted it; none if nobody remembers.

    Args:
        day, digest: The parts of its id: days since 1970, and 8 bytes in hexadecimal.
    """
    raw = bytes.fromhex(digest)
    with reaching_the_store():
        pipe = connection.pipeline(transaction=False)
        for one in integrations:
            pipe.sismember(f"{own(one)}:seen:{day}", raw)  # type: ignore[arg-type]
            pipe.exists(f"{own(one)}:once:".encode() + raw)
        answers = pipe.execute()
    return [one for at, one in enumerate(integrations) if answers[2 * at] or answers[2 * at + 1]]
