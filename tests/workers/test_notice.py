from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.factories import NOON_MS, an_integration
from workers.notice import (
    OLD_MS,
    QUIET_MS,
    Notice,
    about_backlog,
    about_draft,
    about_letters,
    about_old_work,
    about_pause,
    about_store,
    letters_are_due,
)
from workers.store.alerts import Look, NewLetters
from workers.store.pressure import Reading

HUB = an_integration(name="Summer hub")


def told(found: Iterator[Notice]) -> tuple[str, str] | None:
    """What the memory holds then, and what is said."""
    notices = list(found)
    return (notices[0].becomes, notices[0].text) if notices else None


def test_a_pause_by_braze_is_told_with_its_reason() -> None:
    """Somebody has to mend the key; until then nothing is delivered."""
    look = Look(paused="braze", paused_because="Braze does not know the key (401).")

    [found] = about_pause(HUB, look, "", "", now_ms=NOON_MS)

    assert "Summer hub is paused: Braze does not know the key (401)." in found.text
    assert found.details == {"by": "braze", "because": "Braze does not know the key (401)."}
    assert told(about_pause(HUB, look, found.becomes, "", now_ms=NOON_MS)) is None


def test_a_pause_by_a_person_is_told_as_such() -> None:
    """It does not end by itself."""
    [found] = about_pause(HUB, Look(paused="person"), "", "", now_ms=NOON_MS)

    assert "by a person" in found.text
    assert found.becomes == "person"


def test_the_end_of_a_pause_is_told_if_braze_had_paused() -> None:
    """Nobody need be told of what they have done themselves."""
    [mended] = about_pause(HUB, Look(), "braze", "", now_ms=NOON_MS)
    [resumed, _] = about_pause(HUB, Look(), "person", "", now_ms=NOON_MS)

    assert (mended.becomes, mended.says) == ("", "integration_resumed")
    assert "sending again" in mended.text
    assert (resumed.becomes, resumed.text) == ("", "")


def test_a_draft_is_no_news_and_what_waited_in_it_is_not_old_when_it_is_set_up() -> None:
    """Whoever sets it up knows that it sends nothing; and the days until then are nobody's fault."""
    [found] = about_draft("")
    assert (found.becomes, found.text) == ("person", "")
    assert list(about_draft("person")) == []

    [resumed, old] = about_pause(HUB, Look(), found.becomes, "", now_ms=NOON_MS)

    assert (resumed.text, old.becomes) == ("", str(NOON_MS))
    look = Look(waiting=1, oldest_ms=NOON_MS - 86_400_000)
    assert list(about_old_work(HUB, look, old.becomes, now_ms=NOON_MS + 1000)) == []


def test_a_backlog_is_told_at_half_and_when_full_and_not_again_while_it_hovers() -> None:
    """Komo may not repeat what is refused, so the first alert has to come while there is room."""
    said, heard = "", []
    for waiting in (499, 500, 480, 510, 700, 999, 950, 1000, 890, 1000, 440, 500):
        for found in about_backlog(HUB, Look(waiting=waiting), said, most=1000):
            said = found.becomes
            if found.text:
                heard.append((waiting, said))

    assert heard == [(500, "50"), (999, "100"), (1000, "100"), (500, "50")]


@pytest.mark.parametrize(("waiting", "words"), [(500, "500 of 1,000"), (1000, "answers 429")])
def test_a_backlog_says_what_may_be_lost(waiting: int, words: str) -> None:
    """A 429 may be a loss, whatever we keep."""
    [found] = about_backlog(HUB, Look(waiting=waiting), "", most=1000)

    assert words in found.text
    assert "429" in found.text
    assert "Komo may not send again" in found.text


@pytest.mark.parametrize(
    ("reading", "most_bytes", "level"),
    [
        (Reading(memory=False, waiting_bytes=49, maxmemory=1000), 100, None),
        (Reading(memory=False, waiting_bytes=50, maxmemory=1000), 100, "50"),
        (Reading(memory=False, waiting_bytes=250, maxmemory=1000), None, "50"),
        (Reading(memory=False, waiting_bytes=100, maxmemory=1000), 100, "100"),
        (Reading(memory=True, waiting_bytes=0, maxmemory=1000), None, "100"),
        (Reading(memory=False, waiting_bytes=10**9, maxmemory=0), None, None),
    ],
)
def test_a_store_that_fills_up_is_told(reading: Reading, most_bytes: int | None, level: str | None) -> None:
    """Many integrations may fill it together, each of them within its number."""
    found = told(about_store(reading, "", most_bytes=most_bytes, now_ms=NOON_MS))

    assert found is None if level is None else found and found[0] == f"{level} {NOON_MS}" and "429" in found[1]


def test_a_store_that_hovers_about_its_mark_is_told_of_once_in_ten_minutes() -> None:
    """Its memory has no second mark to fall below."""
    high, low = Reading(True, 0, 100), Reading(False, 0, 100)
    said = f"100 {NOON_MS}"

    assert told(about_store(low, said, most_bytes=None, now_ms=NOON_MS + QUIET_MS - 1)) is None
    assert told(about_store(high, said, most_bytes=None, now_ms=NOON_MS + QUIET_MS)) is None
    assert told(about_store(low, said, most_bytes=None, now_ms=NOON_MS + QUIET_MS)) == ("", "")


def test_old_work_is_told_once_until_it_is_young_again() -> None:
    """Minutes mean that no worker runs, or that Braze takes nothing."""
    old, young = Look(oldest_ms=NOON_MS - OLD_MS - 120_000), Look(oldest_ms=NOON_MS - OLD_MS)

    said, text = told(about_old_work(HUB, old, "", now_ms=NOON_MS)) or ("", "")

    assert "for 12 minutes" in text
    assert told(about_old_work(HUB, old, said, now_ms=NOON_MS)) is None
    assert told(about_old_work(HUB, young, said, now_ms=NOON_MS)) == ("", "")
    assert told(about_old_work(HUB, Look(), said, now_ms=NOON_MS)) == ("", "")
    assert told(about_old_work(HUB, young, "", now_ms=NOON_MS)) is None


def test_work_that_a_person_lets_wait_is_not_old() -> None:
    """They know; and once they resume, it has its ten minutes to leave."""
    look = Look(oldest_ms=NOON_MS - 10 * OLD_MS)
    assert told(about_old_work(HUB, replace(look, paused="person"), "", now_ms=NOON_MS)) is None

    [_, resumed] = about_pause(HUB, look, "person", "told", now_ms=NOON_MS)

    assert (resumed.kind, resumed.was, resumed.text) == ("old_work", "told", "")
    assert told(about_old_work(HUB, look, resumed.becomes, now_ms=NOON_MS + OLD_MS)) is None
    assert (told(about_old_work(HUB, look, resumed.becomes, now_ms=NOON_MS + OLD_MS + 1)) or ("",))[0] == "told"


def test_old_work_of_one_that_braze_has_paused_says_so() -> None:
    """The workers are fine then."""
    look = Look(paused="braze", oldest_ms=NOON_MS - 2 * OLD_MS)

    assert "Braze's answer" in (told(about_old_work(HUB, look, "", now_ms=NOON_MS)) or ("", ""))[1]


@pytest.mark.parametrize(
    ("newest", "said", "due"),
    [
        ("", "", False),
        ("5-0", "", True),
        ("5-0", "5-0 0", False),
        ("10-0", f"9-0 {NOON_MS - QUIET_MS}", True),
        ("10-0", f"9-0 {NOON_MS - QUIET_MS + 1}", False),
        ("10-0", f"9-0 {NOON_MS + 1}", True),  # a clock that was ahead has written it
        ("9-0", "10-0 0", False),  # the newest was replayed
    ],
)
def test_dead_letters_are_told_of_once_in_ten_minutes(newest: str, said: str, due: bool) -> None:
    """A bad setting makes thousands of them, one after the other."""
    assert letters_are_due(Look(newest_letter=newest), said, now_ms=NOON_MS) is due


def test_dead_letters_are_told_with_number_and_reasons() -> None:
    """That is enough to know where to look, and nothing of a person is in it."""
    letters = NewLetters("7-0", 1000, True, ["refused", "too_big", "refused"])

    [found] = about_letters(HUB, Look(dead=1200), letters, "5-0 1", now_ms=NOON_MS)

    assert "Summer hub has 1,000 or more new dead letters (refused, too_big)" in found.text
    assert found.details == {
        "new": 1000, "more": True, "reasons": ["refused", "too_big", "refused"], "dead": 1200,
    }  # fmt: skip
    assert found.becomes == f"7-0 {NOON_MS}"
    assert told(about_letters(HUB, Look(), NewLetters("", 0, False, []), "", now_ms=NOON_MS)) is None
