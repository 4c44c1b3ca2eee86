"""What makes two deliveries the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.identity import Sameness, sameness

SAMPLES = Path(__file__).parents[1] / "data" / "komo"
EVERY_SAMPLE = sorted(SAMPLES.rglob("*.json"))


def sample(name: str) -> dict[str, Any]:
    body = json.loads((SAMPLES / f"{name}.json").read_bytes())
    assert isinstance(body, dict)
    return body


def same(body: dict[str, Any], delivery_id: str | None = None, place: int = 0) -> Sameness:
    return sameness(body, json.dumps(body).encode(), delivery_id=delivery_id, place=place)


def test_every_sample_is_another_submission_and_a_retry_is_the_same() -> None:
    """A digest that is too coarse loses people; one that is too fine writes to them twice."""
    digests = {same(json.loads(path.read_bytes())).digest for path in EVERY_SAMPLE}
    assert len(digests) == len(EVERY_SAMPLE)
    assert {same(json.loads(path.read_bytes())).digest for path in EVERY_SAMPLE} == digests
    assert {len(digest) for digest in digests} == {8}


def test_a_delivery_id_and_the_place_decide_alone() -> None:
    """The sender's own word is better than anything we could guess from the body."""
    view, form = sample("card_viewed"), sample("sign_up_success")
    assert same(view, "msg_1") == same(form, "msg_1")
    assert same(view, "msg_1") != same(view, "msg_2")
    assert same(view, "msg_1", place=0) != same(view, "msg_1", place=1)
    assert not same({"a": 1}, "msg_1").short_lived


def test_an_empty_delivery_id_is_none() -> None:
    """A relay that sends the header without a value would otherwise send one submission only, ever."""
    assert same(sample("card_viewed"), "") == same(sample("card_viewed"))


def test_ids_decide_before_the_body_does() -> None:
    """The retry of an entry may show a name that staff changed in between."""
    entry = sample("competition_entry_success")
    assert same(entry | {"card_name": "Renamed"}) == same(entry)


@pytest.mark.parametrize("key", ["event", "id", "competition_entry_id", "submission_id"])
def test_another_id_is_another_submission(key: str) -> None:
    """The prize for an entry carries the entry's ids, and `id` may repeat."""
    entry = sample("competition_entry_success")
    assert same(entry | {key: "another"}) != same(entry)
    without = {name: value for name, value in entry.items() if name != key}
    assert same(without) != same(entry)


def test_two_prizes_for_one_entry_are_two_submissions() -> None:
    """Only the prize recipient tells them apart."""
    prize = sample("prize_awarded")
    assert same(prize | {"prize_recipient_id": "another"}) != same(prize)


def test_komos_id_alone_is_not_enough() -> None:
    """It names a component, so everybody who views one card might carry the same."""
    view = sample("card_viewed")
    assert same(view | {"user_session_id": "another"}) != same(view)


@pytest.mark.parametrize("blank", ["", " ", None, [], {}, False])
def test_blank_ids_are_absent(blank: Any) -> None:
    """An empty placeholder must not make all entries one."""
    ids = {"competition_entry_id": blank, "submission_id": blank, "prize_recipient_id": blank}
    mira, tom = ({**sample("competition_entry_success"), **ids, "email": name} for name in ("mira", "tom"))
    assert same(mira) != same(tom)


def test_parts_do_not_run_into_each_other() -> None:
    """An entry id must not count as a submission id of the same text."""
    view = sample("card_viewed")
    assert same(view | {"competition_entry_id": "x"}) != same(view | {"submission_id": "x"})


def test_the_body_decides_however_it_is_spaced_and_ordered() -> None:
    """A relay may parse and write it again, or gather several into an array."""
    view = sample("card_viewed")
    shuffled = dict(reversed(view.items()))
    spaced = json.dumps(shuffled, indent=4).encode()
    assert sameness(shuffled, spaced, delivery_id=None, place=3) == same(view)
    assert same(view | {"score": "1"}) != same(view)


@pytest.mark.parametrize(
    ("body", "short_lived"),
    [
        ({"email": "mira@example.com"}, True),
        ({"email": "mira@example.com", "timestamp": ""}, True),
        ({"email": "mira@example.com", "id": ""}, True),
        ({"email": "mira@example.com", "id": 7}, False),
        ({"email": "mira@example.com", "timestamp": 1770091798}, False),
        ({"trigger": "Contact.Created", "runId": "r1"}, False),
        ({"eventName": "card-viewed", "eventData": {"timestamp": "2026-02-03T04:05:06Z"}}, False),
        ({"eventName": "card-viewed", "eventData": {"url": "https://play.example.com/"}}, True),
        ({"event": "SiteViewed", "site_id": "s"}, True),
    ],
)
def test_a_body_without_id_and_timestamp_is_remembered_shortly(body: dict[str, Any], short_lived: bool) -> None:
    """`{"vote": "yes"}` may come from two people within a day; the same bytes within minutes are a retry."""
    assert same(body).short_lived is short_lived


def test_a_workflow_run_and_its_form_submission_are_recognised_again() -> None:
    """A step that renders its body anew at each attempt may write another time into it."""
    form = sample("inferred/workflow_gameplay_data_captured")
    assert same(form | {"timestamp": "2026-02-03T04:10:59Z"}) == same(form)
    assert same(form | {"runId": "another"}) != same(form)
    assert same(form | {"trigger": "Gameplay.DataCapturedQualified"}) != same(form)
    assert same(form | {"form": {**form["form"], "submissionId": "another"}}) != same(form)


def test_answers_of_one_entry_without_a_run_are_told_apart_by_the_body() -> None:
    """Whoever composes a body may leave the run out and name the entry at every answer."""
    first = {"trigger": "Gameplay.Action", "entry": {"id": "e1"}, "action": {"question": "Port?", "answer": "Left"}}
    second = {**first, "action": {"question": "Port?", "answer": "Right"}}
    assert same(first) != same(second)
    assert same(first) == same(dict(first))


def test_what_orjson_can_not_write_is_told_apart_by_its_bytes() -> None:
    """A sample file sent by hand may be parsed by anything."""
    huge = {"n": 2**80}
    assert same(huge) == same(dict(huge))
    assert same(huge) != same({"n": 2**81})
