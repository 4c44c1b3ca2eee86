"""One person visits the hub five times: one profile grows, nothing is lost on the way, and the bill is known."""

from collections import Counter
from functools import partial
from typing import Any
from uuid import UUID, uuid5

import pytest
import redis
from flask.testing import FlaskClient

from ingest.app import create_app
from ingest.sandbox.braze.app import create_app as create_sandbox_app
from ingest.sandbox.braze.control import profile_as_json
from ingest.sandbox.braze.formats import iso
from ingest.sandbox.braze.sandbox import Sandbox
from ingest.sandbox.braze.settings import PERMISSIONS, Settings
from schemas.outgoing import SEND_KINDS
from schemas.settings import load_settings
from tests.factories import BRAZE
from tests.messages import CAMPAIGN
from tests.workers.test_sends import KEY, Wire
from workers.braze.client import BrazeClient
from workers.drain import Pipeline, drain_lane
from workers.sends import drain_sends
from workers.store import Stores, open_stores
from workers.store.inbox import Rest

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
SESSION = "8a1e6f91-0951-4549-a823-213cb38eb51c"
GROUP = "5ca1ab1e-aaaa-4bbb-8ccc-dddddddddddd"
BEACH = "Best beach of the bay?"
WHO = {"email": "mira.kestrel@example.com", "first_name": "Mira"}

#: What a marketer of such a hub would save.
DOCUMENT: dict[str, Any] = {
    "id": "summer-hub",
    "name": "Harbourside summer hub",
    "default_region": "AU",
    "braze": {"rest_endpoint": BRAZE, "api_key": KEY, "workspace": "acme"},
    "identifiers": [{"kind": "user_alias", "field": "email", "alias_label": "email"}],
    "attributes": [
        {"field": "email", "attribute": "email"},
        {"field": "first_name", "attribute": "first_name"},
        {"field": "last_name", "attribute": "last_name"},
        {"field": "mobile", "attribute": "phone"},
        {"field": "date_of_birth", "attribute": "dob", "format": "DD/MM/YYYY"},
        {"field": "country", "attribute": "country"},
        {"field": "interests", "attribute": "interests", "type": "array", "separator": ",", "operation": "add"},
        {"field": "preferred_boat", "attribute": "boat.kind"},
        {"field": "boat_length", "attribute": "boat.length_m", "type": "number"},
        {"question": BEACH, "attribute": "favourite_beach"},
        {"field": "result.score", "attribute": "quiz_score", "type": "number", "when": {"card.type": "Quiz"}},
        {"field": "prize.name", "attribute": "last_prize"},
        {"value": 1, "attribute": "forms", "operation": "increment",
         "when": {"submission.event": "CompetitionEntrySuccess"}},
        {"value": "komo", "attribute": "acquisition_source"},
    ],
    "subscriptions": [
        {"field": "optin", "kind": "email", "when_yes": "opted_in", "when_no": None},
        {"field": "sms_ok", "kind": "group", "group_id": GROUP, "when_yes": "subscribed"},
    ],
    "events": [
        {"name": "komo_entry", "when": {"submission.event": "CompetitionEntrySuccess"},
         "properties": {"card": "card.name"}},
        {"name": "komo_answer", "for_each": "answers", "properties": {"question": "question", "answer": "answer"}},
        {"name": "komo_prize", "when": {"submission.event": "PrizeAwarded"}, "properties": {"prize": "prize.name"}},
    ],
    "sends": [
        {"kind": "campaign", "id": CAMPAIGN, "when": {"submission.event": "PrizeAwarded"},
         "trigger_properties": {"prize": "prize.name", "first_name": "first_name"}},
    ],
}  # fmt: skip


class Hub:
    """Connector and sandbox in one process: only the store is another one. The clock is moved, never waited for."""

    def __init__(self, connection: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sandbox = Sandbox(Settings(keys={KEY: PERMISSIONS}, delay_ms=(0, 0)))
        settings = load_settings({"SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz", "LANES": "2"})
        self.stores: Stores = open_stores(settings, connection)
        saved = self.stores.integrations.save(DOCUMENT, by="test")
        self.secret, self.integration = saved.secrets["webhook_secret"], saved.stored.integration
        self.client: FlaskClient = create_app(settings, self.stores, self.wake).test_client()
        # Six days ago: an event that is still to come would be dropped by the sandbox, as Braze does.
        seconds, microseconds = connection.time()
        self.now = seconds * 1000 + microseconds // 1000 - 6 * DAY_MS
        accept = self.stores.inbox.accept
        monkeypatch.setattr(self.stores.inbox, "accept", lambda *given: accept(*given, now_ms=self.now))
        self.wire = Wire(create_sandbox_app(self.sandbox).test_client())
        braze = BrazeClient(session=self.wire.session)
        self.pipeline = Pipeline(self.stores, braze, chance=lambda: 0.5, wall=lambda: self.now / 1000)
        self.woken: set[str] = set()
        self.posted = 0

    def wake(self, step: str, _integration_id: str, _lane: int) -> None:
        self.woken.add(step)

    def post(self, body: dict[str, Any], *, again: bool = False) -> None:
        """As Komo does it, a minute after the last time."""
        self.now += MINUTE_MS
        self.posted += not again
        headers = {"Authorization": f"Bearer {self.secret}"}
        answer = self.client.post("/webhooks/komo/summer-hub", json=body, headers=headers)
        assert answer.status_code == 202
        assert answer.json is not None
        assert [one["duplicate"] for one in answer.json["submissions"]] == [again]

    def form(self, card_type: str = "Quiz", event: str = "CompetitionEntrySuccess", **fields: str) -> dict[str, Any]:
        """A legacy webhook of somebody who said who they are."""
        return {
            "id": self._id(), "event": event, "timestamp": iso(self.now / 1000), "site_name": "Harbourside Summer Hub",
            "user_session_id": SESSION, "card_name": f"SUM26 {card_type.lower()}", "card_type": card_type,
            "competition_entry_id": self._id(), "email": WHO["email"], **fields,
        }  # fmt: skip

    def answer(self, question: str, answer: str, **contact: str) -> dict[str, Any]:
        """A workflow's step; without a contact while nobody knows who plays."""
        return {
            "trigger": "Gameplay.Action", "runId": self._id(), "timestamp": iso(self.now / 1000),
            "session": {"id": SESSION}, "contact": contact, "card": {"name": "SUM26 poll", "type": "Poll"},
            "action": {"type": "Answer", "question": question, "answer": answer},
        }  # fmt: skip

    def _id(self) -> str:
        return str(uuid5(UUID(SESSION), str(self.posted)))

    def deliver(self) -> None:
        """Serve lanes and outboxes whenever they want it, until nothing waits."""
        for lane in range(2):
            self._until_empty(partial(drain_lane, "summer-hub", lane, self.pipeline))
        for kind in range(len(SEND_KINDS)):
            self._until_empty(partial(drain_sends, "summer-hub", kind, self.pipeline, self.stores.outbox))

    def _until_empty(self, drain: partial[Rest]) -> None:
        for _ in range(100):
            rest = drain(now_ms=self.now)
            if rest.why == "empty":
                return
            assert rest.why in ("wait", "more")
            self.now += max(rest.wait_ms, 1)
        raise AssertionError(f"never empty: {self.ledger()}")

    def ledger(self) -> dict[str, int]:
        told = self.stores.ledger.read(self.integration)
        outcomes = ("waiting", "in_flight", "held", "delivered", "filtered", "dead", "discarded")
        assert told["received"] == sum(told[name] for name in outcomes), told
        return told

    def points(self) -> tuple[int, int]:
        """Data points by our own ledger and by the sandbox's."""
        return self.ledger()["data_points_sent"], self.sandbox.ledgers.data_points.total()


@pytest.fixture
def hub(store_connection: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Hub:
    return Hub(store_connection, monkeypatch)


def vote_and_play_the_quiz(hub: Hub) -> None:
    """An anonymous vote, and two hours later a quiz with a form: the vote is that person's."""
    hub.post(hub.answer(BEACH, "North Cove"))
    hub.deliver()
    assert (hub.ledger()["held"], hub.wire.calls, hub.woken) == (1, [], set())

    hub.now += 2 * HOUR_MS
    hub.post(hub.form(**WHO | {"score": "4", "preferred_boat": "Dinghy", "optin": "true"}))
    hub.post(hub.answer("Which side of a boat is port?", "Left", **WHO))
    assert (hub.ledger()["held"], hub.ledger()["waiting"], hub.woken) == (0, 3, {"drain"})


def fill_in_more(hub: Hub) -> None:
    """A second form: what it says again is known, what it says beside that is new."""
    more = {
        "last_name": "Kestrel", "mobile": "0491 570 006", "date_of_birth": "17/08/1991", "country": "Australien",
        "interests": "Sailing, Food", "boat_length": "7,5", "optin": "true",
    }  # fmt: skip
    hub.post(hub.form("Poll", **WHO | more))


def win(hub: Hub) -> None:
    """A prize, of which Komo tells twice: it may not have heard our first answer."""
    prize = {"prize_recipient_id": "139f377e-9ff4-4892-8121-730c9f7e26fb", "prize_name": "Team scarf", "optin": "true"}
    award = hub.form("Spin to Win", "PrizeAwarded", **WHO | prize)
    hub.post(award)
    hub.post(award, again=True)
    hub.deliver()
    hub.post(award, again=True)


def change_their_mind(hub: Hub) -> None:
    """Another beach, and a form without the tick: that is no word against newsletters."""
    hub.post(hub.answer(BEACH, "Gull Point", **WHO, last_name="Kestrel"))
    hub.post(hub.form("Poll", optin="false"))


#: Visit -> data points that it costs, and those that are saved because Braze has the value already.
VISITS = {
    # favourite_beach, email, first_name, quiz_score, boat.kind, forms, source, and 3 events; email_subscribe is free.
    # Folding spares the vote's source, and the answer's email, first_name and source.
    vote_and_play_the_quiz: (7 + 3, 4),
    # last_name, phone, dob, country, 2 interests, boat.length_m, forms, and an event. Known: email, first_name, source.
    fill_in_more: (8 + 1, 3),
    # last_prize and an event. Known: email, first_name, source.
    win: (1 + 1, 3),
    # favourite_beach, forms, and 2 events. Known: email, first_name, last_name, source, and email, source once more.
    change_their_mind: (2 + 2, 6),
}


def test_one_person_over_five_visits_is_one_profile(hub: Hub) -> None:
    """Whatever they said anonymously or by name, once or twice, is there once, typed, and paid for once."""
    spent = saved = 0
    for visit, (cost, spared) in VISITS.items():
        visit(hub)
        hub.deliver()
        spent, saved = spent + cost, saved + spared
        assert (visit.__name__, *hub.points(), hub.ledger()["data_points_saved"]) == (
            visit.__name__, spent, spent, saved
        )  # fmt: skip
        hub.now += DAY_MS

    [profile] = [profile_as_json(one) for one in hub.sandbox.workspace.profiles.page(0, 10)]
    assert profile["user_aliases"] == [{"alias_name": WHO["email"], "alias_label": "email"}]
    assert profile["standard"] == {
        **WHO, "last_name": "Kestrel", "phone": "+61491570006", "dob": "1991-08-17", "country": "AU",
        "email_subscribe": "opted_in",
    }  # fmt: skip
    assert profile["custom_attributes"] == {
        "favourite_beach": "Gull Point", "quiz_score": 4, "boat": {"kind": "Dinghy", "length_m": 7.5}, "forms": 3,
        "interests": ["Sailing", "Food"], "last_prize": "Team scarf", "acquisition_source": "komo",
    }  # fmt: skip
    assert [(one["name"], one["properties"].get("answer")) for one in profile["events"]] == [
        ("komo_answer", "North Cove"), ("komo_entry", None), ("komo_answer", "Left"), ("komo_entry", None),
        ("komo_prize", None), ("komo_answer", "Gull Point"), ("komo_entry", None),
    ]  # fmt: skip


def test_nothing_is_lost_doubled_or_done_wrong_on_the_way(hub: Hub) -> None:
    """Braze would not tell; its stand-in does."""
    for visit in VISITS:
        visit(hub)
        hub.deliver()
        hub.now += DAY_MS

    assert hub.sandbox.ledgers.violations.counts() == {}
    assert hub.sandbox.ledgers.silent_drops.counts() == {}
    assert hub.sandbox.ledgers.event_ids.summary()["extra"] == 0
    told = hub.ledger()
    assert (hub.posted, told["received"], told["delivered"], told["duplicates"]) == (7, 7, 7, 2)


def test_the_prize_e_mail_is_triggered_once(hub: Hub) -> None:
    """To the person who won, with what they won."""
    for visit in VISITS:
        visit(hub)
        hub.deliver()
        hub.now += DAY_MS

    [message] = hub.sandbox.messages.newest(10)
    assert (message.kind, message.id, message.outcome) == ("campaign", CAMPAIGN, "sent")
    assert message.recipient["user_alias"] == {"alias_label": "email", "alias_name": WHO["email"]}
    assert message.properties == {"prize": "Team scarf", "first_name": "Mira"}
    assert Counter(hub.wire.calls)["/campaigns/trigger/send"] == 1
    assert {name: hub.ledger()[name] for name in ("sent", "send_unknown", "send_dead")} == {
        "sent": 1, "send_unknown": 0, "send_dead": 0
    }  # fmt: skip
