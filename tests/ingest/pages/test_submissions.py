"""The page of one submission."""

from typing import Any

import pytest
import redis

from ingest.pages import submissions
from tests.factories import an_integration
from tests.ingest.pages.komo import arrives, connect
from tests.letters import bury
from tests.visitor import Visitor, tags, words
from workers.store import Stores

HOSTILE = "<script>alert(1)</script>"


def test_it_says_what_happened_and_hides_what_people_typed(visitor: Visitor, stores: Stores) -> None:
    """Most who look want to know why it has not arrived, not what it says."""
    connect(stores)
    one = arrives(stores, first_name="Mia", number=7)

    page = visitor.open(f"/submissions/{one}")

    told = words(page)
    assert "Entry submitted : SUM26 quiz" in told
    assert "Why it has not arrived" in told
    assert "It waits for its turn." in told
    assert "Received and kept safe" in told
    assert "m***@e***.com" in told
    assert "&#34;first_name&#34;: &#34;•••••&#34;" in page.text
    assert "Mia" not in page.text
    assert "mia@" not in page.text


def test_values_are_shown_when_somebody_asks(visitor: Visitor, stores: Stores) -> None:
    """In the body, in what Braze gets, and of the person; and no browser keeps them."""
    connect(stores)
    one = arrives(stores)

    page = visitor.open(f"/submissions/{one}?show=values")

    assert page.text.count("mia@example.com") >= 3
    assert "https://rest.iad-03.braze.com/users/track" in page.text
    assert "today's rules" in words(page)
    assert page.headers["Cache-Control"] == "no-store"


def test_it_follows_what_is_not_over(visitor: Visitor, stores: Stores, store_connection: redis.Redis) -> None:
    """And tells the browser when nothing will change any more."""
    connect(stores)
    waits = arrives(stores)
    filtered = arrives(stores, 2, email=None, user_session_id=None)

    assert f"/submissions/{waits}" in [
        part.get("data-refresh") for part in tags(visitor.open(f"/submissions/{waits}"), "div")
    ]
    part = visitor.open(f"/submissions/{waits}?fragment=1")
    assert "<html" not in part.text
    assert "X-Refresh" not in part.headers
    over = visitor.open(f"/submissions/{filtered}?fragment=1")
    assert over.headers["X-Refresh"] == "end"
    assert "Nobody knows whose it is." in words(over)
    assert "data-refresh" not in visitor.open(f"/submissions/{filtered}").text


def test_a_dead_one_says_what_braze_said_and_what_to_do(
    visitor: Visitor, stores: Stores, store_connection: redis.Redis
) -> None:
    """With the buttons that do it."""
    connect(stores, identifiers=[{"kind": "external_id", "field": "member_id"}])
    attempts = [{"at": 1_795_435_200_000, "status": 400, "answer": "dob is no date", "duration_ms": 12, "objects": 2}]
    details = {
        "status": 400,
        "answer": "dob is no date",
        "number": 1,
        "attempts": attempts,
        "warnings": ["phone: phone_not_valid"],
    }
    one = bury(store_connection, an_integration(), details=details)

    page = visitor.open(f"/submissions/{one}")

    told = words(page)
    for expected in ("Braze refused it", "dob is no date", "Request 1 to Braze: 400", "12 ms", "Replay", "Discard"):
        assert expected in told, expected
    assert f"/integrations/summer-hub/fields?submission={one}" in [link["href"] for link in tags(page, "a")]
    assert "What would happen" in words(visitor.send(f"/submissions/{one}", "/dead-letters/choose", do="replay"))


def test_a_success_of_others_is_not_told_as_the_reason(
    visitor: Visitor, stores: Stores, store_connection: redis.Redis
) -> None:
    """It travelled with a request that Braze took, and had nothing in it."""
    connect(stores)
    attempts = [{"at": 1_795_435_200_000, "status": 201, "answer": "success", "duration_ms": 12, "objects": 1}]
    one = bury(store_connection, an_integration(), why="no_usable_value", details={"attempts": attempts, "number": 1})

    told = words(visitor.open(f"/submissions/{one}"))

    assert "None of its values can be used." in told
    assert "Request 1 to Braze" in told
    assert "Braze said" not in told


def test_hostile_and_huge_submissions_are_shown_as_they_are(visitor: Visitor, stores: Stores) -> None:
    """Two hundred fields, ten thousand characters, right to left, and somebody's script."""
    connect(stores)
    many: dict[str, Any] = {f"field_{number}": f"{HOSTILE}{number}" for number in range(200)}
    one = arrives(stores, card_name=HOSTILE, site_name="\u202eمركز", event=HOSTILE, long="x" * 10_000, **many)

    for address in (f"/submissions/{one}", f"/submissions/{one}?show=values"):
        page = visitor.open(address)
        assert page.status_code == 200
        assert HOSTILE not in page.text
    assert "x" * 10_000 in page.text
    assert "field_199" in page.text


@pytest.mark.parametrize("wrong", ["512c000000000000000a", "nothing", "%3Cscript%3E", "x" * 300])
def test_one_that_is_not_here_says_for_how_long_they_are_kept(wrong: str, visitor: Visitor) -> None:
    """The most likely reason is that it was long ago."""
    page = visitor.open(f"/submissions/{wrong}")

    assert page.status_code == 404
    assert "Settled submissions are kept for 72 hours" in words(page)
    assert "Dead letters are kept for 30 days" in words(page)


def test_a_body_that_stops_the_rules_is_still_shown(
    visitor: Visitor, stores: Stores, store_connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is dead for that very reason."""
    connect(stores, identifiers=[{"kind": "external_id", "field": "member_id"}])
    one = bury(store_connection, an_integration(), why="mapping_failed")

    def stop(*_: object, **__: object) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr("ingest.pages.submissions.preview", stop)
    page = visitor.open(f"/submissions/{one}")

    assert page.status_code == 200
    assert "mapping.failed" in words(page)


def test_a_long_search_is_asked_for(visitor: Visitor, stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page answers soon, whatever lies in front of what is looked for; nobody is told that it is gone."""
    connect(stores)
    one = arrives(stores)
    monkeypatch.setattr(submissions, "PAGE_SECONDS", 0.0)

    page = visitor.open(f"/submissions/{one}")

    assert page.status_code == 200
    assert "not among the newest" in words(page)
    (further,) = (found["href"] for found in tags(page, "a") if found.get("data-testid") == "look-further")
    assert further
    assert "Why it has not arrived" in words(visitor.open(further))
