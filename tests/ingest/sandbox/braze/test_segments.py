"""Who fits all of these rules?"""

import pytest

from ingest.sandbox.braze.profiles import Profile, Profiles, Tally
from ingest.sandbox.braze.segments import OPERATORS, Rule, fits, members

JO = Profile(
    braze_id="b",
    created_at=1,
    updated_at=1,
    external_id="jo",
    standard={"email": "jo@example.com"},
    custom={
        "beach": "Bondi",
        "score": 8,
        "won": True,
        "tags": ["Surf", "Music"],
        "boat": {"length": 7.5},
        "day": "2026-11-20",
    },
    tallies={"komo_entry": Tally(1, 1, 1)},
)


@pytest.mark.parametrize(
    ("attribute", "operator", "value", "fit"),
    [
        ("beach", "is", "bondi", True),
        ("score", "is", "8.0", True),
        ("won", "is", "TRUE", True),
        ("boat.length", "is", "7.5", True),
        ("none", "is", "", False),
        ("external_id", "is", "jo", True),
        ("beach", "is not", "Bells", True),
        ("none", "is not", "x", True),
        ("beach", "is not", "BONDI", False),
        ("beach", "contains", "ond", True),
        ("tags", "contains", "surf", True),
        ("tags", "contains", "sur", False),
        ("score", "more than", "7", True),
        ("score", "more than", "8", False),
        ("score", "less than", "x", False),
        ("day", "more than", "2026-01-01", True),
        ("day", "less than", "2026-01-01", False),
        ("won", "more than", "0", False),
        ("email", "exists", "", True),
        ("phone", "exists", "", False),
        ("komo_entry", "did event", "", True),
        ("komo_other", "did event", "", False),
    ],
)
def test_each_operator(attribute: str, operator: str, value: str, fit: bool) -> None:
    """People type what they see on the profile."""
    assert operator in OPERATORS
    assert fits(JO, Rule(attribute, operator, value)) is fit


def test_every_rule_must_fit() -> None:
    """Rules are joined by and."""
    profiles = Profiles()
    for number in range(3):
        made = profiles.find({"external_id": f"p{number}"}, 1.0, may_create_alias=False)
        assert made is not None
        made.custom.update(score=number, beach="Bondi")
    rules = [Rule("beach", "is", "Bondi"), Rule("score", "more than", "0")]
    assert [one.external_id for one in members(profiles, rules)] == ["p2", "p1"]
    assert len(members(profiles, [])) == 3
