"""How callers behave."""

from typing import Any

import pytest

from ingest.sandbox.braze.traffic import MAX_BODY_KEPT, Traffic, person_of

JO, ANN = ("external_id", "jo"), ("external_id", "ann")


@pytest.mark.parametrize(
    ("given", "person"),
    [
        ({"external_id": "jo", "email": "a@b.c"}, JO),
        ({"user_alias": {"alias_label": "l", "alias_name": "n"}}, ("user_alias", ("l", "n"))),
        ({"email": "a@b.c", "phone": "1"}, ("email", "a@b.c")),
        ({"name": "x"}, None),
        (None, None),
    ],
)
def test_a_person_is_the_identifier_that_was_sent(given: Any, person: Any) -> None:
    """Two identifiers are two people."""
    assert person_of(given) == person


def test_the_same_person_in_two_requests_at_once_is_seen() -> None:
    """Braze may apply them in any order."""
    traffic = Traffic()
    with traffic.in_flight({JO, ANN}) as first, traffic.in_flight({JO}) as second:
        assert first == []
        assert second == [JO]
    with traffic.in_flight({JO}) as third:
        assert third == []
    told = traffic.as_json()
    assert (told["max_in_flight_per_person"], told["overlaps"], told["max_in_flight"], told["in_flight"]) == (
        2,
        1,
        2,
        0,
    )


def test_spacing_is_counted_from_the_answer_to_the_next_request() -> None:
    """Only requests that took effect count: a refused one may be sent again at once."""
    traffic = Traffic()
    with traffic.in_flight({JO}):
        pass
    with traffic.in_flight({JO}):
        traffic.took_effect([JO], 75)
    assert traffic.as_json()["min_spacing_ms"] is None
    with traffic.in_flight({JO, ANN}):
        traffic.took_effect([JO], 25)
    told = traffic.as_json()
    assert told["min_spacing_ms"] >= 0
    assert sum(told["spacings_ms"].values()) == 1
    assert (told["biggest_request"], told["smallest_request"], told["mean_fill"], told["objects"]) == (
        75,
        25,
        50.0,
        100,
    )


def test_requests_are_kept_newest_first_and_not_whole_if_huge() -> None:
    """A few big bodies must not fill the memory."""
    traffic = Traffic()
    traffic.arrive("GET", "/a", "partner-Komo", b"", 1.0)
    seen = traffic.arrive("POST", "/b", "partner-Komo", b"x" * (MAX_BODY_KEPT + 1), 2.0)
    traffic.leave(seen, 201, b"{}", 2.5)
    assert [one.path for one in traffic.newest(5)] == ["/b", "/a"]
    assert (len(seen.body), seen.took_ms, traffic.as_json()["statuses"]) == (MAX_BODY_KEPT, 500.0, {"201": 1})
