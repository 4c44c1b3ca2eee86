"""How many dead letters there are of each reason."""

import pytest
import redis

from tests.letters import bury
from tests.workers.store.test_dead_letters import Hubs
from tests.workers.store.test_timeline import Hub, dead
from workers.store import letter_reasons
from workers.store.dead_letters import DeadLetters
from workers.store.inbox import Limits
from workers.store.keys import own
from workers.store.letter_reasons import LetterReasons, Reasons


@pytest.fixture
def hubs(store_connection: redis.Redis) -> Hubs:
    """Their letters are written as an earlier version left them: nobody has counted them."""
    return Hubs(store_connection)


def test_letters_of_an_earlier_version_are_counted_one_by_one(hubs: Hubs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first question after a night."""
    monkeypatch.setattr(letter_reasons, "LOOK_THROUGH", 2)
    for number in range(1, 8):
        hubs.bury("ann", number, why="refused" if number > 3 else "too_big")

    assert hubs.letters.reasons(hubs.summer) == {"refused": 4, "too_big": 3}
    assert hubs.letters.reasons(hubs.winter) == {}
    many = hubs.letters.reasons_many([hubs.summer, hubs.winter])
    assert many == {"summer-hub": Reasons({"refused": 4, "too_big": 3}, 7), "winter-hub": Reasons({}, 0)}
    assert all(one.exact for one in many.values())


def test_of_many_the_newest_are_counted(hubs: Hubs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that asks every few seconds must not read a million of them."""
    monkeypatch.setattr(letter_reasons, "LOOK_THROUGH", 3)
    monkeypatch.setattr(letter_reasons, "LOOKED_AT", 5)
    for number in range(1, 10):
        hubs.bury("ann", number, why="refused" if number > 3 else "too_big")

    assert hubs.letters.reasons(hubs.summer) == {"refused": 6}
    monkeypatch.setattr(letter_reasons, "COUNT_CALLS", 1)
    told = LetterReasons(hubs.connection).of(hubs.summer)
    assert (told, told.exact) == (Reasons({"refused": 3}, 9), False)


@pytest.mark.parametrize("most_bytes", [1, 3_000, 10_000])
def test_big_letters_are_counted_a_few_at_a_time(hubs: Hubs, monkeypatch: pytest.MonkeyPatch, most_bytes: int) -> None:
    """The store does nothing else meanwhile, and one letter may be as big as a thousand others."""
    monkeypatch.setattr(letter_reasons, "LOOK_THROUGH_BYTES", most_bytes)
    for number in range(1, 12):
        hubs.bury("ann", number, why="too_big" if number % 2 else "refused", story="x" * 2000)

    assert hubs.letters.reasons(hubs.summer) == {"too_big": 6, "refused": 5}


def test_the_counting_ends_with_its_time(hubs: Hubs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page is not held up by what an earlier version left; it says that it does not know."""
    monkeypatch.setattr(letter_reasons, "LOOK_THROUGH", 2)
    now = [0.0]

    def clock() -> float:
        now[0] += letter_reasons.PAGE_SECONDS / 3.5
        return now[0]

    for number in range(1, 30):
        hubs.bury("ann", number)
        hubs.bury("ann", number, hubs.winter)

    told = LetterReasons(hubs.connection, clock=clock).of_many([hubs.summer, hubs.winter])

    assert told == {"summer-hub": Reasons({"refused": 6}, 29), "winter-hub": Reasons({}, 29)}
    assert not any(one.exact for one in told.values())


def test_what_dies_now_is_counted_at_once(store_connection: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty thousand letters are told as quickly as five."""
    hub = Hub(store_connection)
    letters = DeadLetters(store_connection, lambda: hub.integrations, Limits())
    monkeypatch.setattr(letter_reasons, "COUNT_CALLS", 0)
    hub.accept(*(dead(number) for number in range(5)))

    assert letters.reasons(hub.summer) == {"bad_identifier": 5}

    [entry, *_] = [entry for page in letters.choose(hub.summer, None, hub.listed()) for entry in page.chosen]
    letters.moves.discard(hub.summer, None, [entry])

    assert letters.reasons_many([hub.summer]) == {"summer-hub": Reasons({"bad_identifier": 4}, 4)}


def test_letters_of_before_never_make_a_wrong_count_look_right(store_connection: redis.Redis) -> None:
    """They are missing in what is kept, and take nothing from it that is not theirs when they go."""
    hub = Hub(store_connection)
    letters = DeadLetters(store_connection, lambda: hub.integrations, Limits())
    for number in range(1, 4):
        bury(store_connection, hub.summer, "ann", number, why="too_big" if number < 3 else "bad_identifier")
    hub.accept(dead(10), dead(11))
    entries = [entry.decode() for entry, _ in store_connection.xrange(f"{own(hub.summer)}:dlq")]  # type: ignore[union-attr]

    assert letters.reasons(hub.summer) == {"bad_identifier": 3, "too_big": 2}
    for gone, left in enumerate([{"bad_identifier": 3, "too_big": 1}, {"bad_identifier": 3}, {"bad_identifier": 2}]):
        letters.moves.discard(hub.summer, None, [entries[gone]])
        assert letters.reasons(hub.summer) == left
        assert letters.reasons_many([hub.summer])["summer-hub"].exact
