"""The two sandboxes as people see them: readable for everybody, and steady while they refresh themselves."""

import shutil
import threading
from collections.abc import Iterator

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server

from ingest.sandbox.braze.app import create_app as create_braze
from ingest.sandbox.braze.sandbox import Sandbox
from ingest.sandbox.braze.settings import Settings
from ingest.sandbox.hub.app import HubSettings
from ingest.sandbox.hub.app import create_app as create_hub

HEADERS = {"Authorization": "Bearer sandbox-rest-key", "User-Agent": "partner-Komo"}
HOSTILE = "<script>document.title='run'</script>"
SCREENS = [(1280, "light"), (360, "dark")]


def serve(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def braze() -> Iterator[str]:
    """A sandbox Braze with a person whose data is hostile."""
    for url in serve(create_braze(Sandbox(Settings(delay_ms=(0, 0))))):
        track(url, first_name=HOSTILE, last_name="مرحبا بالعالم", beach="Bondi", score=3)
        track(url, **{f"field_{number}": number for number in range(200)})
        sent = {
            "campaign_id": "b3c5ccd1-1df7-4fd9-a5c7-2fb5e1981b50",
            "recipients": [{"external_user_id": "jo", "trigger_properties": {"note": "long " * 2000}}],
        }
        assert requests.post(f"{url}/campaigns/trigger/send", json=sent, headers=HEADERS, timeout=5).status_code == 201
        yield url


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    """A sandbox hub whose connector is away, so that its pages of trouble are seen, too."""
    yield from serve(create_hub(HubSettings("http://127.0.0.1:1/webhooks/komo/demo", braze_url="http://127.0.0.1:1/")))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    assert found, "The tests need Chromium: run them with `make test`, which installs one."
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


def track(url: str, **fields: object) -> None:
    body = {"attributes": [{"external_id": "jo", **fields}]}
    assert requests.post(f"{url}/users/track", json=body, headers=HEADERS, timeout=5).status_code == 201


def person(url: str) -> str:
    (one,) = requests.get(f"{url}/sandbox/api/profiles", timeout=5).json()["items"]
    return f"{url}/profiles/{one['braze_id']}"


def window(browser: Browser, width: int, scheme: str) -> Page:
    size = {"width": width, "height": 800}
    page = browser.new_page(viewport=size, color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    page.set_default_timeout(10_000)
    return page


def check(page: Page) -> None:
    """Nothing serious for who can't see or use a mouse, nothing cut off, and nothing of people's data ran."""
    found = Axe().run(page).response["violations"]
    assert [(page.url, one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] != "moderate"] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= page.evaluate("innerWidth"), page.url
    assert page.title() != "run"


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_everybody_can_read_the_sandbox_braze(braze: str, browser: Browser, width: int, scheme: str) -> None:
    """On a phone, at night, with a screen reader, and whatever the public typed."""
    page = window(browser, width, scheme)
    paths = ["/", "/?q=nobody", "/segments?attribute=score&operator=exists", "/events", "/sends", "/requests"]
    for address in [person(braze), *(braze + path for path in [*paths, "/requests/1", "/nothing"])]:
        page.goto(address)
        check(page)
    page.goto(person(braze))
    expect(page.get_by_role("heading", level=1)).to_contain_text(HOSTILE)
    page.close()


def test_a_profile_grows_before_ones_eyes_and_leaves_ones_place_alone(braze: str, browser: Browser) -> None:
    """What is open and focused stays so while the page refreshes itself."""
    page = window(browser, 1280, "light")
    page.goto(person(braze))
    page.locator("#step-2 > summary").click()
    page.locator("#step-2 > summary").focus()

    track(braze, favourite_boat="Yacht")

    field = page.locator('[data-field="favourite_boat"]')
    expect(field).to_contain_text("Yacht")
    expect(page.locator('[data-testid="growth"] [data-step]').first).to_contain_text("favourite_boat Yacht")
    expect(page.locator("#step-2")).to_have_attribute("open", "")
    expect(page.locator("#step-2 > summary")).to_be_focused()
    page.close()


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_everybody_can_play_in_the_sandbox_hub(hub: str, browser: Browser, width: int, scheme: str) -> None:
    """From the first page to the thanks, by way of every kind of card."""
    page = window(browser, width, scheme)
    page.goto(f"{hub}/nothing")
    check(page)
    page.goto(hub)
    check(page)
    page.get_by_test_id("settings-open").click()
    check(page)
    page.get_by_label("Always win").check()
    page.get_by_test_id("settings-save").click()
    for slug, result in (("quiz", "score"), ("poll", "tally"), ("personality", "outcome"), ("wheel", "prize")):
        page.get_by_test_id(f"card-{slug}").click()
        check(page)
        page.get_by_test_id("start").click()
        check(page)
        play(page, slug)
        expect(page.get_by_test_id(result)).to_be_visible()
        check(page)
        page.locator("#first_name").fill(HOSTILE)
        page.locator("#email").fill("not an address")
        page.get_by_test_id("submit-entry").click()
        expect(page.get_by_test_id("form-problem")).to_be_visible()
        check(page)
        page.locator("#email").fill("mira@example.com")
        page.get_by_test_id("submit-entry").click()
        expect(page.get_by_test_id("thanks")).to_contain_text(HOSTILE)
        check(page)
        page.get_by_test_id("home-link").click()
    expect(page.get_by_text("Played")).to_have_count(4)
    page.get_by_test_id("behind-link").click()
    check(page)
    page.close()


def play(page: Page, slug: str) -> None:
    if slug == "wheel":
        page.get_by_test_id("spin").click()
        return
    while True:
        page.locator('#questions input[type="radio"]:visible').first.check()
        if page.get_by_test_id("next").is_visible():
            page.get_by_test_id("next").click()
        if slug == "quiz" and page.get_by_test_id("next").is_visible():
            page.get_by_test_id("next").click()
        elif page.get_by_test_id("finish").is_enabled() and page.get_by_test_id("finish").is_visible():
            page.get_by_test_id("finish").click()
            return
