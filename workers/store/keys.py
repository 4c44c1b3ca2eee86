"""
How keys are named. The braces are a Redis Cluster hash tag: what one script touches lives in one slot.

{braze_workspace}:<integration_id>:...   everything of one pipeline (inbox.py, ledger.py, timeline.py, redo.py)
{braze_workspace}:...                    what the integrations of a workspace share (inbox.py)
komo:...                                 documents and what belongs to no workspace (integrations.py, pressure.py)
"""

from schemas.integration import Integration


def shared(workspace: str) -> str:
    """The prefix of what all integrations of a Braze workspace share."""
    return "{" + workspace + "}"


def own(integration: Integration) -> str:
    """The prefix of one integration's pipeline."""
    return f"{shared(integration.braze.workspace)}:{integration.id}"
