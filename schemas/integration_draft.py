"""A document that somebody is still at: what is there is validated as always, and what is missing is told."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from schemas.integration import Integration, Reading, build, read_document
from schemas.integration_warnings import warnings_about

ENDPOINT, API_KEY, IDENTIFIERS = "/braze/rest_endpoint", "/braze/api_key", "/identifiers"
#: Where drafts keep what they accept, apart from every Braze workspace: nobody can choose a name with this sign.
DRAFT_WORKSPACE = "~draft"

#: They are seen by nobody: only the schema looks at them, and the endpoint is never asked for anything.
_ANY_ENDPOINT = "https://rest.iad-01.braze.com"
_ANY_KEY = "not-given-yet"
_ANY_IDENTIFIER = {"kind": "external_id", "field": "profile.id"}


def read_draft(document: Any, *, extra_hosts: Iterable[str] = (), kept_for: str | None = None) -> Reading:
    """
    Validate what there is of an integration document; `id` and `name` are required.

    Null, blank and empty parts count as missing.

    Args:
        document, extra_hosts: As for `read_document`.
        kept_for: The REST endpoint that a stored key belongs to, "" for a key that came without one; None where none
            is stored. Naming another endpoint needs the key again.

    Returns: A reading whose document may lack `braze.rest_endpoint` and have no `identifiers`.
    Raises: InvalidDocument with every problem and its place; a missing part is none.
    """
    if not isinstance(document, dict):
        return read_document(document)
    missing, gives_key = missing_of(document), _gives_key(document)
    keeps_key = kept_for is not None and ENDPOINT not in missing
    reading = read_document(
        _completed(document, missing, lacks_key=not gives_key and not keeps_key),
        extra_hosts=extra_hosts, kept_for=kept_for,
    )  # fmt: skip
    return _without(missing, reading, reading.api_key if gives_key else None)


def missing_of(document: Mapping[str, Any], *, has_key: bool = True) -> tuple[str, ...]:
    """
    Pointers of the required parts that a document lacks.

    Args:
        has_key: Whether a key is stored for it: the document does not say.
    """
    parts = {
        ENDPOINT: _has(_braze(document).get("rest_endpoint")),
        API_KEY: has_key,
        IDENTIFIERS: bool(document.get("identifiers")),
    }
    return tuple(pointer for pointer, is_there in parts.items() if not is_there)


def build_draft(document: Mapping[str, Any], **about: Any) -> Integration:
    """
    The rules so far, as an integration that sends nothing.

    Args:
        document: As in the reading of `read_draft`.
        about: As for `build`.
    """
    braze = {"rest_endpoint": "", **document["braze"], "workspace": DRAFT_WORKSPACE}
    return replace(build({**document, "braze": braze}, **about), enabled=False, draft=True)


def _completed(document: Mapping[str, Any], missing: Collection[str], *, lacks_key: bool) -> dict[str, Any]:
    whole, braze = dict(document), document.get("braze") or {}
    if IDENTIFIERS in missing:
        whole["identifiers"] = [_ANY_IDENTIFIER]
    if not isinstance(braze, Mapping):  # the schema speaks of that
        return whole
    whole["braze"] = {name: value for name, value in braze.items() if name != "api_key" or _has(value)}
    if ENDPOINT in missing:
        whole["braze"]["rest_endpoint"] = _ANY_ENDPOINT
    if lacks_key:
        whole["braze"]["api_key"] = _ANY_KEY
    return whole


def _without(missing: Collection[str], reading: Reading, api_key: str | dict[str, str] | None) -> Reading:
    document = reading.document
    if ENDPOINT in missing:
        del document["braze"]["rest_endpoint"]
    if IDENTIFIERS in missing:
        document["identifiers"] = []
    return Reading(document, api_key, tuple(warnings_about(document)))


def _gives_key(document: Mapping[str, Any]) -> bool:
    key = _braze(document).get("api_key")
    return _has(key) and not (isinstance(key, dict) and "set" in key)


def _braze(document: Mapping[str, Any]) -> Mapping[str, Any]:
    braze = document.get("braze")
    return braze if isinstance(braze, Mapping) else {}


def _has(value: Any) -> bool:
    return bool(value.strip()) if isinstance(value, str) else value is not None
