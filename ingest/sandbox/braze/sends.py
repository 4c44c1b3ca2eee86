"""The endpoints that send messages: campaigns, canvases, transactional campaigns. Strict, and nothing leaves here."""

import re
import secrets
import time
from dataclasses import replace
from typing import Any

import orjson

from ingest.sandbox.braze import formats, refusals, validation
from ingest.sandbox.braze.applying import Work
from ingest.sandbox.braze.door import Answer, Call, check, message
from ingest.sandbox.braze.messages import Kind, Message
from ingest.sandbox.braze.sandbox import Delivery, Sandbox
from ingest.sandbox.braze.track import SYNTAX
from ingest.sandbox.braze.traffic import SeenRequest

#: https://www.braze.com/docs/api/endpoints/messaging/send_messages/post_send_triggered_campaigns/
MAX_RECIPIENTS = 50
#: https://www.braze.com/docs/api/objects_filters/trigger_properties_object/
MAX_PROPERTIES_BYTES = 50 * 1024
#: https://www.braze.com/docs/api/endpoints/messaging/send_messages/post_send_transactional_message/
KEY = re.compile(r"[a-zA-Z0-9-_+/=]+")

PERMISSIONS: dict[Kind, str] = {
    "campaign": "campaigns.trigger.send",
    "canvas": "canvas.trigger.send",
    "transactional": "transactional.send",
}
#: Kind -> where the id stands, and where the data stands.
MEMBERS = {"campaign": ("campaign_id", "trigger_properties"), "canvas": ("canvas_id", "context")}
IDENTIFIERS = ("external_user_id", "user_alias", "email", "braze_id")

#: https://www.braze.com/docs/api/errors/
BAD_ID = {"campaign": "Invalid Campaign ID", "canvas": "Invalid Canvas ID"}
NO_RECIPIENTS = "No Recipients"
TOO_MANY = "The max number of external_ids and aliases per request was exceeded"
#: https://www.braze.com/docs/api/endpoints/messaging/send_messages/post_send_transactional_message/
CAMPAIGN_PAUSED = "The campaign is paused. Resume the campaign in order for trigger requests to take effect."
MALFORMED_ID = "campaign_id must be a string of the campaign api identifier"
NO_SUCH_CAMPAIGN = "Campaign does not exist"
REPEATED = "The external reference has been queued.  Please retry to obtain send_id."
#: https://www.braze.com/docs/api/endpoints/messaging/send_messages/post_send_triggered_canvases/
CANVAS_PAUSED = "The Canvas is paused. Resume the Canvas to ensure trigger requests will take effect."
#: No wording is published for these; ours in the same manner.
NO_BROADCAST = "'broadcast' with 'recipients' is not allowed"
ONE_IDENTIFIER = "Exactly one of 'external_user_id', 'user_alias' or 'email' is required"
NO_PRIORITIZATION = "'prioritization' is required when using 'email'"
ATTRIBUTES_NEEDED = "'attributes' are required when 'send_to_existing_only' is false"
NOT_WITH_ALIAS = "'send_to_existing_only' can't be used with user aliases"
KEY_BAD = "'external_send_id' is not valid"


class Refused(Exception):
    """400 with these words."""


def answer_trigger(sandbox: Sandbox, call: Call, seen: SeenRequest, kind: Kind) -> Answer:
    """
    One call of /campaigns/trigger/send or /canvas/trigger/send.

    Source: https://www.braze.com/docs/api/endpoints/messaging/send_messages/post_send_triggered_campaigns/ and
        post_send_triggered_canvases/ beside it
    """
    refused, headers = check(sandbox, call, PERMISSIONS[kind], "other")
    try:
        answer = refused or _Trigger(sandbox, seen, kind).answer(call.body)
    except Refused as why:
        answer = message(400, str(why))
    return replace(answer, headers=headers)


def answer_transactional(sandbox: Sandbox, call: Call, seen: SeenRequest) -> Answer:
    """
    One call of /transactional/v1/campaigns/{campaign_id}/send.

    Source: https://www.braze.com/docs/api/endpoints/messaging/send_messages/post_send_transactional_message/
    """
    refused, headers = check(sandbox, call, PERMISSIONS["transactional"], "other")
    try:
        answer = refused or _Transactional(sandbox, seen).answer(call.path.split("/")[4], call.body)
    except Refused as why:
        answer = message(400, str(why))
    return replace(answer, headers=headers)


class _Sending:
    """What all three have in common."""

    def __init__(self, sandbox: Sandbox, seen: SeenRequest, kind: Kind) -> None:
        self.sandbox, self.seen, self.kind, self.now = sandbox, seen, kind, time.time()
        self.dispatch_id = secrets.token_hex(10)

    def violation(self, kind: str, detail: str) -> None:
        self.sandbox.note_violation(self.seen, kind, detail)

    def read(self, body: bytes, members: set[str]) -> dict[str, Any]:
        try:
            given = orjson.loads(body)
        except orjson.JSONDecodeError:
            given = None
        if not isinstance(given, dict):
            raise Refused(SYNTAX)
        self.note_unknown(given, members)
        return given

    def note_unknown(self, given: dict[str, Any], members: set[str]) -> None:
        if unknown := given.keys() - members:
            self.violation("unknown_member", ", ".join(sorted(unknown))[:200])

    def properties(self, given: dict[str, Any], member: str) -> dict[str, Any]:
        found = given.get(member, {})
        if not isinstance(found, dict) or len(orjson.dumps(found)) > MAX_PROPERTIES_BYTES:
            raise Refused(f"'{member}' must be an object of at most 50 KB")
        return found

    def who(self, recipient: Any, identifiers: tuple[str, ...]) -> dict[str, Any]:
        """The one identifier of a recipient, in the words of /users/track."""
        if not isinstance(recipient, dict):
            raise Refused(refusals.NOT_AN_OBJECT)
        named = [name for name in IDENTIFIERS if recipient.get(name) is not None]
        if len(named) != 1 or named[0] not in identifiers:
            raise Refused(ONE_IDENTIFIER)
        name = named[0]
        who = {"external_id" if name == "external_user_id" else name: recipient[name]}
        why = validation.check_identifier(who)
        if why is None and who.get("external_id") in self.sandbox.settings.blocked_external_ids:
            why = refusals.EXTERNAL_ID_BLOCKED
        if why is not None:
            raise Refused(why)
        return who

    def work(self, who: dict[str, Any], recipient: dict[str, Any], *, existing_only: bool) -> Work | None:
        """What is written to the profile before the message is made."""
        attributes = recipient.get("attributes")
        if attributes is None:
            return None
        given = {**(attributes if isinstance(attributes, dict) else {"": 0}), **who}
        why = validation.check_attributes(given, self.violation)
        if why is not None:
            raise Refused(why)
        return Work([{**given, "_update_existing_only": existing_only}], [], [], self.seen.number)

    def is_known(self, braze_id: Any) -> bool:
        known = self.sandbox.settings.known_sends
        return not known or braze_id in known

    def is_paused(self, braze_id: str) -> bool:
        return braze_id in self.sandbox.settings.paused_sends


class _Trigger(_Sending):
    def answer(self, body: bytes) -> Answer:
        named, data = MEMBERS[self.kind]
        given = self.read(body, {named, data, "broadcast", "audience", "recipients"})
        if given.get("broadcast") not in (None, False) or "audience" in given:
            self.violation("broadcast", f"{named} {str(given.get(named))[:60]}")
            raise Refused(NO_BROADCAST)
        braze_id = given.get(named)
        if not isinstance(braze_id, str) or not validation.UUID.fullmatch(braze_id) or not self.is_known(braze_id):
            raise Refused(BAD_ID[self.kind])
        common = self.properties(given, data)
        deliveries = self.deliveries(braze_id, given.get("recipients"), common, data)
        body_out: dict[str, Any] = {"dispatch_id": self.dispatch_id, "message": "success"}
        if self.is_paused(braze_id):
            if self.kind == "campaign":
                raise Refused(CAMPAIGN_PAUSED)
            self.sandbox.messages.add(replace(one.message, outcome="paused") for one in deliveries)
            return Answer(201, orjson.dumps({"notice": CANVAS_PAUSED, **body_out}))
        self.sandbox.deliver_later(deliveries)
        return Answer(201, orjson.dumps(body_out))

    def deliveries(self, braze_id: str, recipients: Any, common: dict[str, Any], data: str) -> list[Delivery]:
        if not isinstance(recipients, list) or not recipients:
            self.violation("no_recipients", braze_id)
            raise Refused(NO_RECIPIENTS)
        self.seen.objects = len(recipients)
        if len(recipients) > MAX_RECIPIENTS:
            self.violation("too_many_recipients", str(len(recipients)))
            raise Refused(TOO_MANY)
        found: dict[str, Delivery] = {}
        for recipient in recipients:
            who = self.who(recipient, IDENTIFIERS)
            self.note_unknown(recipient, {*IDENTIFIERS, data, "prioritization", "send_to_existing_only", "attributes"})
            existing_only = self.check_creating(recipient)
            key = orjson.dumps(who, option=orjson.OPT_SORT_KEYS).decode()
            if key in found:
                self.violation("same_recipient_twice", braze_id)
            properties = {**common, **self.properties(recipient, data)}
            work = self.work(who, recipient, existing_only=existing_only)
            told = Message(self.now, self.kind, braze_id, self.dispatch_id, who, properties)
            found[key] = Delivery(told, who, work)
        return list(found.values())

    def check_creating(self, recipient: dict[str, Any]) -> bool:
        """Whether nobody is made for this recipient."""
        if recipient.get("email") is not None and not isinstance(recipient.get("prioritization"), list):
            raise Refused(NO_PRIORITIZATION)
        existing_only = recipient.get("send_to_existing_only", True)
        if "send_to_existing_only" in recipient and recipient.get("user_alias") is not None:
            raise Refused(NOT_WITH_ALIAS)
        if existing_only is False and not recipient.get("attributes"):
            raise Refused(ATTRIBUTES_NEEDED)
        return existing_only is not False


class _Transactional(_Sending):
    def __init__(self, sandbox: Sandbox, seen: SeenRequest) -> None:
        super().__init__(sandbox, seen, "transactional")

    def answer(self, braze_id: str, body: bytes) -> Answer:
        given = self.read(body, {"external_send_id", "trigger_properties", "recipient"})
        self.check_campaign(braze_id)
        key = given.get("external_send_id")
        if key is not None and not (isinstance(key, str) and KEY.fullmatch(key)):
            raise Refused(KEY_BAD)
        properties, recipient = self.properties(given, "trigger_properties"), given.get("recipient")
        who = self.who(recipient, ("external_user_id", "user_alias"))
        self.note_unknown(given["recipient"], {"external_user_id", "user_alias", "attributes"})
        work = self.work(who, given["recipient"], existing_only=False)
        self.seen.objects = 1
        told = Message(self.now, "transactional", braze_id, self.dispatch_id, who, properties, key)
        if key is not None and not self.sandbox.messages.is_new(key, self.now):
            self.sandbox.messages.add([replace(told, outcome="repeated")])
            raise Refused(REPEATED)
        self.sandbox.deliver_later([Delivery(told, who, work)])
        metadata = {"received_at": formats.iso(self.now), "campaign_api_id": braze_id}
        return Answer(
            201, orjson.dumps({"dispatch_id": self.dispatch_id, "status": "sent", "metadata": metadata})
        )  # fmt: skip

    def check_campaign(self, braze_id: str) -> None:
        if not validation.UUID.fullmatch(braze_id):
            raise Refused(MALFORMED_ID)
        if not self.is_known(braze_id):
            raise Refused(NO_SUCH_CAMPAIGN)
        if self.is_paused(braze_id):
            raise Refused(CAMPAIGN_PAUSED)
