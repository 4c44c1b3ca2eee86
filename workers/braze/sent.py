"""
What Braze answered to a call for messages, read without trusting it. Pure.

Asked         Braze took the call, though perhaps only to do nothing about it: `notice`
everything    as for /users/track: reply.py

Sources: https://www.braze.com/docs/api/endpoints/messaging/send_messages/post_send_triggered_campaigns/,
post_send_triggered_canvases/ and post_send_transactional_message/ beside it
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from workers.braze.reply import Accepted, AllRefused, BadRequest, NoAnswer, Reply, read_reply, redact

#: Braze's words where it knows the key of a transactional message from a call before. They are all there is to tell it
#: by, and hold two blanks in the original.
#: https://www.braze.com/docs/api/endpoints/messaging/send_messages/post_send_transactional_message/
ALREADY_ASKED = "the external reference has been queued"


@dataclass(frozen=True, slots=True)
class Asked(Accepted):
    """Queued by Braze: whether anybody gets it is judged later, and not told."""

    #: Of all messages of the call.
    dispatch_id: str = ""
    #: Why nothing will be sent all the same: a canvas that is paused or archived; '' if nothing stands in the way.
    notice: str = ""


def read_sent(status: int, headers: Mapping[str, str], body: bytes, *, secret: str, now_s: float) -> Reply:
    """Sort an HTTP answer by what it means for the messages; arguments as for `read_reply`."""
    reply = read_reply(status, headers, body, secret=secret, now_s=now_s)
    if 200 <= status < 300:
        return _read_success(reply, body, secret)
    if status == 400 and ALREADY_ASKED in reply.words.lower():
        return Asked(*_basics(reply))
    if isinstance(reply, AllRefused):
        return BadRequest(*_basics(reply))
    return reply


def _read_success(reply: Reply, body: bytes, secret: str) -> Reply:
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        told = None
    is_good = isinstance(told, dict) and (
        told.get("message") in ("success", "queued") or isinstance(told.get("dispatch_id"), str)
    )
    if not is_good:
        return NoAnswer(*_basics(reply), applied="unknown")
    notice = redact(_text(told.get("notice")), secret)
    return Asked(*_basics(reply), dispatch_id=redact(_text(told.get("dispatch_id")), secret), notice=notice)


def _text(value: Any) -> str:
    if value in (None, "", [], {}):
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _basics(reply: Reply) -> tuple[int, str, float | None, int | None, int | None]:
    return reply.status, reply.words, reply.reset_s, reply.limit, reply.remaining
