"""What makes two deliveries the same submission."""

from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from schemas.komo import read_marks
from schemas.komo.legacy import is_legacy
from schemas.komo.spellings import is_usable_id


class Sameness(NamedTuple):
    """Two deliveries to one integration with the same digest are the same submission."""

    #: 8 bytes.
    digest: bytes
    #: True if the body has neither id nor timestamp: an equal one may soon be sent by somebody else, and is new then.
    short_lived: bool


def sameness(body: dict[str, Any], raw: bytes, *, delivery_id: str | None, place: int) -> Sameness:
    """
    The first of these that can be formed decides alone.

    1. The sender's own id of the delivery (`webhook-id`) and the place in the array.
    2. Event, `id`, entry id, submission id and prize-recipient id; absent ones are empty, one of the last three must be
       there. Komo's `id` names a component and may repeat, so it is never enough alone. In a body that a customer
       composed, the id of the workflow's run stands for `id` and has to be there, because one entry may have many
       actions that differ in nothing but their answers.
    3. The body: two objects of equal content are the same, however they are spaced and ordered.

    Args:
        body: As parsed.
        raw: Its bytes; they decide if the parsed body holds something that JSON can't.
        delivery_id: The header `webhook-id`, if there was one.
        place: Counted from 0 in the array of the delivery; 0 for a single object.

    Source: https://developers.komo.tech/webhook-events/cards (the ids),
        https://github.com/standard-webhooks/standard-webhooks (webhook-id)
    """
    if delivery_id:
        return Sameness(_digest(["delivery", delivery_id, place]), short_lived=False)
    marks = read_marks(body)
    ids = [_text(marks.entry_id), _text(marks.submission_id), _text(marks.prize_recipient_id)]
    own_id = _text(marks.id)
    if any(ids) and (own_id or is_legacy(body)):
        return Sameness(_digest(["ids", marks.event, own_id, *ids]), short_lived=False)
    return Sameness(_digest_of_body(body, raw), short_lived=not own_id and marks.timestamp in (None, ""))


def _digest_of_body(body: dict[str, Any], raw: bytes) -> bytes:
    try:
        return _hash(orjson.dumps(body, option=orjson.OPT_SORT_KEYS))
    except TypeError:
        return _hash(raw)


def _digest(parts: list[str | int]) -> bytes:
    return _hash(orjson.dumps(parts))


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=8).digest()


def _text(value: Any) -> str:
    return str(value) if is_usable_id(value) else ""
