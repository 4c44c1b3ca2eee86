"""How the views of the management API read and answer."""

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Response, abort, request

from ingest.problems import problem
from workers.errors import StaleVersion

#: How `save` and its like record who it was.
BY = "api"
#: Of a version: nobody saves more often.
MOST_DIGITS = 15


def answer(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(data), status, headers, mimetype="application/json")


def read_json(*, optional: bool = False) -> Any:
    """The body of the request; aborts with 400 if it is not JSON, with 415 if it says that it is something else."""
    kind = request.mimetype
    if kind and kind != "text/plain" and not (kind == "application/json" or kind.endswith("+json")):
        abort(problem(415, "Unsupported media type", "Send JSON, with Content-Type: application/json."))
    data = request.get_data()
    if optional and not data.strip():
        return {}
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        abort(problem(400, "Not JSON", f"The body is not JSON: {error}."))


def read_object(*, optional: bool = False) -> dict[str, Any]:
    """The same, and an object."""
    found = read_json(optional=optional)
    if not isinstance(found, dict):
        abort(problem(422, "Not valid", errors=[{"pointer": "", "detail": "Send a JSON object."}]))
    return found


def if_match() -> int | None:
    """
    The version in `If-Match`; None if the caller does not mind, or wants any version at all.

    Raises: StaleVersion if it is no version of ours, and so matches nothing.
    """
    text = request.headers.get("If-Match", "").strip()
    if text in ("", "*"):
        return None
    version = text.removeprefix("W/").strip('"')
    if not version.isascii() or not version.isdecimal() or len(version) > MOST_DIGITS:
        raise StaleVersion(f"If-Match is {text[:40]}, which is no version of this document.")
    return int(version)
