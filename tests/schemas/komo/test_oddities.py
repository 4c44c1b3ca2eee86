"""What a receiver of Komo's bodies must tolerate: each oddity, neither lost nor rejected."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.body import UnreadableBody, read_body
from schemas.identity import sameness
from schemas.komo import read_submission
from schemas.submission import Submission

SAMPLES = Path(__file__).parents[2] / "data" / "komo"
RECEIVED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def sample(name: str) -> dict[str, Any]:
    body = json.loads((SAMPLES / f"{name}.json").read_bytes())
    assert isinstance(body, dict)
    return body


def received(body: dict[str, Any]) -> Submission:
    """As it goes in life: bytes, body, submission."""
    [one] = read_body(json.dumps(body).encode())
    return read_submission(one.body, id="s1", received_at=RECEIVED_AT)


def entry(**changes: Any) -> Submission:
    return received(sample("competition_entry_success") | changes)


def digest(body: dict[str, Any]) -> bytes:
    return sameness(body, json.dumps(body).encode(), delivery_id=None, place=0).digest


@pytest.mark.parametrize("score", ["1", 1, 1.5, "", None])
def test_01_numbers_as_text_stay_as_they_were_sent(score: Any) -> None:
    """The documentation says Number and shows text; the mapping decides."""
    assert entry(score=score).sections["result"]["score"] == score


@pytest.mark.parametrize("optin", ["true", True, "Yes", "on", "1", 0])
def test_02_booleans_as_text_stay_as_they_were_sent(optin: Any) -> None:
    """Only the mapping knows what a consent looks like."""
    assert entry(optin=optin).sections["fields"]["optin"] == optin


def test_03_a_field_with_a_reserved_name_is_kept_in_raw() -> None:
    """Which of two values wins on Komo's side is not documented."""
    submission = entry(score="my favourite score", id="Member 7")
    assert submission.sections["raw"]["score"] == "my favourite score"
    assert submission.sections["raw"]["id"] == "Member 7"
    assert submission.id == "s1"


def test_04_a_key_that_is_attribute_and_field_is_one_field() -> None:
    """They can't be told apart on the wire."""
    assert entry(email="mira@example.com").sections["fields"]["email"] == "mira@example.com"


def test_05_without_a_profile_the_session_is_known() -> None:
    """Most traffic has no profile."""
    sections = received(sample("card_viewed_anonymous")).sections
    assert sections["session"] == {"id": "233308a8-c720-4ded-8418-4a04f387583b"}
    assert "profile" not in sections


@pytest.mark.parametrize("blank", ["", " ", None])
def test_05_a_blank_profile_is_none(blank: Any) -> None:
    """Everybody without one would otherwise be the same person."""
    assert "profile" not in entry(user_profile_id=blank).sections


def test_06_a_view_without_any_person_is_a_submission() -> None:
    """Whether it is wanted is for the integration to say."""
    body = {key: value for key, value in sample("card_viewed_anonymous").items() if key != "user_session_id"}
    assert received(body).event == "CardViewed"


@pytest.mark.parametrize("name", ["sign_up_success", "site_viewed"])
def test_07_events_of_the_hub_have_no_card(name: str) -> None:
    """There is none."""
    assert "card" not in received(sample(name)).sections


def test_08_the_caption_user_attributes_is_dropped() -> None:
    """It is a heading of the documentation that slipped into its examples."""
    assert "User attributes" not in entry(**{"User attributes": ""}).sections["fields"]


@pytest.mark.parametrize("data", [b'{"event": "CardViewed", // the event\n"id": "1"}', b'{"event": "CardViewed",}'])
def test_09_published_examples_are_not_json(data: bytes) -> None:
    """Whoever pastes one learns where it breaks."""
    with pytest.raises(UnreadableBody, match="400"):
        read_body(data)


@pytest.mark.parametrize(
    "timestamp", ["2026-02-03T04:09:58Z", "2026-02-03T15:09:58.2301234+11:00", "2099-01-01T00:00:00Z", "soon", None, 5]
)
def test_10_no_timestamp_rejects_a_submission(timestamp: Any) -> None:
    """There is always the time of receipt."""
    submission = entry(timestamp=timestamp)
    assert submission.occurred_at.tzinfo is UTC
    assert submission.occurred_at <= RECEIVED_AT
    assert submission.sections["raw"]["timestamp"] == timestamp


@pytest.mark.parametrize("card_id", ["{5BB7FB0F-D8D9-415B-8725-460B8CE504DB}", "5BB7FB0FD8D9415B8725460B8CE504DB", 17])
def test_11_ids_are_kept_as_they_are(card_id: Any) -> None:
    """They are compared with what the integration names, and shown to people."""
    assert entry(card_id=card_id).sections["card"]["id"] == card_id


def test_12_an_id_that_repeats_hides_no_other_submission() -> None:
    """It names a component."""
    mira, tom = sample("competition_entry_success"), sample("sign_up_success")
    assert digest(mira) != digest(tom | {"id": mira["id"]})
    assert digest(mira) != digest(mira | {"competition_entry_id": "another"})
    assert digest(sample("card_viewed")) != digest(sample("card_viewed") | {"timestamp": "2026-02-03T04:05:07Z"})


def test_13_a_renamed_card_is_the_same_card() -> None:
    """Names are free text; ids are what rules compare."""
    renamed = entry(card_name="📣 <b>{{new}}</b>").sections["card"]
    assert renamed["id"] == entry().sections["card"]["id"]
    assert renamed["name"] == "📣 <b>{{new}}</b>"


def test_14_unknown_events_and_fields_pass_through() -> None:
    """The documented lists are lower bounds."""
    submission = entry(event="TreasureFound", treasure={"map": [1, 2]})
    assert submission.event == "TreasureFound"
    assert submission.sections["fields"]["treasure"] == {"map": [1, 2]}
    assert submission.sections["card"]["type"] == "Quiz"


def test_15_legacy_events_have_totals_but_no_answers() -> None:
    """`for_each` over no answers sends nothing, and fails nothing."""
    assert entry().sections["answers"] == []
    assert entry().sections["result"] == {"score": "7", "correct": "7"}


@pytest.mark.parametrize("choice", [["Sailing", "Rowing"], "Sailing,Rowing", '["Sailing","Rowing"]', "Sailing|Rowing"])
def test_16_multi_select_answers_stay_as_they_were_sent(choice: Any) -> None:
    """How Komo writes them is not documented; the mapping names the separator."""
    assert entry(interests=choice).sections["fields"]["interests"] == choice


@pytest.mark.parametrize("empty", ["", None])
def test_17_empty_and_null_fields_are_kept(empty: Any) -> None:
    """A mapping may clear an attribute on them."""
    assert entry(preferred_boat=empty).sections["fields"]["preferred_boat"] == empty


@pytest.mark.parametrize(
    "text",
    ["😀 \u202eright to left", "<script>alert(1)</script>", "{{${user.email}}}", "x" * 100_000, "\x00\x1f\u2028"],
)
def test_18_text_typed_by_the_public_is_kept(text: str) -> None:
    """Only what goes out is escaped, where it goes out."""
    assert entry(comment=text).sections["fields"]["comment"] == text


def test_19_both_spellings_of_the_browser_events_are_read() -> None:
    """Komo's pages use both."""
    for event, referrer in (("page-view", "referrer"), ("page-viewed", "referer")):
        submission = received({"eventName": event, "eventData": {referrer: "https://www.example.com/", "siteId": "h"}})
        assert submission.event == event
        assert submission.sections["hub"] == {"id": "h"}
        assert submission.sections["raw"]["eventData"][referrer] == "https://www.example.com/"


@pytest.mark.parametrize("name", ["coupon-viewed", "coupon-redeemed"])
def test_19_coupon_events_have_no_person(name: str) -> None:
    """Komo sends none, so none is guessed."""
    sections = received(sample(f"interaction/{name}")).sections
    assert not {"contact", "profile", "user", "session"} & sections.keys()
    assert sections["coupon"]["id"] == "81041cf1-360e-4cd1-bdbd-ba78d354ca8e"


def test_20_a_workflow_body_may_hold_text_for_everything() -> None:
    """Placeholders are replaced as text."""
    body = {
        "trigger": "Gameplay.Ended",
        "timestamp": "1770091798",
        "contact": '{"email": "mira@example.com"}',
        "gameplay": {"score": "7", "durationSeconds": ""},
    }
    submission = received(body)
    assert submission.sections["fields"] == {"email": "mira@example.com"}
    assert submission.sections["result"] == {"score": "7", "duration_s": ""}
    assert submission.warnings == ()


def test_21_problems_and_warnings_hold_no_personal_data() -> None:
    """They are logged, and the body is not."""
    with pytest.raises(UnreadableBody) as caught:
        read_body(b'{"email": "mira@example.com",}')
    assert "mira" not in str(caught.value) + repr(caught.value.problems)
    assert entry(timestamp="mira@example.com").warnings == ("occurred_at_unreadable",)
