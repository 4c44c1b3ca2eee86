"""The second step: the address, the secrets, and the first submission."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from ingest.pages.connect.bodies import bodies
from schemas.komo.spellings import is_placeholder
from tests.factories import a_body
from tests.visitor import Visitor, tags, words
from workers.store import Stores

KOMO_URL = "https://komo.example.org/webhooks/komo/"
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]{20,}")

Post = Callable[..., None]


def _values(answer: Any) -> dict[str, str | None]:
    return {str(one["id"]): one.get("value") for one in tags(answer, "input") if one.get("id")}


def test_a_draft_shows_everything_that_komo_needs(draft: str, visitor: Visitor, stores: Stores) -> None:
    """Whoever sets it up has Komo open in another window."""
    page = visitor.open(f"/integrations/{draft}/komo")

    kept, shown = stores.integrations.get(draft), _values(page)
    assert shown["webhook-url"] == f"{KOMO_URL}{draft}"
    assert shown["header-value"] == f"Bearer {kept.webhook_secrets[0]}"
    assert shown["url-with-key"] == f"{KOMO_URL}{draft}?key={kept.url_keys[0]}"
    masked = {one["id"] for one in tags(page, "input") if one.get("type") == "password"}
    assert {"header-value", "webhook-secret", "url-with-key"} <= masked


def test_what_is_set_up_shows_no_secret(live: str, visitor: Visitor, stores: Stores) -> None:
    """A page may be open on somebody's screen for years."""
    page = visitor.open(f"/integrations/{live}/komo")

    assert not SECRET.search(page.text)
    assert stores.integrations.get(live).url_keys[0] not in page.text


@pytest.mark.parametrize("which", ["webhook_secret", "url_key"])
def test_a_new_secret_is_shown_once_and_the_previous_one_works_until_it_is_retired(
    which: str, live: str, visitor: Visitor, stores: Stores
) -> None:
    """Komo has to be told of it first."""
    path = f"/integrations/{live}/komo"

    def known() -> tuple[str, ...]:
        kept = stores.integrations.get(live)
        return kept.webhook_secrets if which == "webhook_secret" else kept.url_keys

    (before,) = known()
    page = visitor.send(path, f"/integrations/{live}/rotate", which=which)

    assert known()[0] in page.text
    assert known()[1] == before
    assert before not in page.text
    assert known()[0] not in visitor.open(path).text

    visitor.send(path, f"/integrations/{live}/retire", which=which)
    assert len(known()) == 1


def test_loading_the_answer_again_makes_no_other_secret(live: str, visitor: Visitor, stores: Stores) -> None:
    """The one before the last would stop working, and nobody would know why."""
    path, revision = f"/integrations/{live}/komo", stores.integrations.get(live).revision
    visitor.send(path, f"/integrations/{live}/rotate", which="webhook_secret", revision=revision)
    made = stores.integrations.get(live).webhook_secrets

    again = visitor.send(path, f"/integrations/{live}/rotate", which="webhook_secret", revision=revision)

    assert "nothing was made anew" in words(again)
    assert stores.integrations.get(live).webhook_secrets == made


def test_only_secrets_can_be_rotated(live: str, visitor: Visitor) -> None:
    """Whatever a form says."""
    path = f"/integrations/{live}"

    for what in ("rotate", "retire"):
        assert visitor.send(f"{path}/komo", f"{path}/{what}", which="api_key").status_code == 404


def test_saving_changes_ways_and_filters_and_nothing_else(live: str, visitor: Visitor, stores: Stores) -> None:
    """Conditions stand only in the document, and the order of ways means nothing, but is somebody's."""
    before = stores.integrations.get(live).document
    visitor.send(f"/integrations/{live}/komo")
    assert stores.integrations.get(live).document == before

    visitor.send(f"/integrations/{live}/komo", url_key="y", signature=None, events=" PrizeAwarded \r\n\r\nSiteViewed")

    after = stores.integrations.get(live).document
    accept = before["accept"] | {"events": ["PrizeAwarded", "SiteViewed"]}
    assert after == before | {"webhook": {"methods": ["bearer", "url_key"]}, "accept": accept}


def test_one_way_has_to_stay(live: str, visitor: Visitor, stores: Stores) -> None:
    """Or nothing could arrive any more."""
    before = stores.integrations.get(live).version

    answer = visitor.send(f"/integrations/{live}/komo", bearer=None, signature=None)

    assert answer.status_code == 422
    assert "Allow one way at least" in words(answer)
    assert stores.integrations.get(live).version == before


def test_a_draft_goes_on_to_braze(draft: str, visitor: Visitor, stores: Stores) -> None:
    """And stays one."""
    answer = visitor.send(f"/integrations/{draft}/komo", url_key=None, follow=False)

    assert answer.location == f"/integrations/{draft}/braze"
    assert stores.integrations.get(draft).document["webhook"]["methods"] == ["bearer", "signature"]


def test_it_turns_green_when_something_arrives(draft: str, visitor: Visitor, komo: Post) -> None:
    """The part is asked for again and again, by itself."""
    path = f"/integrations/{draft}/komo"
    waiting = visitor.open(f"{path}?fragment=1")
    assert "Waiting for your first submission" in words(waiting)
    assert "<html" not in waiting.text

    komo(draft, a_body(card_name="<b>Best</b> card"))

    arrived = visitor.open(f"{path}?fragment=1")
    assert "1 submission has arrived" in words(arrived)
    assert "CompetitionEntrySuccess" in words(arrived)
    assert "one of Komo's own webhooks" in words(arrived)
    assert "<b>Best" not in arrived.text


@pytest.mark.parametrize(
    ("body", "recognised"),
    [
        ({"trigger": "Prize.Awarded", "contact": {"email": "a@example.com"}}, "the step of a workflow"),
        ({"eventName": "card-viewed", "eventData": {"cardId": "c"}}, "an interaction event"),
        ({"hello": "world"}, "nothing that Komo documents"),
    ],
)
def test_it_says_how_a_submission_was_understood(
    body: dict[str, Any], recognised: str, draft: str, visitor: Visitor, komo: Post
) -> None:
    """A body that was understood as something else would be mapped in vain."""
    komo(draft, body)

    assert recognised in words(visitor.open(f"/integrations/{draft}/komo?fragment=1"))


def test_what_was_seen_is_suggested_for_the_filters(live: str, visitor: Visitor, komo: Post) -> None:
    """Nobody knows the id of a card by heart."""
    komo(live, a_body(site_id="s1", card_id="c-42", card_name="Beach quiz"))

    page = visitor.open(f"/integrations/{live}/komo")

    assert "Beach quiz c-42" in words(page)
    assert {"site_ids", "card_ids", "events"} == {one.get("data-add-to") for one in tags(page, "button")} - {None}


def test_the_bodies_can_be_pasted_and_an_unfilled_part_names_nobody(visitor: Visitor, draft: str) -> None:
    """Komo does not publish its placeholders, so somebody will forget one."""
    page = visitor.open(f"/integrations/{draft}/komo")
    with visitor.client.application.test_request_context():
        made = bodies()

    assert len(made) == 6
    for body in made:
        told = json.loads(body.text)
        assert told["trigger"] == body.triggers
        assert is_placeholder(told["contact"]["email"])
        assert is_placeholder(told["contact"]["contactId"])
        assert body.triggers in words(page)
