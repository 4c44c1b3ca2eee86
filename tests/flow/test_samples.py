"""Every sample of what Komo sends, under one mapping, becomes exactly the Braze objects spelled out here."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.integration import read_document
from schemas.komo import read_submission
from workers.identify import identify
from workers.pack import Item, pack
from workers.transform import compile_mapping, wanted

SAMPLES = Path(__file__).parents[1] / "data" / "komo"
RECEIVED_AT = datetime(2026, 3, 1, tzinfo=UTC)

#: One hub's mapping: by e-mail where there is one, else by Komo's contact.
DOCUMENT: dict[str, Any] = {
    "id": "summer-hub",
    "name": "Harbourside summer hub",
    "default_region": "AU",
    "accept": {"site_ids": ["b1cb1816-7d85-457c-9f32-2a1422d00e17"], "when": {"entry.qualified": [True, None]}},
    "braze": {"rest_endpoint": "https://rest.au-01.braze.com", "api_key": "made-up"},
    "identifiers": [
        {"kind": "user_alias", "field": "email", "alias_label": "email"},
        {"kind": "user_alias", "field": "contact.id", "alias_label": "komo_contact"},
    ],
    "attributes": [
        {"field": "first_name", "attribute": "first_name"},
        {"field": "last_name", "attribute": "last_name"},
        {"field": "email", "attribute": "email"},
        {"field": "mobile", "attribute": "phone"},
        {"field": "country", "attribute": "country"},
        {"field": "date_of_birth", "attribute": "dob", "format": "YYYY-MM-DD"},
        {"field": "tracked.favourite_team", "attribute": "favourite_team"},
        {"field": "favourite_team", "attribute": "favourite_team"},
        {"field": "postcode", "attribute": "postcode"},
        {"field": "preferred_boat", "attribute": "boat.kind"},
        {"question": "Best beach of the bay?", "attribute": "favourite_beach"},
        {"field": "result.outcome", "attribute": "personality", "when": {"card.type": "Personality"}},
        {
            "field": "result.score",
            "attribute": "quiz_score",
            "type": "number",
            "when": {"submission.event": ["CompetitionEntrySuccess", "Gameplay.Ended"], "card.type": "Quiz"},
        },
        {"field": "optin", "attribute": "hub_optin", "type": "boolean"},
        {"field": "raw.list.name", "attribute": "komo_list"},
    ],
    "events": [
        {
            "name": "komo_interaction",
            "when": {
                "submission.event": [
                    "CardViewed",
                    "card-viewed",
                    "card-shared",
                    "form-start",
                    "survey-viewed",
                    "survey-submitted",
                ]
            },
            "properties": {
                "action": "submission.event",
                "card": "card.name",
                "survey": "survey.name",
                "ref": "extension.loyalty_ref",
            },
        },
        {
            "name": "komo_entry",
            "when": {"submission.event": ["CompetitionEntrySuccess", "Gameplay.DataCaptured", "form-submission"]},
            "properties": {
                "card": "card.name",
                "score": {"field": "result.score", "type": "number"},
                "entry": "entry.submission_id",
                "source": {"value": "komo"},
            },
        },
        {
            "name": "komo_answer",
            "for_each": "answers",
            "properties": {
                "card": "card.name",
                "question": "question",
                "answer": "answer",
                "correct": {"field": "correct", "type": "boolean"},
            },
        },
        {
            "name": "komo_prize",
            "when": {"submission.event": ["PrizeAwarded", "Prize.Won"]},
            "properties": {"prize": "prize.name", "recipient": "prize.recipient_id"},
        },
        {
            "name": "komo_coupon",
            "when": {"submission.event": ["Coupon.Redeemed", "coupon-redeemed"]},
            "properties": {"offer": "coupon.offer_id", "coupon": "coupon.id"},
        },
    ],
}


def alias(name: str, label: str) -> dict[str, Any]:
    return {"user_alias": {"alias_name": name, "alias_label": label}}


MIRA = alias("mira.kestrel@example.com", "email")
TOM = alias("tom.ashdown@example.com", "email")
INES = alias("ines.vale@example.com", "email")
MIRA_CONTACT = alias("1a306ce2-9f4a-4d58-afb7-fb492f5fca05", "komo_contact")
TOM_CONTACT = alias("1f5f1573-3e36-43ab-81be-5112f6c70655", "komo_contact")
INES_CONTACT = alias("1946f580-3cae-445c-9069-80ba1f71f6fa", "komo_contact")
#: An alias is only created by an attributes object that says so.
CREATES = {"_update_existing_only": False}

#: What Braze gets of each; None where nobody is named, so that nothing can be sent.
EXPECTED: dict[str, dict[str, Any] | None] = {
    "card_cover_clicked.json": {
        "attributes": [{**MIRA, **CREATES, "first_name": "Mira", "email": "mira.kestrel@example.com"}]
    },
    "card_viewed.json": {
        "attributes": [
            {
                **MIRA,
                **CREATES,
                "first_name": "Mira",
                "last_name": "Kestrel",
                "email": "mira.kestrel@example.com",
                "favourite_team": "Harbourside Gulls",
            }
        ],
        "events": [
            {
                **MIRA,
                "name": "komo_interaction",
                "time": "2026-02-03T04:05:06.789Z",
                "properties": {"action": "CardViewed", "card": "SUM26 quiz - sailing", "komo_submission_id": "s1:1"},
            }
        ],
    },
    "card_viewed_anonymous.json": None,
    "competition_entry_success.json": {
        "attributes": [
            {
                **MIRA,
                **CREATES,
                "first_name": "Mira",
                "last_name": "Kestrel",
                "email": "mira.kestrel@example.com",
                "phone": "+61491570006",
                "country": "AU",
                "dob": "1991-08-17",
                "favourite_team": "Harbourside Gulls",
                "quiz_score": 7,
                "hub_optin": True,
                "_merge_objects": True,
                "boat": {"kind": "Dinghy"},
            }
        ],
        "events": [
            {
                **MIRA,
                "name": "komo_entry",
                "time": "2026-02-03T04:09:58.230Z",
                "properties": {
                    "card": "SUM26 quiz - sailing",
                    "score": 7,
                    "entry": "c5693eee-b791-4378-8103-14055035bf96",
                    "source": "komo",
                    "komo_submission_id": "s1:2",
                },
            }
        ],
    },
    "inferred/interaction_card-answered_personality.json": {
        "attributes": [{**INES_CONTACT, **CREATES}],
        "events": [
            {
                **INES_CONTACT,
                "name": "komo_answer",
                "time": "2026-02-06T11:22:33.000Z",
                "properties": {
                    "card": "SUM26 personality - skipper",
                    "question": "A squall is coming. You...",
                    "answer": "Reef early and put the kettle on",
                    "komo_submission_id": "s1:3.1",
                },
            }
        ],
    },
    "inferred/interaction_card-answered_poll.json": {
        "attributes": [{**TOM_CONTACT, **CREATES, "favourite_beach": "North Cove"}],
        "events": [
            {
                **TOM_CONTACT,
                "name": "komo_answer",
                "time": "2026-02-05T10:00:00.000Z",
                "properties": {
                    "card": "SUM26 poll - beach",
                    "question": "Best beach of the bay?",
                    "answer": "North Cove",
                    "komo_submission_id": "s1:3.1",
                },
            }
        ],
    },
    "inferred/interaction_card-answered_quiz.json": {
        "attributes": [{**MIRA_CONTACT, **CREATES}],
        "events": [
            {
                **MIRA_CONTACT,
                "name": "komo_answer",
                "time": "2026-02-03T04:06:20.000Z",
                "properties": {
                    "card": "SUM26 quiz - sailing",
                    "question": "Which side of a boat is port?",
                    "answer": "Left",
                    "correct": True,
                    "komo_submission_id": "s1:3.1",
                },
            }
        ],
    },
    "inferred/interaction_card-clicked_vote.json": {
        "attributes": [{**TOM_CONTACT, **CREATES}],
        "events": [
            {
                **TOM_CONTACT,
                "name": "komo_answer",
                "time": "2026-02-07T09:10:11.000Z",
                "properties": {
                    "card": "SUM26 vote - player of the day",
                    "answer": "Number 9",
                    "komo_submission_id": "s1:3.1",
                },
            }
        ],
    },
    "inferred/workflow_contact_identified.json": {
        "attributes": [
            {**TOM, **CREATES, "first_name": "Tom", "last_name": "Ashdown", "email": "tom.ashdown@example.com"}
        ]
    },
    "inferred/workflow_contact_list_added.json": {
        "attributes": [
            {
                **MIRA,
                **CREATES,
                "first_name": "Mira",
                "last_name": "Kestrel",
                "email": "mira.kestrel@example.com",
                "favourite_team": "Harbourside Gulls",
                "komo_list": "Season members",
            }
        ]
    },
    "inferred/workflow_contact_property_updated.json": {
        "attributes": [
            {
                **INES,
                **CREATES,
                "first_name": "Inês",
                "last_name": "Vale",
                "email": "ines.vale@example.com",
                "postcode": "04170",
            }
        ]
    },
    "inferred/workflow_contact_verified_sso.json": {
        "attributes": [
            {**TOM, **CREATES, "first_name": "Tom", "last_name": "Ashdown", "email": "tom.ashdown@example.com"}
        ]
    },
    "inferred/workflow_coupon_redeemed.json": {
        "attributes": [
            {
                **MIRA,
                **CREATES,
                "first_name": "Mira",
                "last_name": "Kestrel",
                "email": "mira.kestrel@example.com",
                "favourite_team": "Harbourside Gulls",
            }
        ],
        "events": [
            {
                **MIRA,
                "name": "komo_coupon",
                "time": "2026-02-22T02:45:10.000Z",
                "properties": {
                    "offer": "abaf62ff-19ca-4c7e-8ad1-e8abb9e1d4d0",
                    "coupon": "81041cf1-360e-4cd1-bdbd-ba78d354ca8e",
                    "komo_submission_id": "s1:5",
                },
            }
        ],
    },
    "inferred/workflow_gameplay_action_poll_vote.json": {
        "attributes": [
            {
                **TOM,
                **CREATES,
                "first_name": "Tom",
                "last_name": "Ashdown",
                "email": "tom.ashdown@example.com",
                "favourite_beach": "North Cove",
            }
        ],
        "events": [
            {
                **TOM,
                "name": "komo_answer",
                "time": "2026-02-05T10:00:00.000Z",
                "properties": {
                    "card": "SUM26 poll - beach",
                    "question": "Best beach of the bay?",
                    "answer": "North Cove",
                    "komo_submission_id": "s1:3.1",
                },
            }
        ],
    },
    "inferred/workflow_gameplay_action_quiz_answer.json": {
        "attributes": [
            {
                **MIRA,
                **CREATES,
                "first_name": "Mira",
                "last_name": "Kestrel",
                "email": "mira.kestrel@example.com",
                "favourite_team": "Harbourside Gulls",
            }
        ],
        "events": [
            {
                **MIRA,
                "name": "komo_answer",
                "time": "2026-02-03T04:06:20.000Z",
                "properties": {
                    "card": "SUM26 quiz - sailing",
                    "question": "Which side of a boat is port?",
                    "answer": "Left",
                    "correct": True,
                    "komo_submission_id": "s1:3.1",
                },
            }
        ],
    },
    "inferred/workflow_gameplay_action_swiper.json": {
        "attributes": [
            {
                **INES,
                **CREATES,
                "first_name": "Inês",
                "last_name": "Vale",
                "email": "ines.vale@example.com",
                "postcode": "04170",
            }
        ],
        "events": [
            {
                **INES,
                "name": "komo_answer",
                "time": "2026-02-08T19:45:00.000Z",
                "properties": {
                    "card": "SUM26 swiper - snacks",
                    "question": "Fish and chips",
                    "answer": "Like",
                    "komo_submission_id": "s1:3.1",
                },
            }
        ],
    },
    "inferred/workflow_gameplay_data_captured.json": {
        "attributes": [
            {
                **MIRA,
                **CREATES,
                "first_name": "Mira",
                "last_name": "Kestrel",
                "email": "mira.kestrel@example.com",
                "phone": "+61491570006",
                "favourite_team": "Harbourside Gulls",
                "hub_optin": True,
                "_merge_objects": True,
                "boat": {"kind": "Dinghy"},
            }
        ],
        "events": [
            {
                **MIRA,
                "name": "komo_entry",
                "time": "2026-02-03T04:09:58.000Z",
                "properties": {
                    "card": "SUM26 quiz - sailing",
                    "entry": "c5693eee-b791-4378-8103-14055035bf96",
                    "source": "komo",
                    "komo_submission_id": "s1:2",
                },
            }
        ],
    },
    "inferred/workflow_gameplay_data_captured_qualified.json": {
        "attributes": [
            {
                **MIRA,
                **CREATES,
                "first_name": "Mira",
                "last_name": "Kestrel",
                "email": "mira.kestrel@example.com",
                "favourite_team": "Harbourside Gulls",
                "hub_optin": True,
            }
        ]
    },
    "inferred/workflow_gameplay_ended_personality.json": {
        "attributes": [
            {
                **INES,
                **CREATES,
                "first_name": "Inês",
                "last_name": "Vale",
                "email": "ines.vale@example.com",
                "postcode": "04170",
                "personality": "The Calm Skipper",
            }
        ]
    },
    "inferred/workflow_gameplay_ended_quiz.json": {
        "attributes": [
            {
                **MIRA,
                **CREATES,
                "first_name": "Mira",
                "last_name": "Kestrel",
                "email": "mira.kestrel@example.com",
                "favourite_team": "Harbourside Gulls",
                "quiz_score": 7,
            }
        ]
    },
    "inferred/workflow_prize_won.json": {
        "attributes": [
            {
                **MIRA,
                **CREATES,
                "first_name": "Mira",
                "last_name": "Kestrel",
                "email": "mira.kestrel@example.com",
                "favourite_team": "Harbourside Gulls",
            }
        ],
        "events": [
            {
                **MIRA,
                "name": "komo_prize",
                "time": "2026-02-20T01:00:00.000Z",
                "properties": {
                    "prize": "Team scarf",
                    "recipient": "9759f4e7-47f1-439d-96f6-3434ae353b3d",
                    "komo_submission_id": "s1:4",
                },
            }
        ],
    },
    "interaction/card-shared.json": {
        "attributes": [{**MIRA_CONTACT, **CREATES}],
        "events": [
            {
                **MIRA_CONTACT,
                "name": "komo_interaction",
                "time": "2026-02-03T04:12:30.004Z",
                "properties": {"action": "card-shared", "card": "SUM26 quiz - sailing", "komo_submission_id": "s1:1"},
            }
        ],
    },
    "interaction/card-viewed.json": {
        "attributes": [{**MIRA_CONTACT, **CREATES, "favourite_team": "Harbourside Gulls"}],
        "events": [
            {
                **MIRA_CONTACT,
                "name": "komo_interaction",
                "time": "2026-02-03T04:05:06.789Z",
                "properties": {
                    "action": "card-viewed",
                    "card": "SUM26 quiz - sailing",
                    "ref": "HB-00417",
                    "komo_submission_id": "s1:1",
                },
            }
        ],
    },
    "interaction/coupon-redeemed.json": None,
    "interaction/coupon-viewed.json": None,
    "interaction/form-start.json": {
        "attributes": [{**MIRA_CONTACT, **CREATES}],
        "events": [
            {
                **MIRA_CONTACT,
                "name": "komo_interaction",
                "time": "2026-02-03T04:08:01.500Z",
                "properties": {"action": "form-start", "card": "SUM26 quiz - sailing", "komo_submission_id": "s1:1"},
            }
        ],
    },
    "interaction/form-submission.json": {
        "attributes": [{**MIRA_CONTACT, **CREATES, "favourite_team": "Harbourside Gulls"}],
        "events": [
            {
                **MIRA_CONTACT,
                "name": "komo_entry",
                "time": "2026-02-03T04:09:58.230Z",
                "properties": {"card": "SUM26 quiz - sailing", "source": "komo", "komo_submission_id": "s1:2"},
            }
        ],
    },
    "interaction/survey-submitted.json": {
        "attributes": [{**INES_CONTACT, **CREATES}],
        "events": [
            {
                **INES_CONTACT,
                "name": "komo_interaction",
                "time": "2026-02-23T06:03:27.640Z",
                "properties": {
                    "action": "survey-submitted",
                    "survey": "Match day feedback",
                    "komo_submission_id": "s1:1",
                },
            }
        ],
    },
    "interaction/survey-viewed.json": {
        "attributes": [{**INES_CONTACT, **CREATES}],
        "events": [
            {
                **INES_CONTACT,
                "name": "komo_interaction",
                "time": "2026-02-23T06:00:00.000Z",
                "properties": {"action": "survey-viewed", "survey": "Match day feedback", "komo_submission_id": "s1:1"},
            }
        ],
    },
    "prize_awarded.json": {
        "attributes": [
            {
                **MIRA,
                **CREATES,
                "first_name": "Mira",
                "last_name": "Kestrel",
                "email": "mira.kestrel@example.com",
                "hub_optin": True,
            }
        ],
        "events": [
            {
                **MIRA,
                "name": "komo_prize",
                "time": "2026-02-20T01:00:00.000Z",
                "properties": {
                    "prize": "Weekend on the water for two",
                    "recipient": "139f377e-9ff4-4892-8121-730c9f7e26fb",
                    "komo_submission_id": "s1:4",
                },
            }
        ],
    },
    "quiz_started.json": {"attributes": [{**MIRA, **CREATES, "email": "mira.kestrel@example.com"}]},
    "sign_up_success.json": {
        "attributes": [
            {
                **TOM,
                **CREATES,
                "first_name": "Tom",
                "last_name": "Ashdown",
                "email": "tom.ashdown@example.com",
                "hub_optin": True,
            }
        ]
    },
    "site_viewed.json": None,
}


@pytest.mark.parametrize("name", sorted(path.relative_to(SAMPLES).as_posix() for path in SAMPLES.rglob("*.json")))
def test_a_sample_becomes_these_objects(name: str) -> None:
    """Whoever changes how Komo is read or Braze is written sees here what it does to a profile."""
    integration = read_document(DOCUMENT).integration()
    submission = read_submission(orjson.loads((SAMPLES / name).read_bytes()), id="s1", received_at=RECEIVED_AT)
    person = identify(submission, integration)
    mapped = compile_mapping(integration).apply(submission, person)

    assert wanted(submission, integration)
    assert mapped.warnings == []
    if person is None:
        assert EXPECTED[name] is None
        return
    item = Item("s1", "1-0", person, mapped.attributes, mapped.events)
    packed = pack([item], max_objects=75, max_bytes=1_000_000)
    assert [orjson.loads(request.body) for request in packed.requests] == [EXPECTED[name]]


def test_every_sample_is_spelled_out() -> None:
    """A sample that is renamed must not drop out unseen."""
    assert {path.relative_to(SAMPLES).as_posix() for path in SAMPLES.rglob("*.json")} == EXPECTED.keys()
