"""Following a job, without waiting for one."""

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import click
import orjson
import pytest

from ingest.cli.progress import end, follow, watch
from workers.store.jobs import Job, Jobs

QUEUED = Job("0123456789abcdef", "replay", "queued", "test", {}, "2026-11-20T12:00:00.000Z")
RUNNING = replace(QUEUED, state="running", matched=4)
DONE = replace(RUNNING, state="done", done=3, skipped=1, result={"gone": ["512c0000000000000000"]})


class Scripted:
    """Jobs of which one goes through some states, one a look, while a clock goes on between the looks."""

    def __init__(self, *states: Job | BaseException | None, every_s: float = 0.2) -> None:
        self._states, self._every_s = list(states), every_s
        self.now = 0.0

    def get(self, _: str) -> Job | None:
        state = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        if isinstance(state, BaseException):
            raise state
        return state

    def follow(self) -> Job:
        return follow(cast(Jobs, self), QUEUED, clock=lambda: self.now, pause=self._pause)

    def _pause(self, _: float) -> None:
        self.now += self._every_s


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def pretend() -> None:
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    return pretend


def test_a_quick_job_is_followed_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    """Its result says everything."""
    assert Scripted(QUEUED, RUNNING, DONE).follow() == DONE
    assert capsys.readouterr() == ("", "")


def test_a_long_job_tells_now_and_then_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    """Lines that a log can hold, apart from the output, and never the same twice in a row."""
    half = replace(RUNNING, done=2)

    Scripted(RUNNING, half, half, half, DONE, every_s=6).follow()

    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "replay 0123456789abcdef: 0 done, 0 skipped, of 4",
        "replay 0123456789abcdef: 2 done, 0 skipped, of 4",
        "replay 0123456789abcdef: 3 done, 1 skipped, of 4",
    ]


def test_a_terminal_shows_a_bar(terminal: Callable[[], None], capsys: pytest.CaptureFixture[str]) -> None:
    """Beside the output, so that this can be piped."""
    terminal()

    Scripted(RUNNING, replace(RUNNING, done=2), DONE).follow()

    out, err = capsys.readouterr()
    assert out == ""
    assert "replay" in err


def test_a_job_that_nobody_takes_is_told_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """It stays, and is done once somebody runs."""
    jobs = Scripted(QUEUED, every_s=1)

    with pytest.raises(click.ClickException) as error:
        jobs.follow()

    assert "No worker has taken job 0123456789abcdef within 10 seconds" in error.value.message
    assert (jobs.now, error.value.exit_code) == (10, 1)
    assert capsys.readouterr() == ("", "")


def test_a_job_that_was_taken_may_take_its_time() -> None:
    """A replay with a rate can last for hours."""
    assert Scripted(*[RUNNING] * 50, DONE, every_s=60).follow() == DONE


def test_who_stops_looking_does_not_stop_the_job() -> None:
    """And is told where to look again."""
    with pytest.raises(click.ClickException) as error:
        Scripted(RUNNING, KeyboardInterrupt()).follow()

    assert error.value.message.endswith("The job goes on: komo-braze jobs show 0123456789abcdef")


@pytest.mark.parametrize("as_json", [False, True])
def test_a_program_learns_the_id_of_a_job_that_it_did_not_see_end(
    as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may want to look again."""
    with pytest.raises(click.ClickException):
        watch(cast(Jobs, Scripted(KeyboardInterrupt())), RUNNING, as_json)

    out = capsys.readouterr().out
    assert (orjson.loads(out)["id"] == RUNNING.id) if as_json else out == ""


def test_a_job_that_was_stopped_fails_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """It was not done; what it did is printed."""
    with pytest.raises(click.ClickException, match="0123456789abcdef was stopped"):
        end(replace(DONE, state="stopped"), False)
    assert "3 done" in capsys.readouterr().out


def test_a_job_that_disappears_is_not_waited_for() -> None:
    """Somebody emptied the store."""
    with pytest.raises(click.ClickException, match="no longer kept"):
        Scripted(RUNNING, None).follow()


@pytest.mark.parametrize("as_json", [False, True])
def test_a_failed_job_fails_the_command(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """With its reason; what it had done by then is printed all the same."""
    failed = replace(DONE, state="failed", why="Braze is gone.")

    with pytest.raises(click.ClickException, match=r"0123456789abcdef failed: Braze is gone\."):
        end(failed, as_json)
    assert "failed" in capsys.readouterr().out


def test_the_end_names_what_was_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody should have to count."""
    end(DONE, False)

    out = capsys.readouterr().out
    assert "3 done, 1 skipped, of 4" in out
    assert "512c0000000000000000" in out
