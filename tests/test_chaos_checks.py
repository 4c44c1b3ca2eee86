"""What the chaos run believes: its checks have to find what is wrong, and nothing else."""

from typing import Any

from tests.chaos.causes import Causes
from tests.chaos.checks import Books, Findings, _last_values
from tests.chaos.diary import Diary
from tests.chaos.feed import GOOD, Sent
from tests.chaos.journal import Call, arrivals


def test_a_last_value_is_right_under_every_name_that_a_person_was_sent() -> None:
    calls = [_call(1, "acme-1", 7), _call(2, "crm-acme-1", 8), _call(3, "acme-1", 8)]

    assert _wrong(calls, {"acme-1": {"last_a": 8}, "crm-acme-1": {"last_a": 8}}) == []


def test_an_older_last_value_is_found() -> None:
    calls = [_call(1, "acme-1", 7), _call(2, "crm-acme-1", 8), _call(3, "acme-1", 8)]

    wrong = _wrong(calls, {"acme-1": {"last_a": 7}, "crm-acme-1": {"last_a": 8}})

    assert wrong == ["1 of 2 last values are wrong: acme-1 has last_a 7, not 8"]


def _call(number: int, person: str, value: int) -> Call:
    told: list[Any] = [(person, {"last_a": value}, None), (person, None, f"entry{value}:1")]
    return Call(number, at=number, to=told, of=told, took_at=number, applied_at=number, ended_at=number, status=201)


def _wrong(calls: list[Call], profiles: dict[str, Any]) -> list[str]:
    books = Books(
        accepted={f"entry{value}": Sent("chaos-a", 1, value, GOOD) for value in (7, 8)},
        accepted_at={},
        ledgers={},
        states={},
        calls=calls,
        profiles=profiles,
        summary={},
        spacing_s=0.5,
    )
    return list(_last_values(books, arrivals(calls), Causes(Diary()), Findings()))
