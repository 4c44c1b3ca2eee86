"""One submission run through the rules as they stand in the form: what Braze would get, and what is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, NamedTuple

from ingest.pages.fields.places import row_about
from ingest.pages.fields.rows import LISTS, Row
from ingest.pages.warning_words import warned_about, warning_in_words
from ingest.preview import preview
from schemas.integration import Integration, Reading, read_document
from schemas.integration_document import BrazeDocument
from schemas.problems import InvalidDocument, Problem
from workers.store.integration_record import StoredIntegration
from workers.store.memory import Memory

#: In place of what a draft does not have yet; it is told beside the preview.
ANY_ENDPOINT: Final = "https://rest.iad-01.braze.com"
ANY_IDENTIFIER: Final = {"kind": "external_id", "field": "submission.id"}
#: No preview needs one.
_ANY_KEY: Final = "not-used-here"
#: Rules that are wrong are left out, and what they hid is looked for again.
_ROUNDS: Final = 3

_BRAZE_MEMBERS: Final = frozenset(BrazeDocument().fields)


class Warned(NamedTuple):
    """One warning in words, and the row that it is about."""

    about: str
    sentence: str
    row: Row | None


@dataclass(frozen=True, slots=True)
class Trial:
    """What a trial came to."""

    #: As `ingest.preview.preview` tells it; None if the document has mistakes outside of the rules.
    told: Mapping[str, Any] | None
    warnings: Sequence[Warned] = ()
    #: What is wrong; the rules that it is about were left out.
    problems: Sequence[Problem] = ()
    #: Parts of a draft that something stands in for: `rest_endpoint`, `identifiers`.
    stand_ins: Sequence[str] = field(default=())


def attempt(
    stored: StoredIntegration,
    rules: Mapping[str, list[dict[str, Any]]],
    rows: Mapping[str, Sequence[Row]],
    body: dict[str, Any],
    *,
    submission_id: str,
    memory: Memory,
    extra_hosts: Sequence[str],
    now: datetime | None = None,
) -> Trial:
    """
    Try rules that need not be saved.

    Args:
        rules: The lists of the document.
        rows: Those that stand for the rules, as `places.numbered` returns them.
        body: As the webhook took it.

    Raises: StoreUnavailable.
    """
    document, stand_ins = _complete({**stored.document, **rules})
    reading, kept, problems = _read(document, rows, extra_hosts)
    if reading is None:
        return Trial(None, problems=problems, stand_ins=stand_ins)
    integration = _in_its_workspace(reading.integration(), stored)
    names, known = memory.names(integration.braze.workspace, ()), partial(memory.known, integration)
    told = preview(
        integration, body, received_at=now or datetime.now(UTC), submission_id=submission_id, names=names, known=known
    )
    return Trial(told, [_warned(one, kept) for one in dict.fromkeys(told["warnings"])], problems, stand_ins)


def _warned(warning: str, rows: Mapping[str, Sequence[Row]]) -> Warned:
    about = warned_about(warning)
    return Warned(about, warning_in_words(warning), row_about(about, rows))


def _complete(document: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A draft as if it were set up, with the names of what stands in."""
    stand_ins = []
    braze = {name: value for name, value in document["braze"].items() if name in _BRAZE_MEMBERS}
    if not braze.get("rest_endpoint"):
        braze["rest_endpoint"] = ANY_ENDPOINT
        stand_ins.append("rest_endpoint")
    if not document["identifiers"]:
        document = {**document, "identifiers": [ANY_IDENTIFIER]}
        stand_ins.append("identifiers")
    return {**document, "braze": {**braze, "api_key": _ANY_KEY}}, stand_ins


def _read(
    document: dict[str, Any], rows: Mapping[str, Sequence[Row]], extra_hosts: Sequence[str]
) -> tuple[Reading | None, dict[str, list[Row]], list[Problem]]:
    """The document without the rules that are wrong, the rows of those that are left, and everything that is wrong."""
    kept = {name: list(rows[name]) for name in LISTS}
    problems: list[Problem] = []
    for _ in range(_ROUNDS):
        try:
            return read_document(document, extra_hosts=extra_hosts), kept, problems
        except InvalidDocument as error:
            wrong = {place for place in map(_place, error.problems) if place}
            problems = problems or list(error.problems)
            if not wrong:
                break
            for name in LISTS:
                stays = [at for at in range(len(kept[name])) if (name, at) not in wrong]
                document = {**document, name: [document[name][at] for at in stays]}
                kept[name] = [kept[name][at] for at in stays]
    return None, kept, problems


def _place(problem: Problem) -> tuple[str, int] | None:
    _, name, at, *_ = [*problem.pointer.split("/"), "", "", ""]
    return (name, int(at)) if name in LISTS and at.isdecimal() else None


def _in_its_workspace(integration: Integration, stored: StoredIntegration) -> Integration:
    """What is remembered is kept by the Braze workspace; a draft has none."""
    workspace = integration.braze.workspace or stored.integration.braze.workspace
    return replace(integration, braze=replace(integration.braze, workspace=workspace))
