"""An integration's own page."""

from collections.abc import Callable
from typing import Any

from tests.factories import BRAZE, a_body
from tests.visitor import Visitor, tags, words
from workers.store import Stores

Post = Callable[..., None]


def test_it_shows_how_the_integration_does(live: str, visitor: Visitor, komo: Post) -> None:
    """In figures, each with half a sentence."""
    komo(live, a_body("m1", site_id="s1"))

    page = words(visitor.open(f"/integrations/{live}"))

    assert "Summer hub Active" in page
    assert "Received 1 what Komo has posted" in page
    assert "Waiting 1 on its way" in page
    fragment = visitor.open(f"/integrations/{live}?fragment=1")
    assert "Received 1" in words(fragment)
    assert "<html" not in fragment.text


def test_an_unknown_integration_is_a_page(visitor: Visitor) -> None:
    """Also of its steps."""
    for path in ("", "/name", "/komo", "/braze", "/people", "/json"):
        assert visitor.open(f"/integrations/nobody{path}").status_code == 404


def test_pausing_and_resuming(live: str, visitor: Visitor, stores: Stores, woken: list[object]) -> None:
    """What waits goes on at once."""
    page = visitor.send(f"/integrations/{live}", f"/integrations/{live}/pause")
    assert "Paused" in words(page)
    assert stores.integrations.get(live).paused == "person"

    visitor.send(f"/integrations/{live}", f"/integrations/{live}/resume")
    assert not stores.integrations.get(live).paused


def test_what_keeps_it_from_sending_is_only_text(live: str, visitor: Visitor, stores: Stores) -> None:
    """It may be in Braze's words, with any sign in them."""
    stores.integrations.pause(live, by="api", why="<b>50% (%s)</b>")

    page = visitor.open(f"/integrations/{live}")

    assert page.status_code == 200
    assert "<b>50% (%s)</b>" in words(page)
    assert "<b>50%" not in page.text


def test_it_tells_who_changed_what(live: str, visitor: Visitor) -> None:
    """Over which way, and no values."""
    visitor.send(f"/integrations/{live}/name", name="Another name")

    page = words(visitor.open(f"/integrations/{live}"))

    assert "these pages name" in page
    assert "the API created" in page


def test_a_draft_says_what_is_missing_and_where(draft: str, visitor: Visitor, stores: Stores) -> None:
    """Somebody else may have to give it."""
    page = visitor.open(f"/integrations/{draft}")

    assert "Continue setting up" in words(page)
    led_to = {one.get("href") for one in tags(page, "a")}
    assert {f"/integrations/{draft}/braze", f"/integrations/{draft}/people"} <= led_to
    assert "Start sending" not in words(page)

    refused = visitor.send(f"/integrations/{draft}", f"/integrations/{draft}/finish")
    assert "Something is still missing or wrong" in words(refused)
    assert stores.integrations.get(draft).draft


def test_a_draft_that_has_everything_can_be_started(
    draft: str, visitor: Visitor, stores: Stores, komo: Post, woken: list[object]
) -> None:
    """And what has arrived meanwhile goes too."""
    komo(draft, a_body("m1"))
    visitor.send(f"/integrations/{draft}/braze", instance=BRAZE, api_key="an-example-of-a-key-0000")
    rule: dict[str, Any] = {"rules-0-kind": "external_id", "rules-0-field": "member_id"}
    visitor.send(f"/integrations/{draft}/people", **rule)
    assert "No field is mapped yet" in words(visitor.open(f"/integrations/{draft}"))

    answer = visitor.send(f"/integrations/{draft}", f"/integrations/{draft}/finish")

    assert "Connected." in words(answer)
    assert not stores.integrations.get(draft).draft
    assert ("redo", draft, 0) in woken


def test_it_is_removed_by_who_types_its_id(live: str, visitor: Visitor, stores: Stores) -> None:
    """A click is quickly made."""
    path = f"/integrations/{live}"
    refused = visitor.send(path, f"{path}/delete", id="summer")
    assert refused.status_code == 422
    assert "This is not its id." in words(refused)

    assert "Removed" in words(visitor.send(path, f"{path}/delete", id=live))
    assert not stores.integrations.ids()


def test_what_waits_is_discarded_only_if_somebody_says_so(
    live: str, visitor: Visitor, stores: Stores, komo: Post
) -> None:
    """Nothing is lost by mistake."""
    komo(live, a_body("m1", site_id="s1"))
    path = f"/integrations/{live}"

    refused = visitor.send(path, f"{path}/delete", id=live)
    assert refused.status_code == 409
    assert "Not removed." in words(refused)
    assert list(stores.integrations.ids()) == [live]

    visitor.send(path, f"{path}/delete", id=live, discard="y")
    assert not stores.integrations.ids()


def test_strangers_see_and_do_nothing(live: str, stranger: Visitor, stores: Stores) -> None:
    """Secrets stand on these pages."""
    for path in ("", "/name", "/komo", "/braze", "/people", "/json"):
        assert "Sign in" in words(stranger.open(f"/integrations/{live}{path}"))
    for what in ("pause", "resume", "finish", "delete", "rotate", "retire"):
        assert stranger.client.post(f"/integrations/{live}/{what}").status_code in (400, 401)
    assert not stores.integrations.get(live).paused
