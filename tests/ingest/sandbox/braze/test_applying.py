"""Accepted objects become profiles."""

from typing import Any

from ingest.sandbox.braze.applying import EVENT_ID, Work, Workspace
from ingest.sandbox.braze.ledgers import Ledgers
from ingest.sandbox.braze.profiles import EVENTS_SHOWN, Profile
from ingest.sandbox.braze.settings import Settings

PAST = "2020-01-02T03:04:05Z"


def workspace(**settings: Any) -> Workspace:
    """An empty one."""
    return Workspace(Settings(**settings), Ledgers())


def jo(held: Workspace) -> Profile:
    """The person all of these tests are about."""
    found = held.profiles.by_external_id("jo")
    assert found is not None
    return found


def attributes(held: Workspace, **fields: Any) -> None:
    held.apply(Work([{"external_id": "jo", **fields}], [], []))


def event(held: Workspace, **fields: Any) -> None:
    held.apply(Work([], [{"external_id": "jo", "name": "komo_entry", "time": PAST, **fields}], []))


def test_fields_grow_and_remember_when_they_changed() -> None:
    """The page shows a profile growing field by field."""
    held = workspace()
    attributes(held, first_name="Jo", beach="Bondi")
    before = jo(held).changed_at["beach"]
    attributes(held, beach="Bondi", score=3)
    assert jo(held).custom == {"beach": "Bondi", "score": 3}
    assert jo(held).standard == {"first_name": "Jo"}
    assert jo(held).changed_at["beach"] == before


def test_null_removes_a_custom_attribute() -> None:
    """Unlike an empty text."""
    held = workspace()
    attributes(held, beach="Bondi", note="")
    attributes(held, beach=None)
    assert jo(held).custom == {"note": ""}


def test_the_first_value_fixes_the_type_for_everybody() -> None:
    """Later values of another type are ignored, and only the ledger says so."""
    held = workspace()
    held.apply(Work([{"external_id": "ann", "score": 3}], [], []))
    attributes(held, score="three")
    assert jo(held).custom == {}
    assert held.ledgers.silent_drops.counts() == {"type_mismatch": 1}


def test_a_forced_type_turns_values() -> None:
    """The workspace's owner chose the type."""
    held = workspace(forced_types={"score": "number"})
    attributes(held, score="3")
    assert jo(held).custom == {"score": 3}


def test_blocked_names_leave_no_trace_but_a_ledger_entry() -> None:
    """Braze ignores them without error and without a bill."""
    held = workspace(blocked_attributes=frozenset({"secret"}), blocked_events=frozenset({"komo_entry"}))
    attributes(held, secret=1)
    event(held)
    assert jo(held).custom == {}
    assert held.event_counts.total() == 0
    assert held.ledgers.silent_drops.counts() == {"blocked_attribute": 1, "blocked_event": 1}
    assert held.ledgers.data_points.total() == 0


def test_a_standard_name_in_another_case_is_noted_once() -> None:
    """It silently becomes a custom attribute, most likely by mistake."""
    held = workspace()
    attributes(held, First_Name="Jo")
    attributes(held, First_Name="Joe")
    assert jo(held).custom == {"First_Name": "Joe"}
    assert held.ledgers.silent_drops.counts() == {"standard_name_in_other_case": 1}


def test_unknown_people_in_update_only_mode_are_noted() -> None:
    """A success that stores nothing."""
    held = workspace()
    attributes(held, _update_existing_only=True, first_name="Ghost")
    held.apply(Work([{"user_alias": {"alias_label": "l", "alias_name": "n"}, "a": 1}], [], []))
    assert len(held.profiles) == 0
    assert held.ledgers.silent_drops.counts() == {"unknown_person": 1, "unknown_alias": 1}


def test_attributes_come_before_events_of_the_same_request() -> None:
    """So an alias made by attributes is there for its event."""
    held = workspace()
    alias = {"user_alias": {"alias_label": "l", "alias_name": "n"}}
    made = {**alias, "_update_existing_only": False, "a": 1}
    held.apply(Work([made], [{**alias, "name": "komo_entry", "time": PAST}], []))
    assert held.event_counts["komo_entry"] == 1
    assert not held.ledgers.silent_drops.counts()


def test_every_event_is_kept_and_counted_twice_if_sent_twice() -> None:
    """Braze does not detect duplicates, so the stand-in must show them."""
    held = workspace()
    for _ in range(2):
        event(held, properties={EVENT_ID: "s-1:1"})
    event(held, properties={EVENT_ID: "s-2:1"})
    assert jo(held).tallies["komo_entry"].count == 3
    assert held.ledgers.event_ids.summary() == {
        "total": 3, "distinct": 2, "repeated": 1, "extra": 1, "not_kept": 0, "examples": {"s-1:1": 2},
    }  # fmt: skip


def test_a_persons_list_of_events_ends_but_the_count_goes_on() -> None:
    """A soak must not eat the machine's memory."""
    held = workspace()
    for _ in range(EVENTS_SHOWN + 5):
        event(held)
    assert len(jo(held).recent) == EVENTS_SHOWN
    assert jo(held).tallies["komo_entry"].count == EVENTS_SHOWN + 5


def test_an_event_from_the_future_happens_now() -> None:
    """Braze replaces the time without saying so."""
    held = workspace()
    event(held, time="2999-01-01T00:00:00Z")
    event(held)
    assert [what.time == PAST for what in jo(held).recent] == [False, True]
    assert held.ledgers.silent_drops.counts() == {"time_in_future": 1}


def test_only_the_first_256_properties_stay() -> None:
    """The rest is dropped without a word."""
    held = workspace()
    event(held, properties={f"p{n}": n for n in range(300)})
    assert len(jo(held).recent[0].properties) == 256
    assert held.ledgers.silent_drops.counts() == {"too_many_properties": 1}


def test_a_purchase_counts_its_quantity() -> None:
    """n of them are n purchases, and n data points."""
    held = workspace()
    held.apply(
        Work(
            [],
            [],
            [{"external_id": "jo", "product_id": "cap", "price": 2, "currency": "AUD", "quantity": 3, "time": PAST}],
        )
    )
    assert jo(held).purchases == 3
    assert held.ledgers.data_points["purchases"] == 3
    assert not jo(held).tallies


def test_data_points_are_counted_per_write() -> None:
    """Changed or not: Braze bills what is sent."""
    held = workspace()
    for _ in range(2):
        attributes(held, beach="Bondi", boat={"length": 7, "name": "Dory"}, tags={"add": ["a", "b"]}, first_name="Jo")
    event(held)
    assert dict(held.ledgers.data_points) == {"custom_attributes": 10, "standard_attributes": 2, "events": 1}


def test_a_selecting_address_is_no_write() -> None:
    """It only says who is meant."""
    held = workspace()
    held.apply(Work([{"email": "jo@example.com", "beach": "Bondi"}], [], []))
    assert dict(held.ledgers.data_points) == {"custom_attributes": 1}


def test_an_address_is_written_before_its_subscription() -> None:
    """In whatever order the members stand, the state belongs to the new address."""
    held = workspace()
    attributes(held, email="old@example.com")
    attributes(held, email_subscribe="opted_in", email="new@example.com")
    assert jo(held).standard == {"email": "new@example.com", "email_subscribe": "opted_in"}


def test_shuffled_objects_all_arrive() -> None:
    """Within an array no order is promised."""
    held = workspace(shuffle_objects=True)
    held.apply(Work([{"external_id": f"p{n}"} for n in range(20)], [], []))
    assert len(held.profiles) == 20
