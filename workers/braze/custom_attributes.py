"""
The custom attributes that a Braze workspace has, read without trusting the answer. Pure, but for `list_attributes`.

Braze fixes the type of an attribute with its first value, and ignores values of another type from then on.
Source: https://www.braze.com/docs/api/endpoints/export/custom_attributes/get_custom_attributes/
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import orjson

from workers.braze.client import BrazeClient
from workers.braze.reply import Accepted, NoAnswer, Reply, read_reply

PATH = "/custom_attributes"
#: Of 50 attributes each. Four endpoints share 1,000 calls an hour.
MOST_PAGES = 20
_CURSOR = re.compile(r"<[^<>]*[?&]cursor=([^&<>\s]++)[^<>]*+>\s*+;[^,<]*rel=\"?next")
#: Characters of a `Link` header: with more it is nobody's list of pages, and searching it takes long.
MOST_LINK = 4000


class Fixed(NamedTuple):
    """One attribute, in Braze's words."""

    name: str
    #: Such as `Number`; '' if Braze does not say.
    data_type: str
    #: `Active`, or else it takes no values.
    status: str


@dataclass(frozen=True, slots=True)
class Page(Accepted):
    """Some of the attributes."""

    attributes: list[Fixed] = field(default_factory=list)
    #: Of the next page, '' after the last.
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """What there is, as far as it was read."""

    attributes: list[Fixed]
    #: Whether all of them were read.
    complete: bool


def list_attributes(client: BrazeClient, rest_endpoint: str, api_key: str) -> Listed | Reply:
    """Page by page, MOST_PAGES at most; Braze's first answer where it is not a list."""
    found: list[Fixed] = []
    cursor = ""
    for number in range(MOST_PAGES):
        # The address in the answer is not followed: the key belongs to nobody but this host.
        query = f"?cursor={quote(cursor, safe='')}" if cursor else ""
        reply = client.get(rest_endpoint, api_key, PATH + query, read_page).reply
        if not isinstance(reply, Page):
            return Listed(found, complete=False) if number else reply
        found += reply.attributes
        cursor = reply.cursor
        if not cursor:
            return Listed(found, complete=True)
    return Listed(found, complete=False)


def read_page(status: int, headers: Mapping[str, str], body: bytes, *, secret: str, now_s: float) -> Reply:
    """Sort an HTTP answer; arguments as for `read_reply`."""
    reply = read_reply(status, headers, body, secret=secret, now_s=now_s)
    if not 200 <= status < 300:
        return reply
    basics = (reply.status, reply.words, reply.reset_s, reply.limit, reply.remaining)
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        told = None
    listed = told.get("attributes") if isinstance(told, dict) else None
    if not isinstance(listed, list):
        return NoAnswer(*basics, applied="no")
    link = next((value for name, value in headers.items() if name.lower() == "link"), "")
    following = _CURSOR.search(link[:MOST_LINK])
    found = [_fixed(one) for one in listed if isinstance(one, dict) and isinstance(one.get("name"), str)]
    return Page(*basics, attributes=found, cursor=unquote(following[1]) if following else "")


def _fixed(one: Mapping[str, Any]) -> Fixed:
    kind, status = one.get("data_type"), one.get("status")
    return Fixed(one["name"], kind if isinstance(kind, str) else "", status if isinstance(status, str) else "Active")
