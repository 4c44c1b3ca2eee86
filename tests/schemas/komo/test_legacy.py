"""Shape A."""

import pytest

from schemas.komo.legacy import EVENTS, is_legacy, read_sections


@pytest.mark.parametrize("event", sorted(EVENTS))
def test_a_documented_event_is_recognised_by_its_name(event: str) -> None:
    """A proxy may drop the members that nobody needs."""
    assert is_legacy({"event": event})


def test_an_undocumented_event_is_recognised_by_its_hub() -> None:
    """The documented list is a lower bound."""
    assert is_legacy({"event": "CouponRedeemed", "site_id": "s"})


def test_other_bodies_are_not_recognised() -> None:
    """Their members mean other things."""
    assert not is_legacy({"event": "CouponRedeemed", "email": "mira@example.com"})
    assert not is_legacy({"trigger": "Prize.Won", "event": "PrizeAwarded", "site_id": "s"})
    assert not is_legacy({"event": {"name": "CardViewed"}, "site_id": "s"})
    assert not is_legacy({"site_id": "s"})


def test_an_absent_member_is_absent_and_a_null_is_a_null() -> None:
    """A mapping may clear an attribute on null, but must not on absence."""
    sections = read_sections({"event": "CardViewed", "site_id": "s", "score": None})
    assert sections == {"fields": {}, "answers": [], "hub": {"id": "s"}, "result": {"score": None}}


def test_the_caption_of_the_documentation_is_dropped_only_if_it_is_empty() -> None:
    """With a value it is somebody's form field."""
    assert read_sections({"event": "SiteViewed", "User attributes": ""})["fields"] == {}
    assert read_sections({"event": "SiteViewed", "User attributes": "x"})["fields"] == {"User attributes": "x"}
