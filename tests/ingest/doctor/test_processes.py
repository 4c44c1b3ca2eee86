"""Who is alive, and runs with what."""

from typing import Any

from ingest.doctor.processes import check_processes
from tests.ingest.doctor.conftest import settings_of, troubles
from workers.store.alive import Heartbeat
from workers.store.runs import runs_with

OURS = runs_with(settings_of())
NEW = "a-newer-key-0123456789-and-more-of-it"


def beats(age_s: float = 1.0, web: Any = OURS, worker: Any = OURS) -> list[Heartbeat]:
    return [
        Heartbeat("web", "a:1", age_s, web), Heartbeat("worker", "b:2", age_s, worker), Heartbeat("clock", "", age_s),
    ]  # fmt: skip


def test_everybody_who_is_needed_is_alive() -> None:
    """And all run alike."""
    assert troubles(check_processes(beats(), OURS)) == []


def test_whoever_is_missing_is_told() -> None:
    """Nothing can arrive, or nothing leaves, or nothing is tried again."""
    never, silent = troubles(check_processes([], OURS)), troubles(check_processes(beats(age_s=300), OURS))

    assert [says.partition(" is alive")[0] for _, says in never] == ["No web process", "No worker", "No clock"]
    assert {level for level, _ in never + silent} == {"wrong"}
    assert all("was alive 300 seconds ago" in says for _, says in silent)


def test_a_worker_that_fell_silent_beside_others_is_a_warning() -> None:
    """It may hang, while the others do its work."""
    found = troubles(check_processes([*beats(), Heartbeat("worker", "c:3", 200, OURS)], OURS))

    assert found == [("warning", "1 more workers fell silent within the last hour: worker c:3.")]


def test_limits_that_differ_are_told_with_their_owners() -> None:
    """Two spacings are none."""
    slower = runs_with(settings_of(PERSON_SPACING_MS="5000"))

    assert troubles(check_processes(beats(worker=slower), OURS)) == [
        ("warning", "PERSON_SPACING_MS is not the same everywhere: 2000 (web a:1), 5000 (worker b:2).")
    ]
    assert troubles(check_processes(beats(web=slower, worker=slower), OURS)) == [
        ("warning", "PERSON_SPACING_MS is 5000 in all processes, but 2000 for this command.")
    ]


def test_a_process_without_the_key_of_the_others_is_wrong() -> None:
    """It could open nothing that they seal."""
    both = runs_with(settings_of(SECRET_KEY=f"{NEW},{settings_of().secret_key[0]}"))

    [(level, says)] = troubles(check_processes(beats(web=both), both))
    assert (level, says.endswith("lack a key that others seal with: worker b:2.")) == ("wrong", True)
    [(level, says)] = troubles(check_processes(beats(web=both, worker=both), OURS))
    assert (level, says) == ("wrong", "This command lacks a key that processes seal with.")


def test_an_upgrade_that_stopped_half_way_is_a_warning() -> None:
    """As every upgrade is for a minute."""
    found = troubles(check_processes(beats(web=OURS | {"version": "1"}, worker=OURS | {"version": "2"}), OURS))

    assert found == [("warning", "Several versions run: 1, 2.")]


def test_processes_that_tell_nothing_are_not_compared() -> None:
    """An older version does not."""
    assert troubles(check_processes(beats(web=None, worker=None), OURS)) == []
