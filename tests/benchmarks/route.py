"""The measured integration, ready to deliver with: for the baselines, which do the same work."""

from typing import NamedTuple

from schemas.integration import Integration
from tests.benchmarks.setting import INTEGRATION_ID
from workers.store import Stores
from workers.transform import CompiledMapping, compile_mapping


class Route(NamedTuple):
    """One version of an integration, compiled."""

    integration: Integration
    mapping: CompiledMapping
    api_key: str


def load_route(stores: Stores) -> Route:
    """Out of the store."""
    stored = stores.integrations.get(INTEGRATION_ID)
    return Route(stored.integration, compile_mapping(stored.integration), stored.api_key() or "")
