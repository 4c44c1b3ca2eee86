"""Every call passes here first: the checks that Braze makes before it looks at what is in the body."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from ingest.sandbox.braze import rate_limit
from ingest.sandbox.braze.faults import Fault
from ingest.sandbox.braze.sandbox import Sandbox
from ingest.sandbox.braze.traffic import SeenRequest

#: Partners send this and nothing else. https://www.braze.com/docs/partners/isv_partners/api_partner/
_PARTNER = re.compile(r"partner-[A-Z][A-Za-z0-9]*")


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request, free of any framework."""

    method: str
    path: str
    body: bytes = b""
    content_type: str = ""
    authorization: str = ""
    user_agent: str = ""
    address: str = ""
    query: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The REST key; `undefined` where the header is missing or malformed, as Braze says it."""
        word, _, key = self.authorization.partition(" ")
        return key if word.lower() == "bearer" and key else "undefined"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    #: End the connection in place of an answer.
    cut: bool = False


def message(status: int, text: str) -> Answer:
    return Answer(status, orjson.dumps({"message": text}))


TOO_LARGE = Answer(413, b"<html><head><title>413 Request Entity Too Large</title></head></html>", "text/html")


def check(sandbox: Sandbox, call: Call, permission: str, kind: str) -> tuple[Answer | None, dict[str, str]]:
    """
    The checks before the body is read, in their order.

    Args:
        permission: What the key must hold.
        kind: Which rate limit counts the call: `track`, `export`, `other`.
    Returns: The refusal if there is one, and the headers of whatever answer goes back.
    Source: https://www.braze.com/docs/api/errors/
    """
    settings = sandbox.settings
    if call.method == "POST" and call.content_type.partition(";")[0].strip().lower() != "application/json":
        return message(415, "Unsupported Media Type"), {}
    if len(call.body) > settings.max_body_bytes:
        return TOO_LARGE, {}
    held = settings.keys.get(call.key)
    if held is None:
        return message(401, f"Invalid API key: {call.key}"), {}
    if settings.allowed_addresses and call.address not in settings.allowed_addresses:
        return message(403, "Invalid whitelisted IPs"), {}
    if permission not in held:
        return message(403, "Access Denied"), {}
    return _check_rate(sandbox, kind)


def _check_rate(sandbox: Sandbox, kind: str) -> tuple[Answer | None, dict[str, str]]:
    settings, now = sandbox.settings, time.time()
    allowed, left, resets_at = sandbox.rate_limit.take(kind, settings.rate_limits, now)
    limit = settings.rate_limits.get(kind, (250_000, 3600.0))[0]
    headers = rate_limit.headers(settings.header_mode, limit, left, resets_at, now, refused=not allowed)
    return (None if allowed else message(429, "Rate Limited")), headers


def let_in(sandbox: Sandbox, call: Call, answer: Callable[[Call, SeenRequest], Answer]) -> Answer:
    """
    Answer one call: note it, let a waiting fault have its way, take as long as set, note the answer.

    Args:
        answer: The endpoint; it also makes the call take effect.
    """
    seen = sandbox.traffic.arrive(call.method, call.path, call.user_agent, call.body, time.time())
    if not _PARTNER.fullmatch(call.user_agent):
        sandbox.note_violation(seen, "user_agent", call.user_agent[:80] or "missing")
    given = answer(call, seen)
    sandbox.traffic.leave(seen, 0 if given.cut else given.status, given.body, time.time())
    return given


def faulty(
    sandbox: Sandbox, call: Call, seen: SeenRequest, answer: Callable[[], Answer], latency: Callable[[float], None]
) -> Answer:
    """
    The endpoint's answer, or what a waiting fault makes of it.

    Args:
        answer: Makes the call take effect.
        latency: Waits so many seconds.
    """
    fault = sandbox.faults.take(call.path)
    wait_s = (sandbox.settings.latency_ms + (fault.delay_ms if fault else 0)) / 1000
    if wait_s > 0:
        latency(wait_s)
    if fault is None:
        return answer()
    seen.fault = fault.in_words()
    return _spoiled(fault, call, answer)


def _spoiled(fault: Fault, call: Call, answer: Callable[[], Answer]) -> Answer:
    if fault.cut == "before" or (fault.status is not None and not fault.apply):
        return Answer(0, b"", cut=True) if fault.cut else _injected(fault, call)
    given = answer()
    if fault.cut == "after":
        return replace(given, cut=True)
    if fault.status is not None:
        return _injected(fault, call)
    if fault.has_errors and given.status == 201:
        return replace(given, body=orjson.dumps(_with_errors(orjson.loads(given.body), fault.errors)))
    return replace(given, headers={**given.headers, **fault.headers})


def _with_errors(body: dict[str, Any], errors: Any) -> dict[str, Any]:
    """What Braze really refused stays told."""
    told = body.get("errors")
    return {**body, "errors": [*told, *errors] if isinstance(told, list) and isinstance(errors, list) else errors}


def _injected(fault: Fault, call: Call) -> Answer:
    status, body = fault.status or 200, fault.body
    if isinstance(body, str):
        return Answer(status, body.replace("{key}", call.key).encode(), "text/html", fault.headers)
    return Answer(status, orjson.dumps(_with_key(body, call.key)), headers=fault.headers)


def _with_key(body: Any, key: str) -> Any:
    if isinstance(body, dict):
        return {name: _with_key(value, key) for name, value in body.items()}
    return body.replace("{key}", key) if isinstance(body, str) else body
