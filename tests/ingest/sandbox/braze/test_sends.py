"""The endpoints that send messages, as a caller meets them."""

import time
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ingest.sandbox.braze import sends
from ingest.sandbox.braze.app import create_app
from ingest.sandbox.braze.messages import KEY_S
from ingest.sandbox.braze.sandbox import Sandbox
from ingest.sandbox.braze.settings import PERMISSIONS, Settings

HEADERS = {"Authorization": "Bearer sandbox-rest-key", "User-Agent": "partner-Komo"}
CAMPAIGN = "c0ffee00-aaaa-4bbb-8ccc-dddddddddddd"
CANVAS = "ca11ab1e-aaaa-4bbb-8ccc-dddddddddddd"
ALIAS = {"alias_name": "jo@example.com", "alias_label": "email"}


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(Settings(delay_ms=(0, 0)))


@pytest.fixture
def client(sandbox: Sandbox) -> FlaskClient:
    client = create_app(sandbox).test_client()
    people: list[dict[str, Any]] = [{"external_id": f"p{n}", "email": f"p{n}@example.com"} for n in range(60)]
    people.append({"user_alias": ALIAS, "_update_existing_only": False, "first_name": "Jo"})
    client.post("/users/track", headers=HEADERS, json={"attributes": people})
    return client


def campaign(client: FlaskClient, *recipients: Any, **more: Any) -> TestResponse:
    body = {"campaign_id": CAMPAIGN, "recipients": list(recipients), **more}
    return client.post("/campaigns/trigger/send", headers=HEADERS, json=body)


def canvas(client: FlaskClient, *recipients: Any, **more: Any) -> TestResponse:
    body = {"canvas_id": CANVAS, "recipients": list(recipients), **more}
    return client.post("/canvas/trigger/send", headers=HEADERS, json=body)


def transactional(client: FlaskClient, recipient: Any, braze_id: str = CAMPAIGN, **more: Any) -> TestResponse:
    body = {"recipient": recipient, **more}
    return client.post(f"/transactional/v1/campaigns/{braze_id}/send", headers=HEADERS, json=body)


def somebody(number: int = 0, **more: Any) -> dict[str, Any]:
    return {"external_user_id": f"p{number}", **more}


def test_messages_go_to_whoever_is_named_with_their_own_data(client: FlaskClient, sandbox: Sandbox) -> None:
    """A recipient's data wins over that of the call."""
    answer = campaign(
        client, somebody(1, trigger_properties={"prize": "Cap"}), {"user_alias": ALIAS},
        trigger_properties={"brand": "Komo", "prize": "none"},
    )  # fmt: skip

    assert answer.status_code == 201
    assert answer.json is not None
    assert answer.json["message"] == "success"
    jo, first = sandbox.messages.newest(10)
    assert (first.outcome, first.properties) == ("sent", {"brand": "Komo", "prize": "Cap"})
    assert (jo.outcome, jo.properties, jo.recipient) == (
        "sent", {"brand": "Komo", "prize": "none"}, {"user_alias": ALIAS},
    )  # fmt: skip
    assert first.dispatch_id == answer.json["dispatch_id"]
    assert not sandbox.ledgers.violations.counts()


def test_a_canvas_takes_its_data_as_context(client: FlaskClient, sandbox: Sandbox) -> None:
    """The campaign's name for it is unknown there."""
    assert canvas(client, somebody(context={"prize": "Cap"})).status_code == 201
    canvas(client, somebody(trigger_properties={"prize": "Cap"}))

    assert [dict(one.properties) for one in sandbox.messages.newest(2)] == [{}, {"prize": "Cap"}]
    assert sandbox.ledgers.violations.counts() == {"unknown_member": 1}


def test_an_e_mail_address_needs_a_way_to_choose(client: FlaskClient, sandbox: Sandbox) -> None:
    """Several profiles may share it."""
    assert campaign(client, {"email": "p3@example.com"}).status_code == 400
    assert campaign(client, {"email": "p3@example.com", "prioritization": ["identified"]}).status_code == 201
    assert sandbox.messages.newest(1)[0].braze_id is not None


def test_nobody_is_sent_anything_who_is_not_there(client: FlaskClient, sandbox: Sandbox) -> None:
    """Braze says success all the same."""
    assert campaign(client, {"external_user_id": "stranger"}).status_code == 201
    assert sandbox.messages.counts() == {"nobody": 1}
    assert sandbox.ledgers.silent_drops.counts() == {"send_to_nobody": 1}


def test_a_profile_can_be_made_on_the_way(client: FlaskClient, sandbox: Sandbox) -> None:
    """With attributes, and not for an alias."""
    assert campaign(client, {"external_user_id": "new", "send_to_existing_only": False}).status_code == 400
    attributes = {"attributes": {"first_name": "New"}}
    assert campaign(client, {"external_user_id": "new", "send_to_existing_only": False} | attributes).status_code == 201
    assert campaign(client, {"user_alias": ALIAS, "send_to_existing_only": False} | attributes).status_code == 400
    assert sandbox.messages.counts() == {"sent": 1}


@pytest.mark.parametrize("more", [{"broadcast": True}, {"audience": {}}, {"broadcast": "false"}])
def test_a_broadcast_is_refused_and_noted(client: FlaskClient, sandbox: Sandbox, more: dict[str, Any]) -> None:
    """It would reach everybody."""
    assert campaign(client, somebody(), **more).status_code == 400
    assert sandbox.ledgers.violations.counts() == {"broadcast": 1}
    assert sandbox.messages.newest(1) == []


def test_a_call_without_recipients_is_refused_and_noted(client: FlaskClient, sandbox: Sandbox) -> None:
    """It could be taken for one to everybody."""
    assert campaign(client).json == {"message": "No Recipients"}
    assert client.post("/canvas/trigger/send", headers=HEADERS, json={"canvas_id": CANVAS}).status_code == 400
    assert sandbox.ledgers.violations.counts() == {"no_recipients": 2}


def test_fifty_recipients_are_the_most(client: FlaskClient, sandbox: Sandbox) -> None:
    """One more, and nobody gets anything."""
    assert campaign(client, *map(somebody, range(51))).status_code == 400
    assert sandbox.messages.newest(1) == []
    assert campaign(client, *map(somebody, range(50))).status_code == 201
    assert sandbox.messages.counts() == {"sent": 50}
    assert sandbox.messages.sent_by_id() == {CAMPAIGN: 50}


def test_who_is_named_twice_gets_the_last_one(client: FlaskClient, sandbox: Sandbox) -> None:
    """As documented, and a mistake of the caller's."""
    campaign(client, somebody(trigger_properties={"n": 1}), somebody(trigger_properties={"n": 2}))
    assert [one.properties for one in sandbox.messages.newest(5)] == [{"n": 2}]
    assert sandbox.ledgers.violations.counts() == {"same_recipient_twice": 1}


@pytest.mark.parametrize(
    "recipient",
    [{}, "p0", {"external_user_id": ""}, {"external_user_id": "p0", "user_alias": ALIAS}, {"phone": "+61491570006"},
     {"external_user_id": "p0", "trigger_properties": "x"}, {"external_user_id": "p0", "attributes": {"email": "no"}},
     {"external_user_id": "p0", "trigger_properties": {"text": "x" * 52_000}}, {"external_user_id": "blocked"}],
)  # fmt: skip
def test_one_bad_recipient_refuses_the_call(client: FlaskClient, sandbox: Sandbox, recipient: Any) -> None:
    """Nothing says which one it was."""
    sandbox.settings.change({"blocked_external_ids": ["blocked"]})
    assert campaign(client, somebody(), recipient).status_code == 400
    assert sandbox.messages.newest(1) == []


def test_only_campaigns_that_exist_can_be_asked_for(client: FlaskClient, sandbox: Sandbox) -> None:
    """An id of another form never does."""
    assert campaign(client, somebody(), campaign_id="prize-mail").json == {"message": "Invalid Campaign ID"}
    sandbox.settings.change({"known_sends": [CANVAS]})
    assert campaign(client, somebody()).json == {"message": "Invalid Campaign ID"}
    assert transactional(client, somebody()).json == {"message": "Campaign does not exist"}
    assert transactional(client, somebody(), "x").status_code == 400
    assert canvas(client, somebody()).status_code == 201


def test_a_paused_canvas_answers_201_and_sends_nothing(client: FlaskClient, sandbox: Sandbox) -> None:
    """Only the notice tells; a paused campaign says so with 400."""
    sandbox.settings.change({"paused_sends": [CANVAS, CAMPAIGN]})
    answer = canvas(client, somebody())
    assert (answer.status_code, answer.json and answer.json["notice"]) == (201, sends.CANVAS_PAUSED)
    assert campaign(client, somebody()).json == {"message": sends.CAMPAIGN_PAUSED}
    assert transactional(client, somebody()).json == {"message": sends.CAMPAIGN_PAUSED}
    assert sandbox.messages.counts() == {"paused": 1}


def test_a_key_sends_a_transactional_message_once_a_day(
    client: FlaskClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only key that any of these endpoints has."""
    assert transactional(client, somebody(), external_send_id="50c4-1").status_code == 201
    again = transactional(client, somebody(), external_send_id="50c4-1")
    assert (again.status_code, again.json) == (400, {"message": sends.REPEATED})
    assert sandbox.messages.counts() == {"sent": 1, "repeated": 1}

    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + KEY_S)
    assert transactional(client, somebody(), external_send_id="50c4-1").status_code == 201


@pytest.mark.parametrize("key", ["", "a b", "ü", 7, "50c4:1"])
def test_a_key_is_made_of_certain_signs(client: FlaskClient, key: Any) -> None:
    """Those of Base64, and the hyphen."""
    assert transactional(client, somebody(), external_send_id=key).status_code == 400


def test_a_transactional_message_goes_to_one_person_by_id_or_alias(client: FlaskClient, sandbox: Sandbox) -> None:
    """An address does not do."""
    answer = transactional(client, {"user_alias": ALIAS}, trigger_properties={"prize": "Cap"})
    assert answer.json is not None
    assert (answer.status_code, answer.json["status"]) == (201, "sent")
    assert answer.json["metadata"]["campaign_api_id"] == CAMPAIGN
    assert transactional(client, {"email": "p3@example.com", "prioritization": ["identified"]}).status_code == 400
    assert transactional(client, [somebody()]).status_code == 400
    assert sandbox.messages.counts() == {"sent": 1}


@pytest.mark.parametrize(("kind", "permission"), sends.PERMISSIONS.items())
def test_each_kind_needs_its_own_permission(
    client: FlaskClient, sandbox: Sandbox, kind: str, permission: str
) -> None:  # fmt: skip
    """And no other."""
    sandbox.settings.keys = {"sandbox-rest-key": PERMISSIONS - {permission}}
    answers = {
        "campaign": campaign(client, somebody()),
        "canvas": canvas(client, somebody()),
        "transactional": transactional(client, somebody()),
    }
    assert {name for name, answer in answers.items() if answer.status_code == 403} == {kind}


def test_all_of_them_share_the_hourly_limit(client: FlaskClient, sandbox: Sandbox) -> None:
    """250,000 over most endpoints, told in the headers."""
    left = [
        answer.headers["x-ratelimit-remaining"]
        for answer in (campaign(client, somebody()), canvas(client, somebody()), transactional(client, somebody()))
    ]
    assert left == ["249999", "249998", "249997"]
    sandbox.settings.change({"rate_limits": {"other": [3, 3600]}})
    assert campaign(client, somebody()).status_code == 429


def test_a_body_that_is_no_object_is_refused(client: FlaskClient) -> None:
    """As everywhere."""
    for path in ("/campaigns/trigger/send", f"/transactional/v1/campaigns/{CAMPAIGN}/send"):
        for body in (b"{", b"[]"):
            answer = client.post(path, headers={**HEADERS, "Content-Type": "application/json"}, data=body)
            assert answer.status_code == 400


def test_faults_meet_sends_too(client: FlaskClient, sandbox: Sandbox) -> None:
    """So that a test can cut the connection after Braze has sent."""
    client.post("/sandbox/api/faults", json={"kind": "unreadable", "path": "/campaigns/trigger/send"})
    assert campaign(client, somebody()).data == b"<html>created</html>"
    assert sandbox.messages.counts() == {"sent": 1}


def test_the_book_can_be_read(client: FlaskClient) -> None:
    """By tests as JSON, by people as a page."""
    campaign(client, somebody(7, trigger_properties={"prize": "<b>Cap</b>"}), {"external_user_id": "stranger"})
    canvas(client, somebody(8))

    told = client.get("/sandbox/api/sends?kind=campaign&outcome=sent").json
    assert told is not None
    assert told["counts"] == {"sent": 2, "nobody": 1}
    assert [one["recipient"] for one in told["items"]] == [{"external_id": "p7"}]
    summary = client.get("/sandbox/api/summary").json
    assert summary is not None
    assert summary["sends_by_id"] == {CAMPAIGN: 1, CANVAS: 1}
    page = client.get("/sends").text
    assert "not the real Braze" in page
    assert "&lt;b&gt;Cap" in page
    assert "not the real Braze" not in client.get("/sends?fragment=1").text


def test_a_message_may_overtake_the_profile_it_is_for(sandbox: Sandbox) -> None:
    """Braze answers before it applies: whoever asks at once may reach nobody."""
    sandbox.settings.delay_ms = (40, 40)
    client = create_app(sandbox).test_client()
    client.post("/users/track", headers=HEADERS, json={"attributes": [{"external_id": "p1", "first_name": "P"}]})
    sandbox.settings.delay_ms = (0, 0)
    campaign(client, somebody(1))
    assert sandbox.settle()

    assert sandbox.messages.counts() == {"nobody": 1}


def test_a_reset_forgets_what_was_sent(client: FlaskClient, sandbox: Sandbox) -> None:
    """A run begins with empty books."""
    transactional(client, somebody(), external_send_id="a")
    client.post("/sandbox/api/reset")
    assert orjson.loads(client.get("/sandbox/api/sends").data) == {"counts": {}, "items": []}
