"""The list of what happens."""

import pytest

from tests.ingest.pages.komo import arrives, connect
from tests.visitor import Visitor, tags, words
from workers.store import Stores

HOSTILE = "<script>alert(1)</script>"


def test_what_arrives_is_shown_in_words_and_without_telling_who_it_was(visitor: Visitor, stores: Stores) -> None:
    """A screen on a wall must not tell everybody's address."""
    connect(stores)
    one = arrives(stores)

    page = visitor.open("/activity")

    assert page.status_code == 200
    for told in ("Entry submitted", "CompetitionEntrySuccess", "SUM26 quiz", "Harbourside Summer Hub", "Waiting"):
        assert told in words(page)
    assert "m***@e***.com" in words(page)
    assert "mia@" not in page.text
    assert f"/submissions/{one}" in [link.get("href") for link in tags(page, "a")]


def test_it_keeps_itself_fresh_on_the_newest_page_alone(visitor: Visitor, stores: Stores) -> None:
    """Whoever pages back must not have the list run away under their eyes."""
    connect(stores)
    for number in range(60):
        arrives(stores, number)

    first = visitor.open("/activity?state=waiting")
    (refreshed,) = [part["data-refresh"] for part in tags(first, "section") if "data-refresh" in part]
    more = next(link["href"] for link in tags(first, "a") if link.get("id") == "more")
    second = visitor.open(str(more))

    assert refreshed == "/activity?state=waiting"
    part = visitor.open(f"{refreshed}&fragment=1")
    assert "<html" not in part.text
    assert part.text.count("/submissions/") == 50
    assert second.text.count("/submissions/") == 10
    assert "data-refresh" not in second.text
    assert "To the newest" in words(second)


@pytest.mark.parametrize(
    ("wanted", "others"),
    [
        ("integration=summer-hub", "integration=winter-hub"),
        ("state=waiting", "state=dead"),
        ("event=CompetitionEntrySuccess", "event=CardViewed"),
        ("card=sum26+QUIZ", "card=poll"),
        ("time=hour", "time=own&until=2001-01-01T00:00"),
    ],
)
def test_filters_leave_out_the_rest(wanted: str, others: str, visitor: Visitor, stores: Stores) -> None:
    """Each one alone, in an address that can be kept."""
    connect(stores)
    connect(stores, "winter-hub")
    arrives(stores)

    assert "Entry submitted" in words(visitor.open(f"/activity?{wanted}&fragment=1"))
    assert "No submission matches all of this." in words(visitor.open(f"/activity?{others}&fragment=1"))


@pytest.mark.parametrize("who", ["MIA@Example.com ", "mia@example.com"])
def test_a_person_is_found_without_standing_in_an_address(who: str, visitor: Visitor, stores: Stores) -> None:
    """Addresses are logged by every proxy on the way."""
    connect(stores)
    one = arrives(stores)
    arrives(stores, 2, email="ben@example.com")

    page = visitor.send("/activity", who=who)

    assert page.request.path == "/activity"
    assert not page.request.query_string
    assert [link["href"] for link in tags(page, "a") if "/submissions/" in (link["href"] or "")] == [
        f"/submissions/{one}"
    ]
    assert not [link for link in tags(page, "a") if "mia" in (link["href"] or "").lower()]
    assert not [part for part in tags(page, "section") if "data-refresh" in part]


def test_a_phone_number_is_found_as_people_write_it(visitor: Visitor, stores: Stores) -> None:
    """The integration's region says what a number without a country means."""
    connect(stores, identifiers=[{"kind": "phone", "field": "mobile"}], default_region="AU")
    one = arrives(stores, mobile="+61 412 345 678")

    for written in ("0412 345 678", "+61412345678", "(0412) 345-678"):
        assert f"/submissions/{one}" in visitor.send("/activity", who=written).text


def test_words_are_found_too_and_the_next_pages_are_forms(visitor: Visitor, stores: Stores) -> None:
    """An answer may be as personal as an address."""
    connect(stores)
    for number in range(55):
        arrives(stores, number, favourite="Moonlight Bay")

    first = visitor.send("/activity", text="moonlight bay")
    second = visitor.client.post("/activity", data=_form_of(visitor, first), headers={"Accept": "text/html"})

    assert first.text.count('class="go"') == 50
    assert second.text.count('class="go"') == 5
    assert "moonlight" not in "".join(link["href"] or "" for link in tags(first, "a")).lower()


def _form_of(visitor: Visitor, page: object) -> dict[str, str]:
    """The last form of a page: the one that leads on."""
    found: dict[str, str] = {}
    for field in tags(page, "input"):  # type: ignore[arg-type]
        found[field["name"] or ""] = field["value"] or ""
    return found


def test_filters_that_name_nobody_end_in_an_address(visitor: Visitor, stores: Stores) -> None:
    """So that it can be bookmarked, and loads again without a question."""
    connect(stores)

    answer = visitor.send("/activity", follow=False, event="CardViewed", state="dead")

    assert answer.status_code == 303
    assert answer.location == "/activity?state=dead&event=CardViewed"


def test_a_search_in_an_address_is_not_done(visitor: Visitor, stores: Stores) -> None:
    """Otherwise somebody would build such addresses."""
    connect(stores)
    arrives(stores)

    page = visitor.open("/activity?who=nobody@example.com&text=nothing")

    assert "Entry submitted" in words(page)
    assert "nobody@example.com" not in [field.get("value") for field in tags(page, "input")]
    assert not [part for part in tags(page, "section") if "nobody" in (part.get("data-refresh") or "")]


def test_what_people_named_is_text_and_nothing_else(visitor: Visitor, stores: Stores) -> None:
    """Cards, hubs and events are named by people, or by whoever finds the webhook's address."""
    connect(stores, name=f"{HOSTILE} hub")
    connect(stores, "winter-hub")
    arrives(stores, card_name=HOSTILE, site_name="\u202eمركز", event=f"{HOSTILE}{'x' * 500}")

    page = visitor.open("/activity")

    assert HOSTILE not in page.text
    assert page.text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3
    assert "x" * 100 not in page.text


def test_nothing_yet_is_not_the_same_as_nothing(
    visitor: Visitor, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page may end before the list does."""
    connect(stores)
    arrives(stores)
    monkeypatch.setattr(type(stores.search), "find_rows", lambda *_, **__: ([], "1795435200000-0.0.summer-hub.settled"))

    page = visitor.open("/activity?state=dead")

    assert "Nothing found yet. Looked through everything back to 2026-11-23" in words(page)
    assert "Look further" in words(page)
    assert "No submission matches" not in words(page)


def test_mistakes_are_told_where_they_were_made(visitor: Visitor) -> None:
    """A time that can't be read, and an address that somebody has changed."""
    wrong = visitor.open("/activity?time=own&from=yesterday")
    assert wrong.status_code == 422
    assert "Write times as" in words(wrong)

    lost = visitor.open("/activity?cursor=somewhere")
    assert lost.status_code == 422
    assert "This page of the list is not there." in words(lost)


def test_an_empty_store_says_what_will_come(visitor: Visitor) -> None:
    """The first thing that a newcomer sees here."""
    assert "Nothing has arrived yet." in words(visitor.open("/activity"))


def test_it_is_nobody_s_business(stranger: Visitor) -> None:
    """Neither the list nor the search."""
    assert stranger.client.get("/activity").status_code == 302
    assert stranger.client.get("/activity?fragment=1").status_code == 401
    assert stranger.client.post("/activity", data={"who": "mia@example.com"}).status_code == 401


@pytest.mark.parametrize(
    ("identifiers", "who"),
    [([], "Mia@Example.com"), ([{"kind": "external_id", "field": "member_id"}], "m-17"), ([], "0412 345 678")],
)
def test_a_person_is_found_in_what_a_draft_keeps(
    identifiers: list[dict[str, str]], who: str, visitor: Visitor, stores: Stores
) -> None:
    """Nobody has judged yet whose it is, and whoever asks where their entry is must not be told that there is none."""
    document = {"id": "summer-hub", "name": "Summer hub", "default_region": "AU", "identifiers": identifiers}
    stores.integrations.save_draft(document, by="test")
    one = arrives(stores, member_id="m-17", mobile="+61412345678")
    other = arrives(stores, 2, email="ann@example.com", member_id="m-18")

    page = visitor.send("/activity", who=who)

    assert f"/submissions/{one}" in page.text
    assert f"/submissions/{other}" not in page.text
