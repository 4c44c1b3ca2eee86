"""What stories at the pages of a demo are made of: somebody who reads and presses, and a hub that posts."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests
from playwright.sync_api import ConsoleMessage, Page, expect

from tests.browser import PICTURES, Demo, Person, barriers

#: The ways in which people come, and the window of each.
MANNERS: dict[str, dict[str, Any]] = {
    "mouse": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "phone": {
        "viewport": {"width": 360, "height": 740}, "color_scheme": "dark", "has_touch": True, "is_mobile": True,
    },
    "keyboard": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
}  # fmt: skip
#: The key that the sandbox Braze knows.
BRAZE_KEY = "sandbox-rest-key"
#: Seconds that anything may take, on a machine that is busy with other things.
PATIENCE_S = 90.0
#: For pictures of whole pages: what sticks to the window would stand in their middle.
FLAT = """() => {
  const flat = new CSSStyleSheet();
  flat.replaceSync(".top, .save, .acts, .trial { position: static !important; max-height: none !important }");
  document.adoptedStyleSheets = [flat];
}"""
AS_IT_WAS = "() => { document.adoptedStyleSheets = []; }"
#: Asks whether a page scrolls sideways, and by what.
WIDER = """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("main *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest(".scroll, pre"))
  .map((one) => one.outerHTML.slice(0, 120))"""


class Somebody(Person):
    """
    A person at the pages of a demo. What they see is kept as pictures, and what the browser complains about, too.

    Args:
        story: What the pictures are called after.
        manner: One of MANNERS; `phone` reads Portuguese.
    """

    def __init__(self, page: Page, demo: Demo, story: str, manner: str) -> None:
        super().__init__(page, keyboard=manner == "keyboard", touch=manner == "phone")
        self.demo = demo
        self.story = story
        self.manner = manner
        self.complaints: list[str] = []
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def sign_in(self) -> None:
        """From the address that was printed to the overview."""
        self.page.goto(self.demo.connector)
        if self.manner == "phone":
            self.press(self.page.locator('button[name="language"][value="pt"]'))
            expect(self.page.locator("html")).to_have_attribute("lang", re.compile("^pt"))
        self.fill(self.page.locator("#password"), self.demo.password)
        self.press(self.page.get_by_test_id("sign-in"))
        expect(self.page.locator("#signs")).to_be_visible()

    def follow(self, path: str) -> None:
        """The first link to a page of these pages that can be seen."""
        self.press(self.page.locator(f'a[href="{path}"]:visible').first)
        self.page.wait_for_url(f"{self.demo.connector}{path}")

    def look(self, moment: str) -> None:
        """Keep a picture; everybody must be able to use what is on it, and nothing may have gone wrong unseen."""
        self.page.evaluate(FLAT)
        self.page.screenshot(path=PICTURES / f"{self.story}-{moment}-{self.manner}.png", full_page=True)
        self.page.evaluate(AS_IT_WAS)
        found = [*barriers(self.page), *self.page.evaluate(WIDER), *self.complaints]
        assert not found, (self.page.url, found)

    def waits_until(self, is_so: Callable[[], bool], told: Callable[[], object]) -> None:
        """
        Args:
            is_so: Something that no page shows.
            told: What to say if it never comes.
        """
        until = time.monotonic() + PATIENCE_S
        while not is_so():
            assert time.monotonic() < until, told()
            self.page.wait_for_timeout(200)

    def sees_all_delivered(self, hub: "Hub", many: int) -> None:
        """By the books: as many as that, and nothing anywhere else."""
        self.waits_until(lambda: hub.ledger()["delivered"] >= many, hub.ledger)
        told = hub.ledger()
        assert told["received"] == told["delivered"] == many, told

    def _listen(self, message: ConsoleMessage) -> None:
        is_expected = "the server responded with a status of 422" in message.text  # a form that was refused
        if message.type in ("error", "warning") and not is_expected:
            self.complaints.append(message.text)


@dataclass(frozen=True)
class Hub:
    """What Komo knows of an integration: where to post, and with which header."""

    demo: Demo
    id: str
    header: str

    def post(self, *bodies: dict[str, Any]) -> list[str]:
        """The ids that what was posted has from now on."""
        found = requests.post(
            f"{self.demo.connector}/webhooks/komo/{self.id}", json=list(bodies), timeout=60,
            headers={"Authorization": self.header},
        )  # fmt: skip
        assert found.status_code == 202, found.text
        return [one["id"] for one in found.json()["submissions"]]

    def ledger(self) -> dict[str, int]:
        return self.demo.ledger(self.id)


def a_hub(demo: Demo, name: str, attributes: Sequence[dict[str, Any]], **document: Any) -> Hub:
    """An integration that somebody else has set up, with people by their e-mail addresses."""
    made = demo.api("/integrations", {
        "id": name, "name": f"Harbour hub {name}", "default_region": "AU",
        "braze": {"rest_endpoint": demo.braze, "api_key": BRAZE_KEY},
        "identifiers": [{"kind": "user_alias", "field": "email", "alias_label": "email"}],
        "attributes": list(attributes),
    } | document)  # fmt: skip
    return Hub(demo, name, f"Bearer {made['webhook_secret']}")


def an_entry(email: str, number: int = 1, **fields: str) -> dict[str, Any]:
    """What Komo posts when somebody has filled in the form of a card."""
    person = email.partition("@")[0]
    return {
        "id": f"{person}-{number}", "event": "CompetitionEntrySuccess",
        "timestamp": datetime.now(UTC).isoformat(), "site_name": "Harbourside Summer Hub",
        "card_name": "SUM26 quiz - sailing", "card_type": "Quiz", "competition_entry_id": f"entry-{person}-{number}",
        "email": email, **fields,
    }  # fmt: skip


def profiles(demo: Demo, email: str) -> list[dict[str, Any]]:
    """The people of Braze with this address as their alias, once it has applied what it took."""
    requests.post(f"{demo.braze}/sandbox/api/settle", timeout=60).raise_for_status()
    found = requests.get(
        f"{demo.braze}/sandbox/api/profiles", {"alias_name": email, "alias_label": "email"}, timeout=60
    ).json()
    items: list[dict[str, Any]] = found["items"]
    return items
