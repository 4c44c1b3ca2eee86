"""The pages, as text."""

import re

import pytest
from flask.testing import FlaskClient

from ingest.sandbox.braze.app import create_app
from ingest.sandbox.braze.sandbox import Sandbox
from ingest.sandbox.braze.settings import Settings

HEADERS = {"Authorization": "Bearer sandbox-rest-key", "User-Agent": "partner-Komo"}
MARKUP = "<script>alert(1)</script>"


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox(Settings(delay_ms=(0, 0)), public_url="http://127.0.0.1:9999")


@pytest.fixture
def client(sandbox: Sandbox) -> FlaskClient:
    client = create_app(sandbox).test_client()
    event = {"external_id": "jo", "name": "komo_entry", "time": "2020-01-01T00:00:00Z", "properties": {"note": MARKUP}}
    who = {
        "external_id": "jo",
        "first_name": MARKUP,
        "last_name": "Nair",
        "score": 8,
        "COUNTRY": MARKUP,
        "gone": {"a": None},
    }
    client.post("/users/track", headers=HEADERS, json={"attributes": [who], "events": [event], MARKUP: 1})
    return client


def page(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.text


def test_every_page_says_that_it_is_not_braze(client: FlaskClient, sandbox: Sandbox) -> None:
    """Nobody should mistake it for the real thing, and nothing is fetched from elsewhere."""
    (one,) = sandbox.workspace.profiles.page(0, 1)
    for path in ("/", f"/profiles/{one.braze_id}", "/segments", "/events", "/requests", "/requests/1"):
        text = page(client, path)
        assert "not the real Braze" in text
        assert "http://127.0.0.1:9999" in text
        assert "://" not in text.replace("http://127.0.0.1:9999", "")
        assert MARKUP not in text


def test_pages_allow_no_inline_code(client: FlaskClient) -> None:
    """People's data may hold markup; should it ever get through, it must not run."""
    assert "default-src 'self'" in client.get("/").headers["Content-Security-Policy"]
    assert "<style" not in page(client, "/")


def test_the_list_and_one_profile(client: FlaskClient, sandbox: Sandbox) -> None:
    """What a newcomer looks for: the person, their fields, their event."""
    (one,) = sandbox.workspace.profiles.page(0, 1)
    assert f'href="/profiles/{one.braze_id}"' in page(client, "/")
    text = page(client, f"/profiles/{one.braze_id}")
    for part in ("&lt;script&gt;", "score", "8", "komo_entry × 1", "jo"):
        assert part in text
    assert client.get("/profiles/nobody").status_code == 404


def test_fragments_are_the_changing_part_alone(client: FlaskClient) -> None:
    """They are fetched every second."""
    for path in ("/?fragment=1", "/events?fragment=1", "/requests?fragment=1"):
        assert "<html" not in page(client, path)


@pytest.mark.parametrize(("value", "count"), [("7", "1 of 1 person"), ("8", "0 of 1 person")])
def test_a_segment_counts_and_lists(client: FlaskClient, value: str, count: str) -> None:
    """Rules are joined by and; an empty row is no rule."""
    query = (
        f"attribute=score&operator=more+than&value={value}&attribute=komo_entry&operator=did+event&value=&attribute="
    )
    text = page(client, f"/segments?{query}&operator=is&value=")
    assert count in text
    assert 'value="komo_entry"' in text


def test_requests_show_violations_and_silent_drops(client: FlaskClient) -> None:
    """What Braze would never tell."""
    text = page(client, "/requests")
    for part in (
        "unknown_member × 1",
        "standard_name_in_other_case × 1",
        "null_inside_object × 1",
        'href="/requests/1"',
    ):
        assert part in text
    assert "&#34;external_id&#34;: &#34;jo&#34;" in page(client, "/requests/1")
    assert client.get("/requests/99").status_code == 404


def test_an_empty_sandbox_says_what_to_do() -> None:
    """The first page a newcomer sees."""
    assert "Nobody here yet" in create_app(Sandbox()).test_client().get("/").text


def test_looking_at_pages_is_no_request_to_braze(client: FlaskClient, sandbox: Sandbox) -> None:
    """Browsers ask for all sorts of things; the books are about callers."""
    client.get("/favicon.ico")
    client.get("/nothing/here/")
    assert sandbox.traffic.as_json()["requests"] == 1


def test_a_person_shows_what_each_request_brought(client: FlaskClient, sandbox: Sandbox) -> None:
    """A marketer watches the profile grow with every visit to the hub."""
    again = {"external_id": "jo", "score": 9, "beach": "Bondi", "last_name": "Nair", "email_subscribe": "opted_in"}
    client.post("/users/track", headers=HEADERS, json={"attributes": [again]})
    (one,) = sandbox.workspace.profiles.page(0, 1)
    text = page(client, f"/profiles/{one.braze_id}")

    second, first = re.findall(r'data-step="(\d)"', text)
    assert (second, first) == ("2", "1")
    story = text[text.index('data-testid="growth"') :]
    for part in ('href="/requests/2"', "beach", "Bondi", "Written again with the same value", "last_name"):
        assert part in story[: story.index('data-step="1"')]
    assert re.search(
        r'data-field="score">\s*<dt dir="auto">score <span class="type">number</span> <span class="tag now">changed',
        text,
    )
    assert "opted in" in text


def test_a_person_shows_the_messages_that_went_to_them_alone(client: FlaskClient, sandbox: Sandbox) -> None:
    """Long data is shown in part, with the rest on request."""
    client.post("/users/track", headers=HEADERS, json={"attributes": [{"external_id": "mo"}]})
    for who, word in (("jo", "x" * 10_000), ("mo", "for somebody else")):
        sent = {
            "campaign_id": "b3c5ccd1-1df7-4fd9-a5c7-2fb5e1981b50",
            "recipients": [{"external_user_id": who, "trigger_properties": {"note": word}}],
        }
        assert client.post("/campaigns/trigger/send", headers=HEADERS, json=sent).status_code == 201
    jo = sandbox.workspace.profiles.by_external_id("jo")
    assert jo is not None
    assert sandbox.settle()
    text = page(client, f"/profiles/{jo.braze_id}")

    assert "all 10000 characters" in text
    assert "x" * 10_000 in text
    assert "for somebody else" not in text


@pytest.mark.parametrize(("words", "found"), [("nair", True), ("NAIR jo", True), ("nobody", False)])
def test_people_are_found_by_name_and_identifier(client: FlaskClient, words: str, found: bool) -> None:
    """The demo's list grows long."""
    text = client.get("/", query_string={"q": words}).text

    assert ('class="card"' in text) is found
    assert ("Nobody of 1" in text) is not found
    assert f'data-refresh="/?q={words.replace(" ", "+")}' in text


def test_a_search_with_markup_is_shown_as_text(client: FlaskClient) -> None:
    """It is put back into the box."""
    assert MARKUP not in client.get("/", query_string={"q": MARKUP}).text
