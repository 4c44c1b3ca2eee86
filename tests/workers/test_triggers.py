"""Messages that Braze shall send because of a submission."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from schemas.mapping import SendKind, SendRule, Source
from schemas.paths import parse_path
from schemas.person import Person
from schemas.submission import Submission
from tests.factories import an_integration
from workers.transform import Mapped, compile_mapping
from workers.triggers import MAX_TRIGGER_BYTES, Send

HAPPENED = datetime(2026, 2, 3, tzinfo=UTC)
MIRA = Person("external_id", "mira")
INES = Person("user_alias", "ines@example.com", "email")
WON = ((("submission", "event"), ("PrizeAwarded",)),)


def mapped(
    *rules: SendRule, person: Person | None = MIRA, event: str = "PrizeAwarded", fields: dict[str, Any] | None = None
) -> Mapped:
    sections = {"fields": fields or {}, "submission": {"event": event}, "prize": {"name": "Cap"}}
    submission = Submission("s1", event, HAPPENED, HAPPENED, sections)
    return compile_mapping(an_integration(attributes=(), events=(), sends=rules)).apply(submission, person)


def a_rule(kind: SendKind = "campaign", **properties: str) -> SendRule:
    sources = {name: Source(field=parse_path(path)) for name, path in properties.items()}
    return SendRule(kind, "c0ffee00", sources, WON)


def test_a_send_carries_its_data() -> None:
    """What is in the call can't be overtaken by the profile."""
    found = mapped(a_rule("canvas"), a_rule(prize="prize.name", seat="seat", none="nobody"), fields={"seat": " 7 "})

    assert found.sends == (
        Send(1, "canvas", "c0ffee00", {}),
        Send(2, "campaign", "c0ffee00", {"prize": "Cap", "seat": "7"}),
    )
    assert found.attributes == {}


def test_a_send_is_due_only_where_its_conditions_hold() -> None:
    """Every form would mail the winners."""
    assert mapped(a_rule(), event="QuizStarted") == Mapped({}, [], [])


def test_flaws_of_its_properties_are_named_after_the_rule() -> None:
    """A campaign has an id that no person knows by heart."""
    found = mapped(a_rule(), a_rule(story="story"), fields={"story": "x" * 300})

    assert found.warnings == ["sends.2.story: string_cut"]


def test_too_much_data_stays_behind() -> None:
    """Braze takes 50 KB, and would refuse the send."""
    big = {f"p{n}": f"list_{n}" for n in range(3)}
    lists = {f"list_{n}": [f"{n} {k:03} {'x' * 100}" for k in range(250)] for n in range(3)}
    properties = {name: Source(field=parse_path(path)) for name, path in {"prize": "prize.name", **big}.items()}
    found = mapped(SendRule("campaign", "c0", properties), fields=lists)

    assert len(orjson.dumps(found.sends[0].properties)) <= MAX_TRIGGER_BYTES
    assert "prize" in found.sends[0].properties
    assert found.warnings == ["sends.1.p0: send_too_big", "sends.1.p1: send_too_big"]


@pytest.mark.parametrize(
    ("kind", "person", "reached"),
    [
        ("campaign", Person("email", "mira@example.com"), True),
        ("canvas", Person("braze_id", "b1"), True),
        ("transactional", INES, True),
        ("transactional", Person("email", "mira@example.com"), False),
        ("campaign", Person("phone", "+61412345678"), False),
    ],
)
def test_who_can_not_be_addressed_gets_nothing(kind: SendKind, person: Person, reached: bool) -> None:
    """Braze refuses such a call, each time anew."""
    found = mapped(a_rule(kind), person=person)

    assert bool(found.sends) is reached
    assert found.warnings == ([] if reached else ["sends.1: no_recipient"])
