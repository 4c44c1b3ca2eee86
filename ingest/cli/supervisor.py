"""
Starts processes, shows their output, starts again what ends, and stops them all.

Honcho reads the Procfile, makes a session for each process, and prints its lines. Its manager is not used: it stops
everything when one process ends, where ours must start that one again. Circus restarts, but it is a daemon with sockets
and a protocol of its own, over pyzmq and tornado: too much for three processes of one terminal.
"""

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from types import FrameType
from typing import Any

from honcho.colour import get_colours
from honcho.printer import Message, Printer
from honcho.process import Popen

#: How long processes may take to end after TERM, before they are killed: 15 s are promised, the store needs some, too.
STOP_WAIT_S = 12.0
#: A process that ran for so long has not failed to start: its next restart waits no longer than its first.
HEALTHY_AFTER_S = 30.0
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
TURN_S = 0.1
SYSTEM = "komo-braze"
#: Starts a line so that its process gets TERM when ours dies without a word: what is left behind would hold the port.
#: On Linux only. A `preexec_fn` would do the same, but is not safe beside threads.
#: https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
LEASHED = (
    "import ctypes, os, sys\n"
    "if sys.platform == 'linux': ctypes.CDLL(None).prctl(1, 15)\n"
    "os.execvp('sh', ['sh', '-c', sys.argv[1]])"
)


@dataclass(frozen=True, slots=True)
class Command:
    """One process to keep running."""

    name: str
    #: For the shell; it should start with `exec`.
    line: str
    environ: Mapping[str, str]


class _Kept:
    """A command and its process of the moment."""

    def __init__(self, command: Command, colour: str) -> None:
        self.command = command
        self.colour = colour
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at_s = 0.0
        self.start_again_at_s = 0.0
        self.pause_s = FIRST_PAUSE_S


class Supervisor:
    """Keeps commands running until a signal; all printing happens in the thread that calls `run`."""

    def __init__(self, commands: Sequence[Command], *, pass_fds: Sequence[int] = (), output: Any = None) -> None:
        self._lines: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._pass_fds = pass_fds
        self._kept = [_Kept(command, colour) for command, colour in zip(commands, get_colours(), strict=False)]
        width = max([len(SYSTEM), *(len(command.name) for command in commands)])
        self._printer = Printer(*([output] if output else []), width=width)
        self._signals = 0

    def run(self, each_turn: Callable[[], None] = lambda: None) -> None:
        """
        Start everything and return when all of it has ended, after INT or TERM; a second signal kills at once.

        Args:
            each_turn: Called about once a second; what it says with `say` is printed.
        """
        before = {number: signal.signal(number, self._on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            next_turn_s = 0.0
            while not self._signals:  # in this thread: a leash ends with the thread that put it on
                self._keep_running()
                if time.monotonic() >= next_turn_s:
                    each_turn()
                    next_turn_s = time.monotonic() + 1
                self._print_for(TURN_S)
        except BrokenPipeError:
            # Nobody reads our output any more: what is still in its buffer must not fail a second time at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        finally:
            self._stop()
            for number, handler in before.items():
                signal.signal(number, handler)

    def say(self, text: str) -> None:
        """Print lines of our own among the others; callable from any thread."""
        for line in text.splitlines():
            self._lines.put(Message("line", line or " ", datetime.now().astimezone(), SYSTEM, None))

    def stop(self) -> None:
        """As a signal does; callable from any thread."""
        self._signals += 1

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stop()

    def _keep_running(self) -> None:
        now_s = time.monotonic()
        for kept in self._kept:
            if kept.process is None and now_s >= kept.start_again_at_s:
                self._start(kept)
            elif kept.process is not None and kept.process.poll() is not None:
                self._mourn(kept, kept.process, now_s)

    def _start(self, kept: _Kept) -> None:
        process: subprocess.Popen[bytes] = Popen(
            [sys.executable, "-I", "-S", "-c", LEASHED, kept.command.line],
            shell=False,
            env=dict(kept.command.environ),
            stdin=subprocess.DEVNULL,
            pass_fds=self._pass_fds,
        )
        kept.process, kept.started_at_s = process, time.monotonic()
        threading.Thread(target=self._read, args=(kept, process), daemon=True).start()

    def _read(self, kept: _Kept, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None  # noqa: S101 -- honcho's Popen opens it; for the types alone
        with process.stdout:
            for line in process.stdout:
                self._lines.put(Message("line", line, datetime.now().astimezone(), kept.command.name, kept.colour))

    def _mourn(self, kept: _Kept, process: subprocess.Popen[bytes], now_s: float) -> None:
        """What the dead process started must not live on: it would hold the port, or work beside its successor."""
        _signal_group(process, signal.SIGKILL)
        if now_s - kept.started_at_s > HEALTHY_AFTER_S:
            kept.pause_s = FIRST_PAUSE_S
        self.say(f"{kept.command.name} {_how_it_ended(process.returncode)}; starting it again in {kept.pause_s:.0f} s")
        kept.process, kept.start_again_at_s = None, now_s + kept.pause_s
        kept.pause_s = min(kept.pause_s * 2, LONGEST_PAUSE_S)

    def _stop(self) -> None:
        running = [kept.process for kept in self._kept if kept.process is not None]
        for process in running:
            if process.poll() is None:
                process.terminate()
        until = time.monotonic() + STOP_WAIT_S
        while self._signals < 2 and time.monotonic() < until and _any_runs(running):
            self._print_quietly()
        for process in running:
            _signal_group(process, signal.SIGKILL)
            process.wait()
        self._print_quietly()

    def _print_for(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            try:
                self._printer.write(self._lines.get(timeout=left))
            except queue.Empty:
                return

    def _print_quietly(self) -> None:
        try:
            self._print_for(TURN_S)
        except BrokenPipeError:
            time.sleep(TURN_S)


def _any_runs(processes: Iterable[subprocess.Popen[bytes]]) -> bool:
    return any(process.poll() is None for process in processes)


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError):  # the whole group has ended
        os.killpg(process.pid, number)


def _how_it_ended(returncode: int) -> str:
    if returncode < 0:
        return f"was killed by {signal.Signals(-returncode).name}"
    return f"ended with status {returncode}"
