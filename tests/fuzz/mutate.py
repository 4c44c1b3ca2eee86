"""Valid inputs in, broken ones out: cut, flipped, retyped, nested, repeated, and with the signs that break parsers."""

import random
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Any

import orjson

#: Edges of numbers, dates and texts.
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 2**53, 2**63, 2**64 - 1, -(2**63), 1e308, 5e-324, -0.0, "", " ", "\x00", "\ufeff",
    "null", "NaN", "-Infinity", "1e999", "0x10", "9" * 30, "9" * 5000, "\u0661\u0662", "\u00b2", "e\u0301", "\u202e",
    "\U0001f469\u200d\U0001f467", "\u00df\u0130", "__proto__", "a" * 3000, "2026-02-30", "0000-00-00",
    "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-11-20T24:00:00Z", "20261120", "1795435200000",
    "1e10", "-62135596800", "{{contact.id}}", "[]", "{}", '{"a":[', '["a"]', '{"question":"q","answer":1}', [], {},
    [None], [[]], [{}], {"": ""}, {"set": True}, {"from_env": "API_TOKEN"}, {"add": [1]}, {"$time": "x"}, "=1+1",
    "+61 412 345 678", "mira@example.com", "@", "a@b", "xn--", "::1", "1,5", "1.234,5", "50%", "-0", "en_AU", "yes",
)  # fmt: skip
NAMES = (
    "__proto__",
    "",
    "a.b",
    'a"]',
    "$a",
    "_a",
    "\x00",
    "constructor",
    "7" * 5000,
    "e\u0301",
    "id",
    "event",
    "value",
)
PIECES = (
    b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\\ud83d", b"\\udc00", b"NaN", b"Infinity", b"-", b"1e999",
    b"[" * 300, b"{" * 40, b'{"a":' * 40, b"]" * 40, b"9" * 400, b'"', b"\\", b",", b":", b"\r\n", b"\xc2\xa0",
    b"/*", b"'", b";", b"=", b"<", b"&#0;", b"..", b"Mon, 32 Foo 2026 25:61:61 GMT", b"v1,", b"Bearer ", b"2147483648",
)  # fmt: skip


def bytes_of(seed: bytes, draw: random.Random) -> bytes:
    """A text as bytes, a few times changed."""
    for _ in range(draw.randint(0, 4)):
        at, to = sorted((draw.randint(0, len(seed)), draw.randint(0, len(seed))))
        match draw.randrange(6):
            case 0:
                seed = seed[:at]
            case 1:
                seed = seed[:at] + draw.choice(PIECES) + seed[at:]
            case 2:
                seed = seed[:at] + seed[to:]
            case 3:
                seed = seed[:at] + bytes([draw.randrange(256)]) + seed[at + 1 :]
            case 4:
                seed = seed[:to] + seed[at:to][:300] + seed[to:]
            case _:
                seed = seed[:at] + draw.choice(PIECES) + seed[to:]
    return seed


def text_of(seed: str, draw: random.Random) -> str:
    """The same for texts; halves of surrogate pairs stay out, as no header, form or document can hold them."""
    return bytes_of(seed.encode(), draw).decode("utf-8", "replace")


def json_of(seed: Any, draw: random.Random, more: Sequence[Any] = VALUES) -> Any:
    """A JSON value, a few times changed; the seed itself stays as it is."""
    value = orjson.loads(orjson.dumps(seed))
    for _ in range(draw.randint(0, 4)):
        value = _changed(value, draw, more)
    return value


def _changed(value: Any, draw: random.Random, more: Sequence[Any]) -> Any:
    if isinstance(value, dict | list) and value and draw.random() < 0.9:
        key = draw.choice(list(value)) if isinstance(value, dict) else draw.randrange(len(value))
        if draw.random() < 0.6:
            value[key] = _changed(value[key], draw, more)
        elif draw.random() < 0.3:
            del value[key]
        elif isinstance(value, dict):
            value[draw.choice(NAMES)] = value[key]
        else:
            value += value[key : key + 1] * draw.randint(1, 30)
        return value
    if isinstance(value, str) and draw.random() < 0.4:
        return text_of(value, draw)
    # A copy, as it may be changed in its turn.
    found = deepcopy(draw.choice(more))
    return _nested(found, draw) if draw.random() < 0.1 else found


def _nested(value: Any, draw: random.Random) -> Any:
    for _ in range(draw.choice((1, 3, 40))):
        value = [value] if draw.random() < 0.5 else {draw.choice(("a", "value", "answers")): value}
    return value


def smaller(value: Any, fails: Callable[[Any], bool], tries: int = 3000) -> Any:
    """
    Cut a failing input down as far as it still fails.

    Args:
        value: Bytes, a text, or what JSON can hold, tuples included.
        fails: Whether an input fails in the same way.
    """
    left = tries
    again = True
    while again and left > 0:
        again = False
        for candidate in _cuts(value):
            left -= 1
            if left <= 0:
                break
            if fails(candidate):
                value, again = candidate, True
                break
    return value


def _cuts(value: Any) -> Iterator[Any]:
    if isinstance(value, bytes | str | list):
        sequence: Any = value
        step = max(len(sequence) // 2, 1)
        while step and len(sequence):
            for at in range(0, len(sequence), step):
                yield sequence[:at] + sequence[at + step :]
            step //= 2
    if isinstance(value, dict):
        for key in value:
            yield {name: one for name, one in value.items() if name != key}
            for inner in _cuts(value[key]):
                yield {**value, key: inner}
    if isinstance(value, list | tuple):
        for at, one in enumerate(value):
            for inner in _cuts(one):
                yield type(value)((*value[:at], inner, *value[at + 1 :]))
