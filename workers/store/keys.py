"""
How keys are named. The braces are a Redis Cluster hash tag: what one script touches lives in one slot.

{braze_workspace}:<integration_id>:...   everything of one pipeline (inbox.py, ledger.py, timeline.py, redo.py)
{braze_workspace}:...                    what the integrations of a workspace share (inbox.py)
{~draft}:<integration_id>:...            the same of a draft (schemas/integration_draft.py); moves when it is set up
komo:...                                 documents and what belongs to no workspace (integrations.py, pressure.py)
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import islice

from schemas.integration import BrazeTarget, Integration

#: What Braze has accepted of a person is remembered for so long at least, and for twice as long at most: as long as
#: dead letters are usually kept, whose replay must not go back in time.
MEMORY_MS = 30 * 86_400_000

#: Integrations that the store looks at in one call; it does nothing else meanwhile.
AT_ONCE = 50


def shared(workspace: str) -> str:
    """The prefix of what all integrations of a Braze workspace share."""
    return "{" + workspace + "}"


def own(integration: Integration) -> str:
    """The prefix of one integration's pipeline."""
    return f"{shared(integration.braze.workspace)}:{integration.id}"


def parts_of_workspaces(integrations: Sequence[Integration]) -> Iterator[list[Integration]]:
    """A few integrations at a time, each time of one Braze workspace: what one script touches lives in one slot."""
    of_workspace = defaultdict(list)
    for one in integrations:
        of_workspace[one.braze.workspace].append(one)
    for them in of_workspace.values():
        rest = iter(them)
        while part := list(islice(rest, AT_ONCE)):
            yield part


def memory_keys(braze: BrazeTarget) -> str:
    """What the keys of the memory of people begin with: another Braze host has other people under the same name."""
    return f"{shared(braze.workspace)}:known:{blake2b(braze.rest_endpoint.encode(), digest_size=4).hexdigest()}:"


def generations(braze: BrazeTarget, now_ms: float | None = None) -> list[str]:
    """
    The keys of the memory that may be there, newest first.

    The current one and the one before are; clocks may differ a little, and the next one is then, too.

    Args:
        now_ms: Only in tests; otherwise this machine's clock counts.
    """
    current = int((time.time() * 1000 if now_ms is None else now_ms) // MEMORY_MS)
    return [f"{memory_keys(braze)}{number}" for number in (current + 1, current, current - 1)]
