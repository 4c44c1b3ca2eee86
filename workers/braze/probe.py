"""Asks Braze, without writing to a profile, whether host, key and permission are right: line by line."""

from uuid import uuid4

import orjson

from schemas.integration import BrazeTarget
from workers.braze.client import BrazeClient
from workers.braze.reply import Accepted, BadRequest, NoAnswer, NotAllowed, RateLimited, Reply

#: What is right so far, and what comes after it can't be told then.
HOST, KEY, PERMISSION = "host", "key", "permission"
Line = tuple[str, bool, str]


def probe(target: BrazeTarget, api_key: str, *, client: BrazeClient) -> list[Line]:
    """
    Name, whether it is right, and a sentence, for host, key and permission; it ends with the first that is wrong.

    The request updates one field of a person who does not exist, and forbids to create anybody: Braze goes all the way
    and stores nothing.

    Source: https://www.braze.com/docs/api/objects_filters/user_attributes_object/ (`_update_existing_only`)
    """
    nobody = {"external_id": f"komo-braze-test-{uuid4()}", "_update_existing_only": True, "first_name": "Test"}
    attempt = client.track(target.rest_endpoint, api_key, orjson.dumps({"attributes": [nobody]}))
    return _lines(attempt.reply, target)


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
