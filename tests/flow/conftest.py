"""What stories in a browser need: a demo of their own, and a window."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.browser import PICTURES, Demo, browser, running_demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("demo")) as found:
        yield found


@pytest.fixture
def page(request: pytest.FixtureRequest) -> Iterator[Page]:
    """A window of our own; what it showed at the end is kept as a picture."""
    with browser() as chromium:
        page = chromium.new_page(reduced_motion="reduce")
        page.set_default_timeout(15_000)
        PICTURES.mkdir(exist_ok=True)
        yield page
        page.screenshot(path=PICTURES / f"{request.node.name}.png", full_page=True)
