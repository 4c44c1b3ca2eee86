"""The frame around the settings of one integration: where somebody is among the steps, and what is missing."""

from dataclasses import dataclass
from typing import Any, Literal

from ingest.context import context
from ingest.pages.language import later
from schemas.integration_draft import API_KEY, ENDPOINT, IDENTIFIERS
from workers.store.integration_record import StoredIntegration

#: Where each stands behind `/integrations/<id>/`, and what it is called; the first five are numbered.
STEPS = (
    ("name", later("Name")),
    ("komo", later("Komo")),
    ("braze", later("Braze")),
    ("people", later("People")),
    ("fields", later("Fields")),
    ("json", later("JSON")),
)
NUMBERED = 5
#: Members of the document that send something to Braze.
MAPPINGS = ("attributes", "subscriptions", "events", "sends")

#: Empty: nothing to say about it.
Mark = Literal["done", "missing", ""]


@dataclass(frozen=True, slots=True)
class Step:
    """One of them, as the navigation shows it."""

    key: str
    label: Any
    #: None before there is an integration.
    address: str | None
    #: From 1; None for what is no step of the setup.
    number: int | None
    mark: Mark
    current: bool


def frame(stored: StoredIntegration | None, current: str) -> dict[str, Any]:
    """
    What `pages/_settings.html` needs.

    Args:
        stored: None while the first step is being done.
        current: The key of the step that is shown.

    Raises: StoreUnavailable.
    """
    marks = _marks(stored, current) if stored else {}
    steps = [
        Step(
            key, label, address_of(stored, key) if stored else None, number if number <= NUMBERED else None,
            marks.get(key, ""), key == current,
        )
        for number, (key, label) in enumerate(STEPS, 1)
    ]  # fmt: skip
    return {"stored": stored, "steps": steps, "is_draft": stored is None or stored.draft, "own_page": _own(stored)}


def address_of(stored: StoredIntegration, step: str) -> str:
    """The path of a step's page."""
    return f"/integrations/{stored.id}/{step}"


def next_address(stored: StoredIntegration, current: str) -> str:
    """Where somebody goes after saving a step: on while it is being set up, else they stay."""
    keys = [key for key, _ in STEPS[:NUMBERED]]
    if not stored.draft or current not in keys:
        return address_of(stored, current)
    following = keys[keys.index(current) + 1 :]
    return address_of(stored, following[0]) if following else f"/integrations/{stored.id}"


def step_of(pointer: str) -> str:
    """The step that asks for a part of the document."""
    return {ENDPOINT: "braze", API_KEY: "braze", IDENTIFIERS: "people"}.get(pointer, "json")


def is_mapped(stored: StoredIntegration) -> bool:
    """Whether any rule says what is sent."""
    return any(stored.document.get(member) for member in MAPPINGS)


def _own(stored: StoredIntegration | None) -> str | None:
    return f"/integrations/{stored.id}" if stored else None


def _marks(stored: StoredIntegration, current: str) -> dict[str, Mark]:
    lacking = {step_of(pointer) for pointer in stored.missing}
    received = context().stores.ledger.read(stored.integration)["received"]
    marks: dict[str, Mark] = {
        "name": "done",
        "komo": "done" if received else "",
        "braze": "missing" if "braze" in lacking else "done",
        "people": "missing" if "people" in lacking else "done",
        "fields": "done" if is_mapped(stored) else "missing",
    }
    if stored.draft:  # what is still to come is not missing
        keys = [key for key, _ in STEPS]
        marks |= {key: "" for key in keys[keys.index(current) + 1 :] if marks.get(key) == "missing"}
    return marks
