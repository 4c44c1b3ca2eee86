"""Would Braze take what an integration sends? The same answer over the API and on the command line."""

from collections.abc import Callable

from schemas.integration import Integration
from schemas.integration_draft import IDENTIFIERS
from workers.store.integration_record import StoredIntegration

#: A name, whether it is right, and a sentence.
Lines = list[tuple[str, bool, str]]


def try_connection(stored: StoredIntegration, probe: Callable[[Integration, str], Lines]) -> Lines:
    """
    Ask Braze about host, key, permissions and types; of a draft without host or key say what is missing instead.

    Args:
        probe: Calls Braze with a key; never writes to a profile.
    """
    missing = [pointer[1:].replace("/", ".") for pointer in stored.missing if pointer != IDENTIFIERS]
    if missing:
        return [("setup", False, f"Not set up yet: {' and '.join(missing)} must be given first.")]
    key = stored.api_key()
    if key is None:
        return [("key", False, f"The environment variable {stored.api_key_name} is not set.")]
    return probe(stored.integration, key)
