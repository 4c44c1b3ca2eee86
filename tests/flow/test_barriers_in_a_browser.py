"""Every page in a real browser, over a store full of what strangers typed: all can use them, none of it runs."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Dialog, Locator, Page, ViewportSize, expect
from werkzeug.serving import make_server

from ingest.app import create_app
from ingest.problems import is_for_programs
from schemas.settings import NEEDED_BY_WEB, load_settings
from tests.browser import PICTURES, barriers, browser
from tests.hostile import MARKUP, Planted, plant
from tests.visitor import PASSWORD
from workers.store import open_stores
from workers.store.connect import connect

WIDE: ViewportSize = {"width": 1280, "height": 900}
NARROW: ViewportSize = {"width": 360, "height": 760}
#: Steps with the Tab key that must be seen, on each page.
TABS = 20
#: Route -> addresses; `{}` stands for an integration, `[]` for a submission.
ADDRESSES = {
    "overview.show": ["/", "/?q=nothing"],
    "connect.new": ["/integrations/new"],
    "integration.show": ["/integrations/{}", "/integrations/draft", "/integrations/paused", "/integrations/nothing"],
    "settings_name.show": ["/integrations/{}/name"],
    "settings_komo.show": ["/integrations/{}/komo", "/integrations/draft/komo"],
    "settings_braze.show": ["/integrations/{}/braze"],
    "settings_people.show": ["/integrations/{}/people"],
    "settings_json.show": ["/integrations/{}/json"],
    "fields.show": ["/integrations/{}/fields"],
    "activity.show": ["/activity", "/activity?card=nothing"],
    "submissions_page.show": ["/submissions/[]", "/submissions/[]?show=values", "/submissions/nothing"],
    "dead_letters_page.show": ["/dead-letters"],
    "jobs_page.show_latest": ["/jobs"],
    "jobs_page.show": ["/jobs/JOB"],
    "people_page.ask": ["/people/forget", "/people/forget?submission=[]"],
    "figures.show": ["/figures?integration={}"],
    "figures.part": [],  # a part of other pages
    "api_docs.show": ["/api/docs"],
    "door.sign_in": [],  # who is signed in is sent on
}


@dataclass
class Site:
    """A web process of our own, and what is in its store."""

    app: Flask
    address: str
    planted: Planted

    def addresses(self) -> list[str]:
        them = [path for paths in ADDRESSES.values() for path in paths]
        return [
            path.replace("{}", self.planted.integration)
            .replace("[]", self.planted.dead)
            .replace("JOB", self.planted.jobs[0])
            for path in them
        ]


@dataclass
class Looker:
    """A window of somebody who is signed in, and everything that went wrong in it."""

    site: Site
    page: Page
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(10_000)
        self.page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", self._refuse)

    def _refuse(self, dialog: Dialog) -> None:
        self.wrong.append(dialog.message)
        dialog.dismiss()

    def open(self, path: str) -> None:
        self.page.goto(f"{self.site.address}{path}")

    def press(self, button: Locator) -> None:
        """One that leads to another page."""
        with self.page.expect_navigation():
            button.click()

    def sign_in(self) -> None:
        self.open("/sign-in")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_test_id("sign-in").click()
        expect(self.page.get_by_test_id("sign-out")).to_be_visible()

    def switch(self, theme: Literal["light", "dark"]) -> None:
        """As if the whole computer were switched."""
        self.page.emulate_media(color_scheme=theme)
        self.page.locator(f"html[data-bs-theme={theme}]").wait_for()

    def check(self, *rules: str) -> list[str]:
        """What stands in the way of somebody, in this window; of axe's rules, all or some."""
        self.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        found = [
            f"{where}: {one}" for where in [self._where()] for one in [*barriers(self.page, *rules), *self._measured()]
        ]
        said = [one for one in self.wrong if "the server responded with a status of 4" not in one]
        self.wrong.clear()
        return found + said

    def _where(self) -> str:
        size = self.page.viewport_size or WIDE
        theme = self.page.evaluate("document.documentElement.dataset.bsTheme")
        return f"{self.page.url.removeprefix(self.site.address)} {size['width']} {theme}"

    def _measured(self) -> list[str]:
        found: list[str] = self.page.evaluate(
            """() => {
              const root = document.documentElement, width = window.innerWidth;
              const sideways = root.scrollWidth > width
                ? [`scrolls sideways: ${root.scrollWidth}, ` + [...document.querySelectorAll("main *")]
                    .filter((one) => one.getBoundingClientRect().right > width + 1 && !one.closest(".scroll, pre"))
                    .slice(-3).map((one) => one.outerHTML.slice(0, 120)).join(" | ")] : [];
              const headings = [...document.querySelectorAll("h1")].filter((one) => one.checkVisibility()).length;
              return [...sideways, ...(headings === 1 ? [] : [`${headings} h1`])];
            }"""
        )
        return found

    def unseen_focus(self) -> list[str]:
        """Of the first steps with the Tab key, those after which nobody can tell where they are."""
        found = []
        for _ in range(TABS):
            self.page.keyboard.press("Tab")
            unseen: str = self.page.evaluate(
                """() => {
                  const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
                  const hasOutline = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
                  const isMarked = hasOutline || style.boxShadow !== "none";
                  const isThere = box.width > 1 && box.height > 1 && box.bottom > 0 && box.top < window.innerHeight;
                  return one === document.body || (isMarked && isThere) ? "" : one.outerHTML.slice(0, 160);
                }"""
            )
            found += [f"{self._where()}: {unseen}"] if unseen else []
        return found


@pytest.fixture(scope="module")
def site(redis_server: str) -> Iterator[Site]:
    connection = connect(redis_server)
    connection.flushall()
    given = dict.fromkeys(NEEDED_BY_WEB - {"REDIS_URL"}, "wJ2r8vQxT5nLk0ZbYd7uHs3PfGm9Ac4E")
    settings = load_settings(given | {"REDIS_URL": "redis://127.0.0.1:1/0", "ADMIN_PASSWORD": PASSWORD})
    stores = open_stores(settings, connection)
    app = create_app(
        settings, stores, lambda *_: None, probe=lambda *_: [("host", True, MARKUP), ("key", False, MARKUP)]
    )
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Site(app, f"http://127.0.0.1:{server.server_port}", plant(stores))
    server.shutdown()
    thread.join()
    server.server_close()
    connection.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as found:
        yield found


def context_of(chromium: Browser, **options: Any) -> BrowserContext:
    return chromium.new_context(viewport=WIDE, reduced_motion="reduce", locale="en-GB", **options)


@pytest.fixture
def looker(site: Site, chromium: Browser) -> Iterator[Looker]:
    context = context_of(chromium)
    found = Looker(site, context.new_page())
    found.sign_in()
    yield found
    context.close()


def everywhere(looker: Looker) -> list[str]:
    """A page as it is loaded, wide, at night, and on a phone."""
    page, found = looker.page, looker.check()
    looker.switch("dark")
    found += looker.check("color-contrast")
    page.set_viewport_size(NARROW)
    looker.switch("light")
    found += looker.check()
    page.set_viewport_size(WIDE)
    return found


def test_every_page_is_looked_at(site: Site) -> None:
    """Whoever adds a page says here where it is."""
    rules = [rule for rule in site.app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    pages = {rule.endpoint for rule in rules if not is_for_programs(rule.rule) and not rule.endpoint.endswith("static")}
    assert {one for one in pages if not one.startswith("health.")} == ADDRESSES.keys()


def test_nobody_is_kept_out_of_a_page(looker: Looker) -> None:
    """Neither by their eyes, nor by their window, nor by their hands; and nothing of people's data runs."""
    found = []
    for address in looker.site.addresses():
        looker.open(address)
        assert "/sign-in" not in looker.page.url
        found += looker.unseen_focus()
        looker.open(address)
        found += everywhere(looker)
    assert "\n".join(found) == ""


def test_nobody_is_kept_out_of_what_forms_answer(looker: Looker) -> None:
    """What was searched for, what is wrong with a form, and what is asked before it happens."""
    page, found = looker.page, []
    looker.open("/activity")
    page.get_by_label("Words").fill("<script>")
    looker.press(page.get_by_role("button", name="Find"))
    found += everywhere(looker)
    for button in ("Replay the chosen", "Discard the chosen"):
        looker.open("/dead-letters")
        page.get_by_role("checkbox", name="Choose this letter").first.check()
        looker.press(page.get_by_role("button", name=button))
        found += everywhere(looker)
    for step, label in (
        ("json", "The document"),
        ("name", "Name"),
        ("braze", "Or paste the address of your dashboard"),
    ):
        looker.open(f"/integrations/{looker.site.planted.integration}/{step}")
        page.get_by_label(label, exact=True).fill("" if step == "name" else f"{MARKUP} {{")
        looker.press(page.get_by_test_id("save"))
        expect(page.get_by_role("alert").first).to_contain_text("Not saved")
        found += everywhere(looker)
    looker.open(f"/integrations/{looker.site.planted.integration}/braze")
    page.get_by_test_id("test").click()
    expect(page.locator("#connection .lines")).to_contain_text(MARKUP)
    found += everywhere(looker)
    looker.open("/people/forget")
    page.get_by_label("Identifier").fill(MARKUP)
    looker.press(page.get_by_role("button", name="Continue"))
    found += everywhere(looker)
    looker.press(page.get_by_test_id("sign-out"))
    found += everywhere(looker)
    assert "\n".join(found) == ""


def test_an_editor_with_a_mistake_in_it_keeps_nobody_out(looker: Looker) -> None:
    """The list of what is wrong, and the marks at the rules."""
    looker.open("/integrations/paused/fields")
    looker.page.locator('#attributes input[name$=".attribute"]').first.fill("$wrong")
    looker.press(looker.page.get_by_test_id("save"))
    expect(looker.page.locator("#problems")).to_be_visible()

    assert "\n".join(looker.check()) == ""


def test_without_scripts_the_pages_still_work(site: Site, chromium: Browser) -> None:
    """A strict proxy, an old browser, or a script that failed to load: nobody is locked out."""
    context = context_of(chromium, java_script_enabled=False)
    looker = Looker(site, context.new_page())
    looker.sign_in()
    looker.open("/integrations/draft/name")
    looker.page.get_by_label("Name", exact=True).fill("A quiet name")
    looker.page.get_by_test_id("save").click()
    expect(looker.page.get_by_role("status").first).to_contain_text("Saved.")
    expect(looker.page.get_by_role("heading", level=1)).to_have_text("A quiet name")

    looker.open("/activity")
    looker.page.locator("#more-filters > summary").click()
    looker.page.get_by_label("State").select_option("dead")
    looker.page.get_by_role("button", name="Find").click()
    expect(looker.page.locator("table.rows tbody tr")).to_have_count(1)
    assert looker.page.url.endswith("?state=dead")
    looker.page.locator("table.rows a.go").click()
    looker.page.locator("#values").click()
    expect(looker.page.locator("#raw-body")).to_contain_text("field_199")
    assert looker.wrong == []
    context.close()


def test_a_name_that_turns_around_leaves_our_words_as_they_are(looker: Looker) -> None:
    """What is looked at is where the words stand: the tail of the title is behind the name, not in front of it."""
    PICTURES.mkdir(exist_ok=True)
    looker.open("/integrations/paused")
    line = "(one) => { const box = one.getBoundingClientRect(); return [box.left, box.right]; }"
    name = looker.page.locator(".head h1").evaluate(line)
    state = looker.page.locator(".head .tag").evaluate(line)
    assert name[1] <= state[0]
    looker.page.screenshot(path=PICTURES / "a_name_that_turns_around.png", full_page=True)
