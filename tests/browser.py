"""A running demo, and somebody who looks at it in a real browser, with a mouse or by the keyboard alone."""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, sync_playwright

ROOT = Path(__file__).parents[1]
#: What was seen, to be looked at afterwards.
PICTURES = ROOT / "test-results"
#: Chromium in a container has no sandbox of its own, and no business with other hosts.
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
#: Of axe's findings, those that keep somebody from using a page.
SERIOUS = ("serious", "critical")
#: A busy machine may pause between two keys.
PATIENT_TRIES = 5
#: More steps than any page has.
MOST_TABS = 400
#: The key that leads from where somebody is to an element; none where they are there.
NEXT_KEY = """one => {
  const here = document.activeElement ?? document.body;
  if (here === one) return "";
  const isAbove = here !== document.body && one.compareDocumentPosition(here) & Node.DOCUMENT_POSITION_FOLLOWING;
  return isAbove ? "Shift+Tab" : "Tab";
}"""


@dataclass(frozen=True)
class Demo:
    """The addresses of a running demo, and what opens it."""

    connector: str
    braze: str
    hub: str
    token: str
    password: str

    def api(self, path: str, json: Any = None, method: str = "") -> dict[str, Any]:
        """What the management API answers."""
        found = requests.request(
            method or ("GET" if json is None else "POST"), f"{self.connector}/api/v1{path}", json=json, timeout=20,
            headers={"Authorization": f"Bearer {self.token}"},
        )  # fmt: skip
        assert found.ok, found.text
        told: dict[str, Any] = found.json() if found.content else {}
        return told

    def ledger(self, integration: str) -> dict[str, int]:
        return self.api(f"/integrations/{integration}/ledger")


def three_free_ports() -> int:
    """The first of three neighbours that nobody uses; looked for from anywhere, for others look at the same time."""
    start = random.randrange(0, 1_998, 3)
    for port in (18_000 + (start + offset) % 1_998 for offset in range(0, 1_998, 3)):
        try:
            for offset in range(3):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port + offset))
        except OSError:
            continue
        return port
    raise AssertionError("no free ports")


@contextmanager
def running_demo(folder: Path) -> Iterator[Demo]:
    """`komo-braze demo`, started as a person starts it, with nothing set up; what it says at its end is checked."""
    port, log = three_free_ports(), folder / "log"
    environ = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    command = [sys.executable, "-m", "ingest.cli", "demo", "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env=environ | {"DATA_DIR": str(folder / "data"), "PYTHONPATH": str(ROOT)},
            cwd=folder, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        until = time.monotonic() + 60
        while "Ctrl-C stops everything" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        token, password = (re.search(rf"{name}: (\S+)", log.read_text()) for name in ("API_TOKEN", "ADMIN_PASSWORD"))
        assert token
        assert password
        first, second, third = (f"http://127.0.0.1:{port + offset}" for offset in range(3))
        yield Demo(first, second, third, token[1], password[1])
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
    assert process.returncode == 0, log.read_text()


@contextmanager
def browser() -> Iterator[Browser]:
    """Chromium, found on this machine."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    assert program, "The tests need Chromium: run them with `make test`, which installs one."
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield found
        found.close()


def barriers(page: Page, *rules: str) -> list[str]:
    """
    What keeps people with other eyes and hands from using a page, as axe sees it.

    Args:
        rules: Those that are looked at; none: all.
    """
    # Of what is well one example is told: all of it is megabytes, and takes longer to be read than to be found.
    options: dict[str, Any] = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {node['target']}"
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


class Person:
    """
    Uses pages as a person does.

    Args:
        keyboard: By the keyboard alone: everything is reached with Tab.
        touch: With a finger.
    """

    def __init__(self, page: Page, *, keyboard: bool = False, touch: bool = False) -> None:
        self.page = page
        self.keyboard = keyboard
        self.touch = touch

    def press(self, what: Locator) -> None:
        """A link or a button."""
        if self.keyboard:
            self._reach(what)
            self.page.keyboard.press("Enter")
        elif self.touch:
            what.tap()
        else:
            what.click()

    def fill(self, what: Locator, text: str) -> None:
        if self.keyboard:
            self._reach(what)
            self.page.keyboard.press("ControlOrMeta+a")
            self.page.keyboard.press("Delete")
            self.page.keyboard.type(text)
        else:
            what.fill(text)

    def choose(self, what: Locator, value: str) -> None:
        """One of a list, by its value."""
        if self.keyboard:
            self._reach(what)
            label = what.locator(f"option[value={value!r}]").first.evaluate("one => one.label")
            for _ in range(PATIENT_TRIES):
                self.page.keyboard.type(label)
                if what.input_value() == value:
                    return
                self.page.wait_for_timeout(1500)  # a pause between two keys begins the search for a name anew
            raise AssertionError(f"{value} can't be chosen by typing {label}")
        what.select_option(value)

    def tick(self, what: Locator) -> None:
        if what.is_checked():
            return
        if self.keyboard:
            self._reach(what)
            self.page.keyboard.press("Space")
        else:
            what.check()

    def open(self, what: Locator) -> None:
        """Unfold what a `summary` hides."""
        if what.locator("..").get_attribute("open") is None:
            self.press(what)

    def _reach(self, what: Locator) -> None:
        """Forwards, or backwards where it lies above."""
        what.wait_for(state="visible")
        for _ in range(MOST_TABS):
            step = what.evaluate(NEXT_KEY)
            if not step:
                return
            self.page.keyboard.press(step)
        raise AssertionError(f"{what} can't be reached by the keyboard")
