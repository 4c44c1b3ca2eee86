"""What stories in a browser need: a demo of their own, and a window."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser import PICTURES, Demo, browser, running_demo
from tests.stories import MANNERS, Somebody


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("demo")) as found:
        yield found


@pytest.fixture
def page(request: pytest.FixtureRequest) -> Iterator[Page]:
    """A window of our own; what it showed at the end is kept as a picture."""
    with browser() as chromium:
        page = chromium.new_page(reduced_motion="reduce")
        page.set_default_timeout(60_000)
        PICTURES.mkdir(exist_ok=True)
        yield page
        page.screenshot(path=PICTURES / f"{request.node.name}.png", full_page=True)


@pytest.fixture(params=MANNERS)
def person(request: pytest.FixtureRequest, demo: Demo) -> Iterator[Somebody]:
    """With a mouse, on a phone in Portuguese, and by the keyboard alone; where it ended is kept as a picture."""
    manner, story = request.param, request.node.originalname.removeprefix("test_")
    with browser() as chromium:
        page = chromium.new_page(reduced_motion="reduce", **MANNERS[manner])
        page.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        PICTURES.mkdir(exist_ok=True)
        yield Somebody(page, demo, story, manner)
        page.screenshot(path=PICTURES / f"{story}-end-{manner}.png", full_page=True)
