"""Does this request really come from that Komo workspace? Any one of three proofs will do."""

import base64
import hmac
import time
from collections.abc import Collection, Sequence
from typing import Protocol

#: Between the sender's clock and ours, in seconds: https://github.com/standard-webhooks/standard-webhooks
TOLERANCE_S = 300
SECRET_PREFIX = "whsec_"  # noqa: S105 -- how secrets begin, not one of them


class Headers(Protocol):
    """Headers of a request, looked up without regard to case."""

    def get(self, name: str, default: str, /) -> str: ...


def is_genuine(
    headers: Headers,
    url_key: str | None,
    body: bytes,
    *,
    methods: Collection[str],
    secrets: Sequence[str],
    url_keys: Sequence[str],
    now_s: float | None = None,
) -> bool:
    """
    Whether a request proves that it comes from whom we gave the secret to.

    Args:
        headers: Of the request, looked up without regard to case.
        url_key: The query parameter `key`, for senders that can set nothing but a URL.
        body: Exactly as received; signatures cover it.
        methods: Which of `bearer`, `url_key`, `signature` the integration allows.
        secrets: The webhook secret, and the one before it until that is retired.
        url_keys: Likewise.
        now_s: Epoch seconds; None for now.
    """
    now_s = time.time() if now_s is None else now_s
    if _shows_a_secret(headers, url_key, methods, secrets, url_keys):
        return True
    return "signature" in methods and _is_signed(headers, body, secrets, now_s)


def may_be_genuine(
    headers: Headers,
    url_key: str | None,
    *,
    methods: Collection[str],
    secrets: Sequence[str],
    url_keys: Sequence[str],
    now_s: float | None = None,
) -> bool:
    """Whether the body is worth reading: `is_genuine` may still say yes. What it takes is said there."""
    now_s = time.time() if now_s is None else now_s
    if _shows_a_secret(headers, url_key, methods, secrets, url_keys):
        return True
    return "signature" in methods and _seems_signed(headers, now_s)


def _shows_a_secret(
    headers: Headers, url_key: str | None, methods: Collection[str], secrets: Sequence[str], url_keys: Sequence[str]
) -> bool:
    if "bearer" in methods:
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _is_one_of(token.strip(), secrets):
            return True
    return "url_key" in methods and bool(url_key) and _is_one_of(url_key or "", url_keys)


def _is_one_of(given: str, allowed: Sequence[str]) -> bool:
    # Every candidate is compared, so that the time says nothing about which one was near. An empty one allows nobody.
    matches = [hmac.compare_digest(_bytes(given), _bytes(one)) for one in allowed if one]
    return any(matches)


def _bytes(text: str) -> bytes:
    """Of any text at all: headers may hold what no encoding has."""
    return text.encode("utf-8", "surrogatepass")


def _is_signed(headers: Headers, body: bytes, secrets: Sequence[str], now_s: float) -> bool:
    """https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""
    if not _seems_signed(headers, now_s):
        return False
    signed = _bytes(f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}.") + body
    given = _signatures(headers)
    expected = [sign(secret, signed) for secret in secrets if secret.removeprefix(SECRET_PREFIX)]
    return any(_is_one_of(one, expected) for one in given)


def _seems_signed(headers: Headers, now_s: float) -> bool:
    """All that can be said without the body."""
    complete = bool(headers.get("webhook-id", "") and _signatures(headers))
    return complete and _is_recent(headers.get("webhook-timestamp", ""), now_s)


def _signatures(headers: Headers) -> list[str]:
    return [one.partition(",")[2] for one in headers.get("webhook-signature", "").split() if one.startswith("v1,")]


def _is_recent(sent_at: str, now_s: float) -> bool:
    # Python reads digits of every script, and refuses to read thousands of them.
    return sent_at.isascii() and sent_at.isdecimal() and len(sent_at) < 20 and abs(now_s - int(sent_at)) <= TOLERANCE_S


def sign(secret: str, signed: bytes) -> str:
    """The base64 HMAC-SHA256 of `id.timestamp.body`, with the decoded part of the secret behind its prefix."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError:  # not base64: the secret itself
        key = secret.encode()
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
