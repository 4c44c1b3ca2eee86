"""Whether a body holds a text that somebody looks for. Pure."""

import orjson


def holds_text(raw: bytes, needle: str) -> bool:
    """
    Whether a text stands somewhere in a JSON body, as a part of any name or value; upper and lower case are the same.

    Args:
        raw: JSON, UTF-8, as it came: letters outside ASCII may stand there as they are or as `\\u` escapes.
        needle: As a person writes it; an empty one is everywhere.
    """
    wanted = {needle.casefold(), orjson.dumps(needle).decode()[1:-1].casefold()}
    if _holds(raw, wanted):
        return True
    return b"\\" in raw and _holds(_plainly_written(raw), wanted)


def _holds(text: bytes, wanted: set[str]) -> bool:
    folded = text.decode("utf-8", "replace").casefold()
    return any(one in folded for one in wanted)


def _plainly_written(raw: bytes) -> bytes:
    """The same JSON without escapes, but for quotes, backslashes and control characters."""
    try:
        return orjson.dumps(orjson.loads(raw))
    except (TypeError, ValueError):
        return b""
