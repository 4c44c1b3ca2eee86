"""
What Braze answered, read without trusting it: bodies may be HTML, cut off, or repeat our key.

Reply
├── Accepted      2xx with a readable message; some objects may have been refused
├── AllRefused    400 that names the refused objects: nothing else was wrong
├── BadRequest    400, 413, 422 without named objects: something in the batch is unacceptable
├── NotAllowed    401, 403, 404, 3xx and other 4xx: key, permission, address or a proxy in between; the data is fine
├── RateLimited   429
├── Unavailable   408, 425, 5xx, and 1xx or unknown statuses
└── NoAnswer      nothing readable came back; `applied` says whether it may have been taken all the same

Sources: https://www.braze.com/docs/api/errors/ and https://www.braze.com/docs/api/endpoints/user_data/post_user_track/
"""

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import quote, quote_plus

import orjson

#: Headers that say when to come back, the most trusted first.
RESETS = ("x-ratelimit-retry-after", "retry-after", "x-ratelimit-reset")
ARRAYS = ("attributes", "events", "purchases")
#: Enough of Braze's words to understand them, too little to fill a store with.
MAX_WORDS = 500
#: Of which so much is looked at: a whole answer would take seconds.
MOST_READ = 100 * MAX_WORDS
#: Above this a reset time is an epoch second, below it seconds that are left: both readings are published.
EPOCH = 1_000_000_000
#: What may be wrong with the data; any other 4xx speaks of us, and must not cost anybody's data.
ABOUT_THE_DATA = frozenset({400, 413, 422})
#: Temporary by their definition, though not 5xx.
TEMPORARY = frozenset({408, 425})
#: No published window is longer than an hour; anything beyond is a mistake of somebody's.
LONGEST_WAIT_S = 3900


@dataclass(frozen=True, slots=True)
class Refusal:
    """One object that Braze would not take."""

    array: str
    #: Place in that array of the request, from 0.
    index: int
    #: Braze's words, redacted.
    words: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What every answer has."""

    status: int
    #: Braze's words, redacted and cut.
    words: str = ""
    #: Seconds until the window resets, where a header says so believably.
    reset_s: float | None = None
    limit: int | None = None
    remaining: int | None = None


@dataclass(frozen=True, slots=True)
class Accepted(Answer):
    """Queued by Braze, except for what `refused` names."""

    refused: list[Refusal] = field(default_factory=list)
    #: How many errors could not be placed on an object.
    unplaced: int = 0


@dataclass(frozen=True, slots=True)
class AllRefused(Answer):
    """Nothing was queued; every named object is at fault, the others may be sent again."""

    refused: list[Refusal] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class BadRequest(Answer):
    """Something in the request is unacceptable; nothing was queued."""


@dataclass(frozen=True, slots=True)
class NotAllowed(Answer):
    """A setting is wrong, not the data."""


@dataclass(frozen=True, slots=True)
class RateLimited(Answer):
    """Nothing was queued; come back after `reset_s`."""


@dataclass(frozen=True, slots=True)
class Unavailable(Answer):
    """Braze could not serve the request now."""


@dataclass(frozen=True, slots=True)
class NoAnswer(Answer):
    """No readable answer."""

    applied: Literal["no", "unknown"] = "unknown"


#: Also as a URL writes it.
_E_MAIL = re.compile(r"[\w.+%-][\w.!#$%'*+^`{|}~-]{0,127}(?:@|%40)[\w-]+(?:\.[\w-]+)*")
#: Seven digits and more, in whatever groups people write them. What comes first is no number: ids, words with letters
#: in them, IP addresses.
_NUMBER = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|(?=\w*[^\W\d])\w+"
    r"|(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])"
    r"|(?P<number>\+?\(?\d(?:[ \u00a0().\u2010-\u2013/-]{0,3}\d){6,}(?!\w))"
)

#: Status, words, reset_s, limit, remaining: the members of every answer, in order.
Basics = tuple[int, str, float | None, int | None, int | None]

Reply = Accepted | AllRefused | BadRequest | NotAllowed | RateLimited | Unavailable | NoAnswer


def redact(text: str, secret: str) -> str:
    """
    Braze's words without our key in them, which a 401 repeats, without e-mail addresses and phone numbers, and short
    enough to keep: they are shown for every submission of the request, whoever they speak of.
    """
    if secret:
        text = _spellings(secret).sub("[key]", text)
    cut = text[:MOST_READ]
    text = _NUMBER.sub(_without_number, _E_MAIL.sub("[e-mail]", cut)) if cut == text else _redact_cut(cut)
    return " ".join(text.split())[:MAX_WORDS]


def _redact_cut(text: str) -> str:
    """The same without its end, where half an address would be left."""
    return _NUMBER.sub(_without_number, _E_MAIL.sub("[e-mail]", text))[:-MAX_WORDS]


def _without_number(found: re.Match[str]) -> str:
    return "[number]" if found["number"] else found[0]


@lru_cache(maxsize=256)
def _spellings(secret: str) -> re.Pattern[str]:
    """The key as it is, and as URLs, JSON, HTML and error messages would write it."""
    in_json = json.dumps(secret)[1:-1]
    spellings = {
        secret, repr(secret)[1:-1], in_json, in_json.replace("/", "\\/"), json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret), quote(secret, safe=""), quote_plus(secret), html.escape(secret),
        html.escape(secret, quote=False),
    }  # fmt: skip
    return re.compile("|".join(re.escape(one) for one in sorted(spellings, key=len, reverse=True)), re.IGNORECASE)


def read_reply(status: int, headers: Mapping[str, str], body: bytes, *, secret: str, now_s: float) -> Reply:
    """
    Sort an HTTP answer by what it means for the batch.

    Args:
        headers: In any letter case.
        body: As much of it as was read.
        secret: The REST key, to be taken out of Braze's words.
        now_s: Epoch seconds, for headers that name a time.
    """
    parsed = _parse(body)
    words = redact(_words(parsed, body), secret)
    basics: Basics = (status, words, *_limits({name.lower(): value for name, value in headers.items()}, now_s))
    if 200 <= status < 300:
        return _read_success(parsed, basics, secret)
    if status == 400 and isinstance(parsed, dict) and parsed.get("errors"):
        refused, unplaced = _refusals(parsed["errors"], secret)
        return AllRefused(*basics, refused=refused) if refused and not unplaced else BadRequest(*basics)
    if status == 429:
        return RateLimited(*basics)
    if status in ABOUT_THE_DATA:
        return BadRequest(*basics)
    if 300 <= status < 500 and status not in TEMPORARY:
        return NotAllowed(*basics)
    return Unavailable(*basics)


def _read_success(parsed: Any, basics: Basics, secret: str) -> Reply:
    if not isinstance(parsed, dict) or parsed.get("message") not in ("success", "queued"):
        return NoAnswer(*basics, applied="unknown")
    refused, unplaced = _refusals(parsed.get("errors"), secret)
    return Accepted(*basics, refused=refused, unplaced=unplaced)


def _parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _words(parsed: Any, body: bytes) -> str:
    if isinstance(parsed, dict):
        said = parsed.get("message") or parsed.get("error") or ""
        return _as_text(said)
    return body[: 4 * MOST_READ + 4].decode("utf-8", "replace")  # a letter has four bytes at most


def _as_text(said: Any) -> str:
    try:
        return said if isinstance(said, str) else orjson.dumps(said).decode()
    except orjson.JSONEncodeError:  # it reads a thousand levels, but writes no more than 254
        return ""


def _refusals(errors: Any, secret: str) -> tuple[list[Refusal], int]:
    refused, unplaced = [], 0
    for error in errors if isinstance(errors, list) else [errors] if errors else []:
        match error:
            case {"input_array": str(array), "index": int(index), **rest} if (
                array in ARRAYS and index >= 0 and index.__class__ is int  # true is not the second object
            ):
                refused.append(Refusal(array, index, redact(_as_text(rest.get("type", "")), secret)))
            case _:
                unplaced += 1
    return refused, unplaced


def _limits(headers: Mapping[str, str], now_s: float) -> tuple[float | None, int | None, int | None]:
    """The first believable wait in the order of trust, and the rate where it is told."""
    waits = (_wait(headers.get(name), now_s) for name in RESETS)
    reset = next((wait for wait in waits if wait is not None), None)
    return reset, _count(headers.get("x-ratelimit-limit")), _count(headers.get("x-ratelimit-remaining"))


def _wait(text: str | None, now_s: float) -> float | None:
    """Seconds from now; None for what has passed or lies too far ahead."""
    value = _number(text)
    if value is None:
        value = _date(text)
    if value is None:
        return None
    seconds = value - now_s if value > EPOCH else value
    return seconds if 0 <= seconds <= LONGEST_WAIT_S else None


def _count(text: str | None) -> int | None:
    value = _number(text)
    return int(value) if value is not None and value >= 0 else None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if abs(value) < 1e15 else None  # neither of the infinities, nor what is not a number


def _date(text: str | None) -> float | None:
    """Epoch seconds of an HTTP date, the other published form of `Retry-After`."""
    try:
        at = parsedate_to_datetime(text or "")
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
