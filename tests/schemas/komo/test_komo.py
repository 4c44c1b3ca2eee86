"""Every sample, read into the one shape."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.komo import as_text, person_marks, read_marks, read_submission
from schemas.submission import Submission

SAMPLES = Path(__file__).parents[2] / "data" / "komo"
RECEIVED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

HUB = {"id": "b1cb1816-7d85-457c-9f32-2a1422d00e17", "name": "Harbourside Summer Hub"}
QUIZ = {"id": "5bb7fb0f-d8d9-415b-8725-460b8ce504db", "name": "SUM26 quiz - sailing", "type": "Quiz"}
MIRA = {
    "session": {"id": "8a1e6f91-0951-4549-a823-213cb38eb51c"},
    "profile": {"id": "5fbd48da-8157-4056-9496-0b4de48e224b"},
}
MIRA_AS_CONTACT = {"contact": {"id": "1a306ce2-9f4a-4d58-afb7-fb492f5fca05"}}
MIRA_AS_USER = {"user": {"id": "db4b4019-d184-4f29-8669-d2723a604f08"}, **MIRA_AS_CONTACT}
TOM_AS_CONTACT = {"contact": {"id": "1f5f1573-3e36-43ab-81be-5112f6c70655"}}
TOM_AS_USER = {"user": {"id": "46c853e3-1ef2-4445-b91d-047126fb6a74"}, **TOM_AS_CONTACT}
INES_AS_CONTACT = {"contact": {"id": "1946f580-3cae-445c-9069-80ba1f71f6fa"}}
INES_AS_USER = {"user": {"id": "3b7040a0-38d0-4604-a124-e839b9cbfb00"}, **INES_AS_CONTACT}
MIRA_FIELDS = {"email": "mira.kestrel@example.com", "first_name": "Mira", "last_name": "Kestrel"}
MIRA_CONTACT = {**MIRA_FIELDS, "favourite_team": "Harbourside Gulls"}
TOM_FIELDS = {"email": "tom.ashdown@example.com", "first_name": "Tom", "last_name": "Ashdown"}
INES_CONTACT = {"email": "ines.vale@example.com", "first_name": "Inês", "last_name": "Vale", "postcode": "04170"}
NO_PLAY = {"score": "0", "correct": "0"}
FULL_PLAY = {"score": "7", "correct": "7"}
ENTRY = {"id": "35d1990a-8d83-482a-9840-8d39c2209e5b", "submission_id": "c5693eee-b791-4378-8103-14055035bf96"}
QUIZ_C = {**QUIZ, "sub_type": "Quiz"}
TRACKED = {
    "tracked": {"favourite_team": "Harbourside Gulls"},
    "extension": {"loyalty_ref": "HB-00417"},
}
COUPON = {"id": "81041cf1-360e-4cd1-bdbd-ba78d354ca8e", "offer_id": "abaf62ff-19ca-4c7e-8ad1-e8abb9e1d4d0"}
SURVEY = {
    "id": "526169f2-9672-4661-a8c6-ce8e7d3f266a",
    "name": "Match day feedback",
    "recipient_id": "acc7d7d6-fda4-47a8-9c3f-c2470f83622d",
}
POLL = {"id": "0583542f-4cd5-413d-8c6e-3438c63be5a9", "name": "SUM26 poll - beach", "type": "Poll"}
PERSONALITY = {"id": "e35fd989-b021-4ac8-8c31-76236de8809a", "name": "SUM26 personality - skipper"}

#: Event, moment, and every section with something in it but submission and raw.
EXPECTED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "card_viewed": (
        "CardViewed",
        "2026-02-03T04:05:06.789Z",
        {"hub": HUB, "card": QUIZ, **MIRA, "result": NO_PLAY, "fields": MIRA_CONTACT},
    ),
    "card_viewed_anonymous": (
        "CardViewed",
        "2026-02-03T04:11:40.015Z",
        {"hub": HUB, "card": QUIZ, "session": {"id": "233308a8-c720-4ded-8418-4a04f387583b"}, "result": NO_PLAY},
    ),
    "card_cover_clicked": (
        "CardCoverClicked",
        "2026-02-03T04:05:02.110Z",
        {
            "hub": HUB,
            "card": QUIZ,
            **MIRA,
            "result": NO_PLAY,
            "fields": {"email": "mira.kestrel@example.com", "first_name": "Mira"},
        },
    ),
    "quiz_started": (
        "QuizStarted",
        "2026-02-03T04:05:15.402Z",
        {"hub": HUB, "card": QUIZ, **MIRA, "result": NO_PLAY, "fields": {"email": "mira.kestrel@example.com"}},
    ),
    "competition_entry_success": (
        "CompetitionEntrySuccess",
        "2026-02-03T04:09:58.230Z",
        {
            "hub": HUB,
            "card": QUIZ,
            **MIRA,
            "result": FULL_PLAY,
            "entry": ENTRY,
            "fields": {
                **MIRA_CONTACT,
                "mobile": "+61491570006",
                "date_of_birth": "1991-08-17",
                "country": "Australia",
                "preferred_boat": "Dinghy",
                "optin": "true",
            },
        },
    ),
    "sign_up_success": (
        "SignUpSuccess",
        "2026-02-04T21:30:00.000Z",
        {
            "hub": HUB,
            "session": {"id": "233308a8-c720-4ded-8418-4a04f387583b"},
            "profile": {"id": "012e4e3f-a801-487e-9900-011f20c187c3"},
            "entry": {"submission_id": "f446ab69-f4e0-49cb-9e39-a4fb6224f1ea"},
            "fields": {**TOM_FIELDS, "optin": "true"},
        },
    ),
    "site_viewed": (
        "SiteViewed",
        "2026-02-04T21:28:44.901Z",
        {"hub": HUB, "session": {"id": "233308a8-c720-4ded-8418-4a04f387583b"}},
    ),
    "prize_awarded": (
        "PrizeAwarded",
        "2026-02-20T01:00:00.000Z",
        {
            "hub": HUB,
            "card": QUIZ,
            **MIRA,
            "result": FULL_PLAY,
            "entry": ENTRY,
            "prize": {
                "id": "dd530390-0355-484f-a7a2-894bd120fa23",
                "name": "Weekend on the water for two",
                "recipient_id": "139f377e-9ff4-4892-8121-730c9f7e26fb",
            },
            "fields": {**MIRA_FIELDS, "optin": "true"},
        },
    ),
    "interaction/card-viewed": (
        "card-viewed",
        "2026-02-03T04:05:06.789Z",
        {"hub": HUB, "card": QUIZ_C, **MIRA_AS_USER, **TRACKED},
    ),
    "interaction/card-shared": (
        "card-shared",
        "2026-02-03T04:12:30.004Z",
        {"hub": HUB, "card": QUIZ_C, **MIRA_AS_USER},
    ),
    "interaction/form-start": (
        "form-start",
        "2026-02-03T04:08:01.500Z",
        {"hub": HUB, "card": QUIZ_C, **MIRA_AS_USER},
    ),
    "interaction/form-submission": (
        "form-submission",
        "2026-02-03T04:09:58.230Z",
        {"hub": HUB, "card": QUIZ_C, **MIRA_AS_USER, **TRACKED},
    ),
    "interaction/coupon-viewed": (
        "coupon-viewed",
        "2026-02-21T08:15:00.000Z",
        {"hub": {"id": HUB["id"]}, "coupon": COUPON},
    ),
    "interaction/coupon-redeemed": (
        "coupon-redeemed",
        "2026-02-22T02:45:10.250Z",
        {"hub": {"id": HUB["id"]}, "coupon": COUPON},
    ),
    "interaction/survey-viewed": (
        "survey-viewed",
        "2026-02-23T06:00:00.000Z",
        {"hub": HUB, "survey": SURVEY, **INES_AS_USER},
    ),
    "interaction/survey-submitted": (
        "survey-submitted",
        "2026-02-23T06:03:27.640Z",
        {"hub": HUB, "survey": SURVEY, **INES_AS_USER},
    ),
    "inferred/interaction_card-answered_quiz": (
        "card-answered",
        "2026-02-03T04:06:20.000Z",
        {
            "hub": HUB,
            "card": QUIZ_C,
            **MIRA_AS_USER,
            "answers": [
                {
                    "question_id": "ed53b291-0b6a-4d23-861a-474ac0e64334",
                    "question": "Which side of a boat is port?",
                    "answer": "Left",
                    "answer_id": "8dd63b80-1077-4b5d-855c-ed18f8505211",
                    "correct": True,
                    "kind": "Quiz",
                }
            ],
        },
    ),
    "inferred/interaction_card-answered_poll": (
        "card-answered",
        "2026-02-05T10:00:00.000Z",
        {
            "hub": HUB,
            "card": {**POLL, "type": "Quiz", "sub_type": "Poll"},
            **TOM_AS_USER,
            "answers": [
                {
                    "question_id": "c8be0c35-5607-4d55-9ba8-ed90b066495d",
                    "question": "Best beach of the bay?",
                    "answer": "North Cove",
                    "answer_id": "6f4d7ced-747b-48d7-8a5c-aa25bbc1f8d9",
                    "kind": "Poll",
                }
            ],
        },
    ),
    "inferred/interaction_card-answered_personality": (
        "card-answered",
        "2026-02-06T11:22:33.000Z",
        {
            "hub": HUB,
            "card": {**PERSONALITY, "type": "Quiz", "sub_type": "Personality"},
            **INES_AS_USER,
            "answers": [
                {
                    "question_id": "ffb39e2c-2bab-4677-8780-9c0937cd351a",
                    "question": "A squall is coming. You...",
                    "answer": "Reef early and put the kettle on",
                    "answer_id": "f0f19960-35c4-44ef-86f0-3c60ae6bd184",
                    "kind": "Personality",
                }
            ],
        },
    ),
    "inferred/interaction_card-clicked_vote": (
        "card-clicked",
        "2026-02-07T09:10:11.000Z",
        {
            "hub": HUB,
            "card": {
                "id": "dde53f64-b9a5-4b5f-b3c1-8c1b55270a2c",
                "name": "SUM26 vote - player of the day",
                "type": "Vote",
                "sub_type": "Carousel",
            },
            **TOM_AS_USER,
            "answers": [{"answer": "Number 9", "answer_id": "6ff9fe6d-3f08-4917-aae7-95d4afe62223", "kind": "Vote"}],
        },
    ),
    "inferred/workflow_contact_identified": (
        "Contact.Identified",
        "2026-02-04T21:30:00.000Z",
        {"hub": HUB, **TOM_AS_CONTACT, "fields": {**TOM_FIELDS, "source": "Harbourside Summer Hub"}},
    ),
    "inferred/workflow_contact_list_added": (
        "Contact.ListAdded",
        "2026-02-11T12:00:00.000Z",
        {"hub": HUB, **MIRA_AS_CONTACT, "fields": {**MIRA_CONTACT, "list": {"name": "Season members"}}},
    ),
    "inferred/workflow_contact_property_updated": (
        "Contact.PropertyUpdated",
        "2026-02-09T12:00:00.000Z",
        {"hub": HUB, **INES_AS_CONTACT, "fields": INES_CONTACT},
    ),
    "inferred/workflow_contact_verified_sso": (
        "Contact.Verified.Sso",
        "2026-02-10T12:00:00.000Z",
        {"hub": HUB, **TOM_AS_CONTACT, "fields": {**TOM_FIELDS, "verification": {"provider": "example-club-sso"}}},
    ),
    "inferred/workflow_coupon_redeemed": (
        "Coupon.Redeemed",
        "2026-02-22T02:45:10.000Z",
        {
            "hub": HUB,
            **MIRA_AS_CONTACT,
            "coupon": {**COUPON, "offerName": "2 for 1 coffee", "code": "GULLS-2FOR1-0042"},
            "fields": MIRA_CONTACT,
        },
    ),
    "inferred/workflow_gameplay_action_poll_vote": (
        "Gameplay.Action",
        "2026-02-05T10:00:00.000Z",
        {
            "hub": HUB,
            "card": POLL,
            **TOM_AS_CONTACT,
            "answers": [{"question": "Best beach of the bay?", "answer": "North Cove", "kind": "Poll"}],
            "fields": TOM_FIELDS,
        },
    ),
    "inferred/workflow_gameplay_action_quiz_answer": (
        "Gameplay.Action",
        "2026-02-03T04:06:20.000Z",
        {
            "hub": HUB,
            "card": QUIZ,
            **MIRA_AS_CONTACT,
            "answers": [
                {"question": "Which side of a boat is port?", "answer": "Left", "correct": "true", "kind": "Quiz"}
            ],
            "fields": MIRA_CONTACT,
        },
    ),
    "inferred/workflow_gameplay_action_swiper": (
        "Gameplay.Action",
        "2026-02-08T19:45:00.000Z",
        {
            "hub": HUB,
            "card": {"id": "2e432cd4-4edb-4a59-89e3-2949b3995201", "name": "SUM26 swiper - snacks", "type": "Swiper"},
            **INES_AS_CONTACT,
            "answers": [{"question": "Fish and chips", "answer": "Like", "kind": "Swiper"}],
            "fields": INES_CONTACT,
        },
    ),
    "inferred/workflow_gameplay_data_captured": (
        "Gameplay.DataCaptured",
        "2026-02-03T04:09:58.000Z",
        {
            "hub": HUB,
            "card": QUIZ,
            **MIRA_AS_CONTACT,
            "entry": {"submission_id": "c5693eee-b791-4378-8103-14055035bf96", "qualified": "true"},
            "fields": {**MIRA_CONTACT, "mobile": "+61491570006", "preferred_boat": "Dinghy", "optin": "true"},
        },
    ),
    "inferred/workflow_gameplay_data_captured_qualified": (
        "Gameplay.DataCapturedQualified",
        "2026-02-03T04:09:58.000Z",
        {
            "hub": HUB,
            "card": QUIZ,
            **MIRA_AS_CONTACT,
            "entry": {"submission_id": "c5693eee-b791-4378-8103-14055035bf96"},
            "fields": {**MIRA_CONTACT, "optin": "true"},
        },
    ),
    "inferred/workflow_gameplay_ended_quiz": (
        "Gameplay.Ended",
        "2026-02-03T04:08:00.000Z",
        {
            "hub": HUB,
            "card": QUIZ,
            **MIRA_AS_CONTACT,
            "result": {**FULL_PLAY, "status": "Completed", "duration_s": "165", "questions": "10"},
            "fields": MIRA_CONTACT,
        },
    ),
    "inferred/workflow_gameplay_ended_personality": (
        "Gameplay.Ended",
        "2026-02-06T11:25:00.000Z",
        {
            "hub": HUB,
            "card": {**PERSONALITY, "type": "Personality"},
            **INES_AS_CONTACT,
            "result": {"status": "Completed", "duration_s": "88", "outcome": "The Calm Skipper"},
            "fields": INES_CONTACT,
        },
    ),
    "inferred/workflow_prize_won": (
        "Prize.Won",
        "2026-02-20T01:00:00.000Z",
        {
            "hub": HUB,
            "card": {"id": "ce9c02e4-aafb-4062-97ff-bbaaeca05990", "name": "SUM26 spin - merch", "type": "Spin to Win"},
            **MIRA_AS_CONTACT,
            "prize": {
                "id": "b3c5ccd1-1df7-4fd9-a5c7-2fb5e1981b50",
                "name": "Team scarf",
                "recipient_id": "9759f4e7-47f1-439d-96f6-3434ae353b3d",
            },
            "fields": MIRA_CONTACT,
        },
    ),
}


def sample(name: str) -> dict[str, Any]:
    body = json.loads((SAMPLES / f"{name}.json").read_bytes())
    assert isinstance(body, dict)
    return body


def read(body: dict[str, Any]) -> Submission:
    return read_submission(body, id="s1", received_at=RECEIVED_AT)


def sections_of(submission: Submission) -> dict[str, Any]:
    """The sections with something in them, but for submission and raw."""
    return {name: block for name, block in submission.sections.items() if block and name not in ("submission", "raw")}


def test_every_sample_is_spelled_out_here() -> None:
    """A sample without expectation would prove nothing."""
    names = {path.relative_to(SAMPLES).with_suffix("").as_posix() for path in SAMPLES.rglob("*.json")}
    assert names == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample_is_read_into_its_sections(name: str) -> None:
    """Mappings are written once, for all three shapes."""
    event, occurred_at, sections = EXPECTED[name]
    body = sample(name)

    submission = read(body)

    assert (submission.event, as_text(submission.occurred_at), submission.warnings) == (event, occurred_at, ())
    assert sections_of(submission) == sections
    assert submission.sections["submission"] == {
        "id": "s1",
        "event": event,
        "occurred_at": occurred_at,
        "received_at": "2026-03-01T12:00:00.000Z",
    }


@pytest.mark.parametrize("name", EXPECTED)
def test_the_body_stays_as_it_came(name: str) -> None:
    """`raw` is the last resort of every mapping, and what a person is shown."""
    body = sample(name)
    assert read(body).sections["raw"] == sample(name)


@pytest.mark.parametrize(
    ("body", "event"),
    [
        ({}, ""),
        ({"event": 7, "x": 1}, ""),
        ({"event": "QuestionAnswered", "x": 1}, "QuestionAnswered"),
        ({"eventName": "quiz.finished", "x": 1}, "quiz.finished"),
        ({"type": "receipt", "x": 1}, "receipt"),
        ({"event": {"name": "nested"}, "type": "receipt"}, "receipt"),
    ],
)
def test_an_object_that_nobody_announced_is_an_event_with_its_members_as_fields(
    body: dict[str, Any], event: str
) -> None:
    """Refusing it would lose it; a mapping may name whatever it holds."""
    submission = read(body)
    assert submission.event == event
    assert submission.sections["fields"] == body
    assert submission.sections["raw"] == body
    assert submission.occurred_at == RECEIVED_AT
    assert submission.warnings == ("occurred_at_absent",)


def test_the_time_of_receipt_stands_in_with_a_warning() -> None:
    """A wrong clock on a phone must not put an event into next year."""
    ahead = as_text(RECEIVED_AT + timedelta(minutes=6))
    submission = read(sample("card_viewed") | {"timestamp": ahead})
    assert submission.occurred_at == RECEIVED_AT
    assert submission.warnings == ("occurred_at_in_the_future",)


def test_marks_are_found_in_every_shape() -> None:
    """They tell a retry from a new submission."""
    legacy, workflow = read_marks(sample("prize_awarded")), read_marks(sample("inferred/workflow_prize_won"))
    form = read_marks(sample("inferred/workflow_gameplay_data_captured"))
    click = read_marks(sample("interaction/survey-submitted"))
    assert legacy.prize_recipient_id == "139f377e-9ff4-4892-8121-730c9f7e26fb"
    assert (legacy.entry_id, legacy.submission_id) == (ENTRY["id"], ENTRY["submission_id"])
    assert (workflow.id, workflow.prize_recipient_id) == (
        "ebe9e44b-7495-4b5c-93af-7988af99df01",
        "9759f4e7-47f1-439d-96f6-3434ae353b3d",
    )
    assert form.submission_id == ENTRY["submission_id"]
    # A survey's recipient is no prize recipient.
    assert (click.id, click.prize_recipient_id, click.timestamp) == (None, None, "2026-02-23T06:03:27.640Z")


def test_the_ids_of_a_person_are_of_four_kinds_in_their_order() -> None:
    """One that is empty would make one person of everybody who left it empty."""
    sections = {
        "session": {"id": "{8A1E6F91-0951-4549-A823-213CB38EB51C}"},
        "user": {"id": " u1 "},
        "profile": {"id": ""},
        "contact": {"id": 7},
    }

    assert person_marks(sections) == (
        ("contact", "7"),
        ("user", "u1"),
        ("session", "8a1e6f91-0951-4549-a823-213cb38eb51c"),
    )


@pytest.mark.parametrize("block", [None, "x", {}, {"id": None}, {"id": True}, {"id": ["c"]}, {"other": 1}])
def test_what_is_no_id_marks_nobody(block: Any) -> None:
    """Nothing is joined by it."""
    assert person_marks({"contact": block}) == ()


def test_every_sample_marks_whom_komo_knows() -> None:
    """Coupon events alone name nobody."""
    for path in SAMPLES.rglob("*.json"):
        sections = read_submission(json.loads(path.read_bytes()), id="s1", received_at=RECEIVED_AT).sections
        assert bool(person_marks(sections)) == ("coupon-" not in path.name)
