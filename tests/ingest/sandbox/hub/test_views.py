import re
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ingest.sandbox.hub.app import HubSettings, create_app
from ingest.sandbox.hub.bodies import Body
from ingest.sandbox.hub.connector import Answer, Connector, Delivery, read_answer

NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)
SETTINGS = HubSettings(
    "http://connector.test/webhooks/komo/demo",
    braze_url="http://braze.test/?find={email}",
    connector_url="http://connector.test/submissions/{submission_id}",
)
FORM = {"first_name": "Mira", "email": "mira+bay@example.com", "optin": "true"}
QUIZ_PICKS = {"q1": "1", "q2": "2", "q3": "3", "q4": "1", "q5": "1"}


class Listener(Connector):
    """Accepts everything at once and remembers it, or does not answer while `away`."""

    def __init__(self) -> None:
        super().__init__("http://connector.test")
        self.heard: list[Body] = []
        self.away = False

    def deliver(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            delivery.attempts += 1
            if self.away:
                delivery.answer = Answer("The connector does not answer. Is it running?")
                return
            known = b"true" if delivery.body in self.heard else b"false"
            delivery.answer = read_answer(202, b'{"submissions": [{"id": "sub-7", "duplicate": %s}]}' % known)
            self.heard.append(delivery.body)

    @property
    def events(self) -> list[str]:
        return [str(body.get("event") or body.get("trigger") or body.get("eventName")) for body in self.heard]


@pytest.fixture
def listener() -> Listener:
    return Listener()


def first_stop(stops: int) -> int:
    return 0


@pytest.fixture
def client(listener: Listener) -> FlaskClient:
    app = create_app(SETTINGS, connector=listener, now=lambda: NOON, chance=first_stop)
    return app.test_client()


def enter(client: FlaskClient, slug: str, picks: dict[str, str], **form: str) -> TestResponse:
    client.post(f"/cards/{slug}/play", data=picks)
    return client.post(f"/cards/{slug}/entries", data=FORM | form, follow_redirects=True)


def test_a_quiz_is_posted_from_the_first_view_to_the_entry(client: FlaskClient, listener: Listener) -> None:
    """One event per thing that happened, in the order in which Komo could know it."""
    client.post("/seen")
    client.post("/cards/quiz/seen")
    client.post("/cards/quiz/start")
    page = enter(client, "quiz", QUIZ_PICKS, preferred_boat="Yacht").text

    assert listener.events == [
        "SiteViewed",
        "CardViewed",
        "QuizStarted",
        "CompetitionEntrySuccess",
        *["Gameplay.Action"] * 5,
        "Gameplay.Ended",
    ]
    assert listener.heard[3].items() >= {"score": "4", "preferred_boat": "Yacht", "optin": "true"}.items()
    assert 'href="http://braze.test/?find=mira%2Bbay%40example.com"' in page
    assert 'href="http://connector.test/submissions/sub-7"' in page


def test_a_game_played_without_scripts_is_started_all_the_same(client: FlaskClient, listener: Listener) -> None:
    """Komo knows no quiz that ended without having begun."""
    client.post("/cards/personality/play", data={f"q{n}": "2" for n in range(1, 5)})

    assert listener.events == ["QuizStarted"]


def test_a_vote_is_posted_when_it_is_cast_and_names_nobody_yet(client: FlaskClient, listener: Listener) -> None:
    """The connector holds it until the form says who it was; it is posted once."""
    client.post("/cards/poll/play", data={"q1": "2"})
    assert listener.events == ["QuizStarted", "Gameplay.Action"]
    vote = listener.heard[1]
    assert (vote["contact"].keys(), vote["action"]["answer"]) == ({"contactId"}, "Lantern Beach")

    page = client.post("/cards/poll/entries", data=FORM, follow_redirects=True)
    assert "The connector held it" in page.text
    assert listener.events[2:] == ["CompetitionEntrySuccess", "Gameplay.Ended"]
    assert listener.heard[3]["contact"].items() >= {**vote["contact"], "email": FORM["email"]}.items()


def test_a_winning_spin_awards_its_prize_with_the_entry(client: FlaskClient, listener: Listener) -> None:
    """The prize belongs to whoever filled in the form, so it can't go before it."""
    assert "Team scarf" in enter(client, "wheel", {}).text
    assert listener.events == ["CompetitionEntrySuccess", "Gameplay.Ended", "PrizeAwarded"]
    assert listener.heard[0]["submission_id"] == listener.heard[2]["submission_id"]


def test_the_wheel_can_be_told_never_to_win(client: FlaskClient, listener: Listener) -> None:
    """Both endings should be easy to show."""
    client.post("/settings", data={"luck": "lose"})
    enter(client, "wheel", {})

    assert "PrizeAwarded" not in listener.events


def test_a_spin_cannot_be_repeated_until_it_wins(client: FlaskClient) -> None:
    """The slice was decided once; a reload shows the same."""
    scripted = {"Accept": "application/json"}
    client.post("/settings", data={"luck": "lose"})
    first = client.post("/cards/wheel/play", headers=scripted).json
    client.post("/settings", data={"luck": "win"})

    assert client.post("/cards/wheel/play", headers=scripted).json == first == {"slice": 1, "next": "/cards/wheel"}


def test_a_personality_is_told_and_posted(client: FlaskClient, listener: Listener) -> None:
    """The outcome is what the test is for."""
    client.post("/cards/personality/play", data={f"q{n}": "3" for n in range(1, 5)})

    assert "The Sunset Host" in client.get("/cards/personality").text
    client.post("/cards/personality/entries", data=FORM)
    assert listener.heard[-1]["gameplay"]["result"] == "The Sunset Host"


def test_an_unanswered_question_is_asked_again(client: FlaskClient) -> None:
    """Browsers see to it, but not every client is one."""
    response = client.post("/cards/quiz/play", data={"q1": "1"})

    assert response.status_code == 422
    assert "Please answer question 2" in response.text


def test_a_bad_form_keeps_the_result_and_what_was_typed(client: FlaskClient, listener: Listener) -> None:
    """Nobody plays twice because of a typing mistake."""
    response = enter(client, "poll", {"q1": "1"}, email="mira@", last_name="Kestrel")

    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.text
    assert 'value="Kestrel"' in response.text
    assert "CompetitionEntrySuccess" not in listener.events
    assert client.post("/cards/poll/entries", data=FORM).status_code == 303


def test_a_form_sent_twice_is_one_entry(client: FlaskClient, listener: Listener) -> None:
    """A double click is not a second entry."""
    enter(client, "poll", {"q1": "1"})
    client.post("/cards/poll/entries", data=FORM)

    assert listener.events.count("CompetitionEntrySuccess") == 1


def test_a_connector_that_is_away_is_named_and_gets_it_later(client: FlaskClient, listener: Listener) -> None:
    """A newcomer whose connector is down should read that, and lose nothing."""
    client.post("/cards/poll/play", data={"q1": "1"})
    listener.away = True
    page = client.post("/cards/poll/entries", data=FORM, follow_redirects=True)
    assert "The connector does not answer. Is it running?" in page.text
    assert "1 of 3 events of this entry arrived" in page.text

    listener.away, listener.heard = False, []
    again = client.post(f"{page.request.path}/send-again", follow_redirects=True)

    assert listener.events == ["CompetitionEntrySuccess", "Gameplay.Ended"]
    assert "delivery-problem" not in again.text


def test_sending_an_accepted_entry_once_more_shows_the_duplicate(client: FlaskClient, listener: Listener) -> None:
    """The very same bodies go, ids and times included."""
    page = enter(client, "poll", {"q1": "1"})
    again = client.post(f"{page.request.path}/send-again", follow_redirects=True)

    assert listener.heard[1:4] == listener.heard[4:]
    assert again.text.count("(known already)") == 3


def test_what_people_type_is_shown_as_text(client: FlaskClient) -> None:
    """Names are the public's, markup included."""
    page = enter(client, "poll", {"q1": "1"}, first_name="<script>alert(1)</script>")

    assert "<script>alert(1)" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text


def test_the_next_form_knows_the_person_but_asks_for_consent_anew(client: FlaskClient) -> None:
    """Details may be remembered; a ticked box that nobody ticked may not."""
    enter(client, "poll", {"q1": "1"})
    client.post("/cards/wheel/play")
    page = client.get("/cards/wheel").text

    assert 'value="mira+bay@example.com"' in page
    assert re.search(r'id="optin"[^>]*checked', page) is None


def test_an_entry_is_shown_to_its_own_session_only(client: FlaskClient) -> None:
    """It holds a person's details."""
    path = enter(client, "poll", {"q1": "1"}).request.path
    client.post("/new-visitor")

    assert client.get(path).status_code == 404


def test_somebody_else_is_a_new_session_and_contact(client: FlaskClient, listener: Listener) -> None:
    """As on another person's phone."""
    enter(client, "poll", {"q1": "1"})
    client.post("/new-visitor")
    enter(client, "poll", {"q1": "1"}, email="tom@example.com")

    assert len({body["user_session_id"] for body in listener.heard if "event" in body}) == 2
    assert len({body["contact"]["contactId"] for body in listener.heard if "contact" in body}) == 2


def test_a_signed_in_visitor_has_a_profile(client: FlaskClient, listener: Listener) -> None:
    """Some hubs have profiles, and then their id comes with every event."""
    client.post("/settings", data={"signed_in": "1"})
    client.post("/seen")
    client.post("/settings")
    client.post("/seen")

    assert ["user_profile_id" in body for body in listener.heard] == [True, False]


def test_the_hub_can_post_interaction_events_instead(client: FlaskClient, listener: Listener) -> None:
    """A customer may relay the browser's feed and nothing else."""
    client.post("/settings", data={"shape": "interaction"})
    client.post("/seen")
    client.post("/cards/poll/seen")
    client.post("/cards/poll/start")
    enter(client, "poll", {"q1": "1"})

    assert listener.events == ["page-view", "card-viewed", "card-answered", "form-submission"]


def test_unknown_settings_change_nothing(client: FlaskClient, listener: Listener) -> None:
    """Anybody can post anything to the hub."""
    client.post("/settings", data={"shape": "nonsense", "luck": "endless"})
    client.post("/seen")

    assert listener.events == ["SiteViewed"]


def test_behind_the_scenes_lists_everything_newest_first(client: FlaskClient) -> None:
    """Views leave no page of their own, and yet were posted."""
    client.post("/seen")
    client.post("/cards/quiz/seen")
    page = client.get("/behind-the-scenes").text

    assert re.findall(r'data-event="(\w+)"', page) == ["CardViewed", "SiteViewed"]


def test_links_lead_to_the_front_pages_until_there_is_somebody_to_show(client: FlaskClient) -> None:
    """An address with a gap in it would show nothing, or an error."""
    page = client.get("/").text

    assert re.findall(r'href="(http://[^"]+)"', page) == ["http://connector.test/", "http://braze.test/"]


def test_the_front_page_shows_which_cards_were_played(client: FlaskClient) -> None:
    """Whoever comes back sees what is left to play; somebody else starts with nothing."""
    enter(client, "poll", {"q1": "1"})
    page = client.get("/").text
    assert page.count("Played") == 1
    assert "Welcome back" in page

    client.post("/new-visitor")
    assert "Played" not in client.get("/").text


@pytest.mark.parametrize(("luck", "shown"), [("win", 'class="prize"'), ("lose", "The sea keeps its treasure")])
def test_the_wheel_tells_its_ending_with_a_picture(client: FlaskClient, luck: str, shown: str) -> None:
    """Losing deserves a picture as well."""
    client.post("/settings", data={"luck": luck})
    client.post("/cards/wheel/play")
    page = client.get("/cards/wheel").text

    assert shown in page
    assert 'class="treasure"' in page


def test_a_name_written_from_right_to_left_has_its_own_direction(client: FlaskClient) -> None:
    """It must not turn the sentence around it."""
    assert '<span dir="auto">מירה</span>!' in enter(client, "poll", {"q1": "1"}, first_name="מירה").text
