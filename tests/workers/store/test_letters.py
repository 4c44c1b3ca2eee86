from typing import Any

import orjson

from tests.factories import NOON_MS, a_body
from tests.letters import DAY
from workers.store.inbox import submission_id
from workers.store.letters import Letter, read_letter

HEAD = [7, DAY, "0" * 16, ["external_id", "ann", None], NOON_MS, 3, "SiteViewed"]


def a_letter(**values: Any) -> Letter:
    entry = {
        "b": orjson.dumps(a_body("ann")), "h": orjson.dumps(HEAD), "p": b"", "why": b"refused",
        "at": str(NOON_MS + 1000).encode(),
    }  # fmt: skip
    fields = {name.encode(): value for name, value in (entry | values).items()}
    return read_letter("summer-hub", f"{NOON_MS + 1000}-5", fields)


def test_a_letter_is_told_in_short() -> None:
    """Enough to know what to do about it."""
    details = {"status": 400, "answer": "no such type", "number": 14, "attempts": [{"at": NOON_MS, "status": 400}]}
    letter = a_letter(details=orjson.dumps(details), v=b"4", n=b"2")

    assert letter.short() == {
        "id": submission_id(DAY, "0" * 16), "integration": "summer-hub", "event": "SiteViewed", "reason": "refused",
        "received_at": "2026-11-20T12:00:00.000Z", "dead_at": "2026-11-20T12:00:01.000Z", "attempts": 14, "status": 400,
        "answer": "no such type", "version": 4, "replays": 2,
    }  # fmt: skip


def test_a_letter_is_told_as_a_whole() -> None:
    """Everything that is kept about it, and the body as it came."""
    details = {"number": 1, "attempts": [{"at": NOON_MS, "status": 400}], "warnings": ["dob: not_a_date"]}
    told = a_letter(details=orjson.dumps(details), done=b'{"a":["team"],"e":["komo_entry"]}').whole()

    assert told["person"] == {"kind": "external_id", "value": "ann", "alias_label": None}
    assert told["tried"] == [{"at": "2026-11-20T12:00:00.000Z", "status": 400}]
    assert told["warnings"] == ["dob: not_a_date"]
    assert told["accepted"] == {"attributes": ["team"], "events": ["komo_entry"]}
    assert told["raw"] == a_body("ann")


def test_a_letter_from_the_door_lacks_what_nobody_knew() -> None:
    """It was never mapped, and Braze was never asked."""
    letter = a_letter(h=orjson.dumps([*HEAD[:3], None, *HEAD[4:]]), details=b"", done=b"")
    told = letter.whole()

    assert (told["person"], told["attempts"], told["tried"], told["answer"], told["version"]) == (None, 0, [], None, 3)
    assert not letter.was_taken


def test_a_part_that_may_have_been_taken_was_not_taken_for_sure() -> None:
    """Only what is certain is left out of a replay."""
    assert not a_letter(done=b'{"u":true,"t":[],"k":0}').was_taken
    assert a_letter(done=b'{"e":["komo_entry"]}').was_taken
