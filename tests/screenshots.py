"""`make screenshots`: the pages as the README shows them, over a demo in which some people have played."""

import random
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests
from playwright.sync_api import Browser, Page

from tests.browser import ROOT, Demo, browser, running_demo
from tests.factories import a_body

FOLDER = ROOT / "docs" / "screenshots"
PEOPLE = ("Mira Okafor", "Tane Walker", "Aroha Ngata", "Luca Conti", "Yuki Sato", "Ana Lima", "Sven Berg", "Zoe Hall")
CARDS = (("SUM26 quiz - sailing", "Quiz"), ("SUM26 spin to win", "SpinToWin"), ("SUM26 which skipper", "Personality"))
DESK, PHONE = {"width": 1280, "height": 860}, {"width": 360, "height": 740}


def main() -> None:
    """Take all of them anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder, running_demo(Path(folder)) as demo, browser() as chromium:
        _play(demo)
        _take(demo, chromium)


def _play(demo: Demo) -> None:
    secret = demo.api("/integrations/demo-hub/rotate-secret", {"which": "webhook_secret"})["webhook_secret"]
    requests.post(
        f"{demo.connector}/webhooks/komo/demo-hub", json=[*_bodies()], timeout=20,
        headers={"Authorization": f"Bearer {secret}"},
    ).raise_for_status()  # fmt: skip
    until = time.monotonic() + 30
    while (told := demo.ledger("demo-hub"))["waiting"] + told["in_flight"]:
        assert time.monotonic() < until, told
        time.sleep(0.2)


def _bodies() -> Iterator[dict[str, Any]]:
    chance = random.Random(26)
    for number in range(60):
        first, last = PEOPLE[number % len(PEOPLE)].split()
        card, kind = CARDS[number % len(CARDS)]
        email = f"{first}.{last}@example.com".lower() if number % 12 else f"{first} at example"
        yield a_body(
            number=number, card_name=card, card_type=kind, first_name=first, last_name=last, email=email,
            mobile=f"0412 345 6{number:02}", country="Australia", interests="sailing, swimming",
            date_of_birth="1991-08-17", score=str(chance.randint(0, 10)),
        )  # fmt: skip


def _take(demo: Demo, chromium: Browser) -> None:
    desk = chromium.new_page(viewport=DESK, reduced_motion="reduce")  # type: ignore[arg-type]
    _sign_in(desk, demo)
    dead = demo.api("/dead-letters?integration=demo-hub&limit=1")["items"][0]["id"]
    for name, path in (
        ("overview", "/"), ("fields", "/integrations/demo-hub/fields"), ("submission", f"/submissions/{dead}"),
        ("dead_letters", "/dead-letters"),
    ):  # fmt: skip
        desk.goto(demo.connector + path)
        desk.wait_for_load_state("networkidle")
        desk.screenshot(path=FOLDER / f"{name}.png")
    phone = chromium.new_page(viewport=PHONE, color_scheme="dark", locale="pt-BR")  # type: ignore[arg-type]
    _sign_in(phone, demo)
    phone.goto(f"{demo.connector}/activity")
    phone.screenshot(path=FOLDER / "phone.png")


def _sign_in(page: Page, demo: Demo) -> None:
    page.goto(demo.connector)
    page.locator("#password").fill(demo.password)
    page.get_by_test_id("sign-in").click()
    page.wait_for_url(f"{demo.connector}/")


if __name__ == "__main__":
    main()
