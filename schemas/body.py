"""The body of a webhook request: what it may be, and what it is read into."""

import json
import re
from collections.abc import Iterator
from math import isinf
from typing import Any, Final, Literal, NamedTuple, NoReturn

import orjson

from schemas.problems import Problem, pointer

#: Ours, so that one submission can't occupy a worker: no body of Komo's is known to come near.
MAX_OBJECTS: Final = 500
MAX_DEPTH: Final = 32
#: Names with a value, of an object and of everything inside it.
MAX_MEMBERS: Final = 2000

_BOM: Final = b"\xef\xbb\xbf"
_MIN_INT: Final = -(2**63)
_MAX_INT: Final = 2**64 - 1
#: A run of digits that may not fit 64 bits, once every digit is written as 0. (A regular expression takes ten times as
#: long to find it.)
_LONG_NUMBER: Final = b"0" * 19
_DIGITS_AS_0: Final = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{},]', re.DOTALL)
_CLOSED_BY: Final = {"[": "]", "{": "}"}

#: What a place lies in, and its key there; nothing at the top. As text, every place would repeat the names above it.
_Step = tuple["_Step", str | int] | tuple[()]


class OneBody(NamedTuple):
    """One object of a request."""

    body: dict[str, Any]
    #: JSON that orjson reads back into `body`: the bytes received, without byte order mark, for an object that came
    #: alone and needed no mending.
    raw: bytes


class UnreadableBody(Exception):
    """A request body that can't be taken; every problem is in it."""

    def __init__(self, status: Literal[400, 422], problems: list[Problem]) -> None:
        super().__init__(f"{status}: {len(problems)} problem(s)")
        #: 400 if it is not JSON, 422 if it is JSON of another shape or size than we take.
        self.status = status
        self.problems = problems


def read_body(data: bytes) -> list[OneBody]:
    """
    Read the objects of one request, all or none.

    UTF-8 with or without byte order mark; one object, or an array of 1 to 500. Of a member that occurs twice the last
    counts. Two things that are JSON but that little else can hold are mended instead of refused, because a person's
    answers are worth more than their odd characters: half of a surrogate pair (an emoji cut in two by a length limit)
    becomes U+FFFD, and a number beyond 64 bits becomes the text of its digits.

    Raises: UnreadableBody with every problem and its place as a JSON pointer (RFC 6901).
    """
    data = data.removeprefix(_BOM)
    value, raw = _parse(data)
    if isinstance(value, dict):
        bodies = [OneBody(value, raw)]
        problems = [Problem(at, detail) for at, detail in _limits_broken(value, raw)]
    elif isinstance(value, list):
        bodies, problems = _read_array(value)
    else:
        bodies, problems = [], [Problem("", "must be an object, or an array of objects")]
    if problems:
        raise UnreadableBody(422, problems)
    return bodies


def _read_array(values: list[Any]) -> tuple[list[OneBody], list[Problem]]:
    if not 1 <= len(values) <= MAX_OBJECTS:
        return [], [Problem("", f"must hold 1 to {MAX_OBJECTS} objects, not {len(values)}")]
    bodies, problems = [], []
    for place, value in enumerate(values):
        if isinstance(value, dict):
            try:
                one = OneBody(value, orjson.dumps(value))
            except orjson.JSONEncodeError:
                # orjson writes 254 levels at most; the problem below says so before anybody needs the bytes.
                one = OneBody(value, b"")
            bodies.append(one)
            problems += [Problem(pointer(place) + at, detail) for at, detail in _limits_broken(value, one.raw)]
        else:
            problems.append(Problem(pointer(place), "must be an object"))
    return bodies, problems


def is_deeper(value: Any, levels: int) -> bool:
    """Whether objects and lists stand more than so many levels deep in each other."""
    waiting = [(1, value)]
    while waiting:
        depth, block = waiting.pop()
        if not isinstance(block, dict | list):
            continue
        if depth > levels:
            return True
        waiting += [(depth + 1, inner) for inner in (block.values() if isinstance(block, dict) else block)]
    return False


def _limits_broken(body: dict[str, Any], raw: bytes) -> Iterator[tuple[str, str]]:
    """Place and sentence of each limit that an object breaks."""
    opened = raw.count(b"{") + raw.count(b"[")
    if raw and opened <= MAX_DEPTH and raw.count(b":") <= MAX_MEMBERS:
        return  # Counting bytes never counts too few.
    members = 0
    too_deep: _Step | None = None
    # A list of what is still to be looked at, because a call per level would let the body exhaust our stack.
    waiting: list[tuple[_Step, int, dict[str, Any] | list[Any]]] = [((), 1, body)]
    while waiting:
        at, depth, block = waiting.pop()
        members += len(block) if isinstance(block, dict) else 0
        if depth > MAX_DEPTH:
            too_deep = at if too_deep is None else too_deep
        inner = block.items() if isinstance(block, dict) else enumerate(block)
        for key, value in inner:
            if isinstance(value, dict | list):
                # Beyond the limit nobody needs the place any more.
                waiting.append(((at, key) if depth <= MAX_DEPTH else at, depth + 1, value))
    if too_deep is not None:
        yield _place(too_deep), f"is more than {MAX_DEPTH} levels deep in its object"
    if members > MAX_MEMBERS:
        yield "", f"has {members} members in all; {MAX_MEMBERS} are taken"


def _place(step: _Step) -> str:
    steps: list[str | int] = []
    while step:
        step, key = step
        steps.append(key)
    return pointer(*reversed(steps))


def _parse(data: bytes) -> tuple[Any, bytes]:
    """The value, and bytes that orjson reads into it."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        mended = _mend(data)
        return orjson.loads(mended), mended
    if _LONG_NUMBER in data.translate(_DIGITS_AS_0):
        mended = _mend(data)
        exact = orjson.loads(mended)
        return (value, data) if exact == value else (exact, mended)
    return value, data


def _mend(data: bytes) -> bytes:
    """The same JSON without what orjson can't hold exactly."""
    text = _decode(data)
    try:
        value = json.loads(text, parse_int=_integer, parse_float=_float, parse_constant=_refuse_constant)
        exact = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except json.JSONDecodeError as error:
        raise _not_json(f"{error.msg} in line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise _too_deep(text) from None
    return exact.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def _decode(data: bytes) -> str:
    if not data.strip():
        raise _not_json("it is empty")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise _not_json(f"byte {error.start + 1} is not UTF-8") from None


def _integer(digits: str) -> int | str:
    if len(digits) > 20:  # the longest that fit: 18446744073709551615 and -9223372036854775808
        return digits
    number = int(digits)
    return number if _MIN_INT <= number <= _MAX_INT else digits


def _float(digits: str) -> float | str:
    number = float(digits)
    return digits if isinf(number) else number


def _refuse_constant(name: str) -> NoReturn:
    raise _not_json(f"{name} is no JSON number")


def _not_json(why: str) -> UnreadableBody:
    return UnreadableBody(400, [Problem("", f"not JSON: {why}")])


def _too_deep(text: str) -> UnreadableBody:
    """For what is too deep for any parser: not JSON if its brackets don't match, else the place in the array."""
    opened: list[str] = []
    element, place = 0, ""
    for sign in _TOKEN.findall(text):
        if sign in _CLOSED_BY:
            opened.append(_CLOSED_BY[sign])
            if len(opened) == MAX_DEPTH + 2 and not place:
                place = pointer(element)
        elif sign in ("]", "}"):
            if not opened or opened.pop() != sign:
                return _not_json("its brackets do not match")
        elif len(opened) == 1:  # a comma
            element += sign == ","
    if opened:
        return _not_json("it ends before its brackets are closed")
    at = place if text.lstrip().startswith("[") else ""
    return UnreadableBody(422, [Problem(at, f"is more than {MAX_DEPTH} levels deep")])
