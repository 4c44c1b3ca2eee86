"""
Asks Braze, without writing to a profile or sending anything, whether host, key, permissions and types are right.

Line by line; a line that says "Not checked" is not wrong.
"""

from collections.abc import Iterator
from uuid import uuid4

import orjson

from schemas.attribute_names import STANDARD
from schemas.integration import BrazeTarget, Integration
from schemas.mapping import SendKind
from schemas.outgoing import Outgoing
from schemas.person import Person
from workers.braze.attribute_types import compare
from workers.braze.client import BrazeClient
from workers.braze.custom_attributes import Listed, list_attributes
from workers.braze.reply import Accepted, BadRequest, NoAnswer, NotAllowed, RateLimited, Reply
from workers.send_pack import pack_sends

#: What is right so far, and what comes after it can't be told then.
HOST, KEY, PERMISSION = "host", "key", "permission"
TYPES = "types"
Line = tuple[str, bool, str]
#: No campaign or canvas of Braze's has such an id: they are UUIDs.
NO_CAMPAIGN = "komo-braze-test"
#: https://www.braze.com/docs/api/basics/#rest-api-key-permissions
SEND_PERMISSIONS: dict[SendKind, str] = {
    "campaign": "campaigns.trigger.send",
    "canvas": "canvas.trigger.send",
    "transactional": "transactional.send",
}


def probe(integration: Integration, api_key: str, *, client: BrazeClient) -> list[Line]:
    """
    Name, whether it is right, and a sentence.

    Host, key and permission come first, and end it with the first that is wrong: the request updates one field of a
    person who does not exist, and forbids to create anybody, so Braze goes all the way and stores nothing. Then the
    permission for each kind of message that the document asks for, and the types that Braze has fixed.

    Source: https://www.braze.com/docs/api/objects_filters/user_attributes_object/ (`_update_existing_only`)
    """
    target, nobody = integration.braze, f"komo-braze-test-{uuid4()}"
    update = {"external_id": nobody, "_update_existing_only": True, "first_name": "Test"}
    attempt = client.track(target.rest_endpoint, api_key, orjson.dumps({"attributes": [update]}))
    lines = _lines(attempt.reply, target)
    if all(right for _, right, _ in lines):
        kinds = dict.fromkeys(rule.kind for rule in integration.sends)
        lines += [_may_send(kind, nobody, target, api_key, client) for kind in kinds]
        lines += _types(integration, api_key, client)
    return lines


def _lines(reply: Reply, target: BrazeTarget) -> list[Line]:
    host, key = (HOST, True, f"{target.rest_endpoint} answers."), (KEY, True, "Braze knows the key.")
    match reply:
        case NoAnswer(status=0, words=words):
            return [(HOST, False, f"{target.rest_endpoint} does not answer: {words}.")]
        case NotAllowed(status=0):
            return [(KEY, False, "This key holds characters that no key of Braze's has: copy it again.")]
        case NotAllowed(status=401):
            return [host, (KEY, False, "Braze does not know this key, or it belongs to another instance (401).")]
        case NotAllowed(status=403):
            why = "The key lacks the permission users.track, or its list of IP addresses leaves this machine out (403)."
            return [host, key, (PERMISSION, False, why)]
        case NotAllowed(status=status):
            return [(HOST, False, f"This is not the address of Braze's REST API ({status}).")]
        case RateLimited():
            return [
                host,
                key,
                (PERMISSION, False, "Braze's rate limit is used up at the moment (429): test again later."),
            ]
        case Accepted() | BadRequest():
            return [host, key, (PERMISSION, True, "The key may write to profiles (users.track).")]
        case _:
            return [host, (KEY, False, f"Braze can't say at the moment ({reply.status}): test again later.")]


def _may_send(kind: SendKind, nobody: str, target: BrazeTarget, api_key: str, client: BrazeClient) -> Line:
    """
    Ask for a message of a campaign that can't exist to a person who does not: there is nothing that could be sent.

    Braze looks at the key before it looks at the campaign, and then refuses the campaign.
    """
    message = Outgoing(kind, NO_CAMPAIGN, Person("external_id", nobody), {}, nobody, 1)
    asked, permission = pack_sends([message]), SEND_PERMISSIONS[kind]
    reply = client.send(target.rest_endpoint, api_key, asked.path, asked.content).reply
    match reply:
        case NotAllowed(status=401 | 403 as status):
            return permission, False, f"The key may not ask for messages of the kind {kind} ({permission}: {status})."
        case BadRequest() | NotAllowed(status=404) | Accepted():
            return permission, True, f"The key may ask for messages of the kind {kind} ({permission})."
        case _:
            return permission, True, f"Not checked: Braze answered {reply.status or 'nothing'}."


def _types(integration: Integration, api_key: str, client: BrazeClient) -> Iterator[Line]:
    rules = [rule for rule in integration.attributes if rule.attribute.partition(".")[0] not in STANDARD]
    if not rules:
        return
    found = list_attributes(client, integration.braze.rest_endpoint, api_key)
    match found:
        case Listed(attributes=fixed, complete=complete):
            wrong = [*compare(rules, fixed)]
            yield from wrong
            part = "all" if complete else f"the first {len(fixed)}"
            if not wrong:
                yield TYPES, True, f"Nothing stands against the custom attributes in Braze ({part} of them compared)."
            elif not complete:
                yield TYPES, True, f"Not all checked: only the first {len(fixed)} custom attributes were compared."
        case NotAllowed(status=403):
            yield TYPES, True, "Not checked: the key lacks the permission custom_attributes.get."
        case _:
            yield TYPES, True, f"Not checked: Braze answered {found.status or 'nothing'}."
