import socket
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from workers.braze.deadline import Watch

#: Long enough for a busy machine, short enough to wait for.
SOON_S = 0.05
LATEST_S = 5


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(LATEST_S)
    with ours, theirs:
        yield ours, theirs


def test_a_call_that_lasts_too_long_is_cut(ends: tuple[socket.socket, socket.socket]) -> None:
    """Whoever waits for bytes gets an end instead."""
    ours, _ = ends
    watch = Watch()
    with watch.call(SOON_S) as call:
        watch.sending(ours)
        assert ours.recv(1) == b""
    assert call.expired


def test_a_call_in_time_is_left_alone(ends: tuple[socket.socket, socket.socket]) -> None:
    """Its connection serves the next call."""
    ours, theirs = ends
    watch = Watch()
    with watch.call(LATEST_S) as call:
        watch.sending(ours)
    theirs.send(b"x")
    assert not call.expired
    assert ours.recv(1) == b"x"


def test_the_deadline_of_an_ended_call_does_not_reach_the_next_on_the_same_connection(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    """Otherwise a good answer would be lost, and its events doubled."""
    ours, theirs = ends
    watch = Watch()
    with watch.call(SOON_S):
        watch.sending(ours)
    with watch.call(LATEST_S) as second:
        watch.sending(ours)
        time.sleep(3 * SOON_S)
        theirs.send(b"x")
        assert ours.recv(1) == b"x"
    assert not second.expired


def test_a_short_call_is_cut_in_time_while_long_ones_are_out(ends: tuple[socket.socket, socket.socket]) -> None:
    """The thread sleeps until the earliest deadline, and that may come later than the others."""
    ours, _ = ends
    watch, started, done = Watch(), threading.Event(), threading.Event()

    def long_call() -> None:
        with watch.call(LATEST_S * 10):
            started.set()
            done.wait(LATEST_S)

    thread = threading.Thread(target=long_call)
    thread.start()
    started.wait(LATEST_S)
    with watch.call(SOON_S) as call:
        watch.sending(ours)
        assert ours.recv(1) == b""
    done.set()
    thread.join(LATEST_S)
    assert call.expired


def test_a_connection_is_watched_from_its_first_moment(ends: tuple[socket.socket, socket.socket]) -> None:
    """TLS takes it out of the hands of the socket that it began with, so a handle of our own is kept."""
    ours, _ = ends
    watch = Watch()
    with watch.call(SOON_S) as call:
        watch.connected(ours)
        with socket.socket(fileno=ours.detach()) as taken_over:
            taken_over.settimeout(LATEST_S)
            assert taken_over.recv(1) == b""
    assert (call.expired, call.sent) == (True, False)


def test_a_request_whose_time_is_up_is_not_begun(ends: tuple[socket.socket, socket.socket]) -> None:
    """What has not begun to leave is certain not to be applied."""
    ours, theirs = ends
    watch = Watch()
    with watch.call(0) as call:
        while not call.expired:
            time.sleep(0.001)
        with pytest.raises(TimeoutError):
            watch.sending(ours)
        assert not call.sent
    assert theirs.recv(1) == b""


def test_a_connection_inside_another_is_cut_at_the_outer_one(ends: tuple[socket.socket, socket.socket]) -> None:
    """To a proxy that speaks TLS itself, TLS goes through TLS, and the inner one is no socket at all."""
    ours, _ = ends
    watch = Watch()
    with watch.call(SOON_S):
        watch.sending(SimpleNamespace(socket=ours))  # type: ignore[arg-type]  # as urllib3's SSLTransport
        assert ours.recv(1) == b""


def test_a_connection_outside_a_call_is_nobody_s(ends: tuple[socket.socket, socket.socket]) -> None:
    """Others may use the same adapter."""
    ours, theirs = ends
    watch = Watch()
    watch.connected(ours)
    watch.sending(ours)
    theirs.send(b"x")
    assert ours.recv(1) == b"x"


def test_beats_come_while_a_call_is_out_and_end_with_it() -> None:
    """A lease has to be renewed for as long as its holder waits, and no longer."""
    watch, beats, third = Watch(), list[float](), threading.Event()

    def beat() -> None:
        beats.append(time.monotonic())
        if len(beats) == 3:
            third.set()

    with watch.call(LATEST_S, beat=beat, every_s=0.02):
        assert third.wait(LATEST_S)
    count = len(beats)
    time.sleep(0.1)
    assert len(beats) - count <= 1  # one may have been on its way


def test_a_beat_that_fails_or_hangs_holds_up_no_deadline(ends: tuple[socket.socket, socket.socket]) -> None:
    """The store may be away exactly then."""
    ours, _ = ends
    watch, release, begun = Watch(), threading.Event(), list[int]()

    def beat() -> None:
        begun.append(1)
        if len(begun) == 1:
            raise OSError("away")
        release.wait(LATEST_S)

    with watch.call(0.2, beat=beat, every_s=0.01) as call:
        watch.sending(ours)
        assert ours.recv(1) == b""
    release.set()
    assert call.expired
    assert len(begun) == 2


def test_one_pair_of_threads_serves_every_call() -> None:
    """Sixteen workers must not mean sixteen more threads."""
    before = threading.active_count()
    watch = Watch()
    for _ in range(20):
        with watch.call(LATEST_S, beat=lambda: None):
            pass
    assert threading.active_count() <= before + 2
