"""Messages to several people for one campaign or canvas → one request. Pure."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from schemas.outgoing import Outgoing
from schemas.person import Person
from workers.triggers import Send

#: Which profile an e-mail address means where several have it: the one that /users/track would take. Required with an
#: e-mail address. https://www.braze.com/docs/api/objects_filters/recipient_object/
PRIORITIZATION = ["identified", "most_recently_updated"]


class SendRequest(NamedTuple):
    """What goes to Braze."""

    path: str
    body: dict[str, Any]

    @property
    def content(self) -> bytes:
        """The body, ready to send."""
        return orjson.dumps(self.body)


def waiting(sends: Sequence[Send], person: Person, submission_id: str, at_ms: int) -> list[list[str]]:
    """
    What a submission's rules ask for, as the outbox takes it.

    Args:
        at_ms: When the submission was received.
    """
    return [
        Outgoing(one.kind, one.id, person, one.properties, submission_id, one.rule, at_ms).packed() for one in sends
    ]


def pack_sends(messages: Sequence[Outgoing]) -> SendRequest:
    """
    One request for all of them. Never to a whole audience: everybody is named.

    Args:
        messages: Of one kind and for one campaign or canvas, each to somebody else; one at least, and one only where
            the kind is `transactional`.

    Raises: ValueError where the list is not so; a mistake there could reach people nobody meant.
    Source: https://www.braze.com/docs/api/endpoints/messaging/send_messages/post_send_triggered_campaigns/,
        post_send_triggered_canvases/ and post_send_transactional_message/ beside it
    """
    if len({(one.kind, one.id) for one in messages}) != 1 or len({one.person for one in messages}) != len(messages):
        raise ValueError("one campaign or canvas, and one message for each of its people")
    first = messages[0]
    if first.kind == "transactional":
        if len(messages) != 1:
            raise ValueError("a transactional message goes to one person")
        recipient = recipient_of(first.person)
        body = {"external_send_id": first.key, **_data("trigger_properties", first), "recipient": recipient}
        return SendRequest(f"/transactional/v1/campaigns/{first.id}/send", body)
    path, named, data = _TRIGGERS[first.kind]
    recipients = [{**recipient_of(one.person), **_data(data, one)} for one in messages]
    return SendRequest(path, {named: first.id, "recipients": recipients})


#: Kind -> path, where the id stands, and where a recipient's data stands.
_TRIGGERS = {
    "campaign": ("/campaigns/trigger/send", "campaign_id", "trigger_properties"),
    "canvas": ("/canvas/trigger/send", "canvas_id", "context"),
}


def _data(named: str, message: Outgoing) -> dict[str, Any]:
    return {named: message.properties} if message.properties else {}


def recipient_of(person: Person) -> dict[str, Any]:
    """
    How a recipient is named, by exactly one identifier.

    Source: https://www.braze.com/docs/api/objects_filters/recipient_object/
    """
    if person.kind == "external_id":
        return {"external_user_id": person.value}
    if person.kind == "email":
        return {"email": person.value, "prioritization": PRIORITIZATION}
    return person.identifier()
