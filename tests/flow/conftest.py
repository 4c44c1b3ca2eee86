"""What stories in a browser need: a demo of their own, and a window."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import PICTURES, Demo, browser, running_demo
from tests.stories import MANNERS, Somebody


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("demo")) as found:
        yield found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Each window in it has cookies and a storage of its own."""
    with browser() as found:
        yield found


@pytest.fixture
def page(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    """A window of our own; what it showed at the end is kept as a picture."""
    page = chromium.new_page(reduced_motion="reduce")
    page.set_default_timeout(60_000)
    PICTURES.mkdir(exist_ok=True)
    yield page
    page.screenshot(path=PICTURES / f"{request.node.name}.png", full_page=True)
    page.close()


@pytest.fixture(params=MANNERS)
def person(request: pytest.FixtureRequest, demo: Demo, chromium: Browser) -> Iterator[Somebody]:
    """With a mouse, on a phone in Portuguese, and by the keyboard alone; where it ended is kept as a picture."""
    manner, story = request.param, request.node.originalname.removeprefix("test_")
    page = chromium.new_page(reduced_motion="reduce", **MANNERS[manner])
    page.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    PICTURES.mkdir(exist_ok=True)
    yield Somebody(page, demo, story, manner)
    page.screenshot(path=PICTURES / f"{story}-end-{manner}.png", full_page=True)
    page.close()
