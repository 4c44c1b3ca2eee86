"""Whether everything that deliveries need is alive, and runs with the same settings."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ingest.doctor.finding import Finding, ok, warning, wrong
from workers.store.alive import CLOCK, LATE_S, WEB, WORKER, Heartbeat

PROCESSES = "processes"
#: Kind, how several are called, and what is missing without it.
NEEDED = (
    (WEB, "web processes", "No web process is alive: Komo can't post, and nobody can look.", "Start one."),
    (WORKER, "workers", "No worker is alive: what is accepted waits.", "Start the worker process."),
    (
        CLOCK,
        "clock",
        "No clock is alive: what waits for another try is not picked up, and nothing expires.",
        "Start the clock process, and a worker that hears it.",
    ),
)


def check_processes(beats: Sequence[Heartbeat], ours: Mapping[str, Any]) -> Iterator[Finding]:
    """
    Args:
        ours: What this command runs with.
    """
    alive = [one for one in beats if one.age_s <= LATE_S]
    for kind, name, missing, do in NEEDED:
        running = [one for one in alive if one.kind == kind]
        silent = [one for one in beats if one.kind == kind and one not in alive]
        yield from _of_kind(name, running, silent, missing, do)
    yield from _alike(alive, ours)


def _of_kind(
    name: str, running: Sequence[Heartbeat], silent: Sequence[Heartbeat], missing: str, do: str
) -> Iterator[Finding]:
    if not running:
        last = f" One was alive {min(one.age_s for one in silent):,.0f} seconds ago." if silent else ""
        yield wrong(PROCESSES, missing + last, do)
        return
    yield ok(PROCESSES, f"{name.capitalize()}: {len(running)} alive.")
    if silent and silent[0].kind == WORKER:  # others that are silent have ended
        yield warning(
            PROCESSES, f"{len(silent)} more {name} fell silent within the last hour: {_names(silent)}.",
            "Killed ones are forgotten after an hour; one that still runs hangs: restart it.",
        )  # fmt: skip


def _alike(alive: Sequence[Heartbeat], ours: Mapping[str, Any]) -> Iterator[Finding]:
    told = [one for one in alive if one.runs]
    if not told:
        return
    found = [*_keys(told, ours), *_versions(told), *_settings(told, ours)]
    yield from found or [ok(PROCESSES, "All run with the same version, keys and limits, and so does this command.")]


def _keys(told: Sequence[Heartbeat], ours: Mapping[str, Any]) -> Iterator[Finding]:
    """Whatever one seals, all must open."""
    sealing = {runs["keys"][0] for runs in [ours, *(one.runs for one in told)] if runs and runs["keys"]}
    behind = [one for one in told if one.runs and not sealing <= set(one.runs["keys"])]
    if behind:
        yield wrong(
            PROCESSES, f"SECRET_KEY differs; these lack a key that others seal with: {_names(behind)}.",
            "Give all of them the same list of keys, newest first, and restart them.",
        )  # fmt: skip
    elif not sealing <= set(ours["keys"]):
        yield wrong(
            PROCESSES,
            "This command lacks a key that processes seal with.",
            "Run it with the SECRET_KEY that they have.",
        )


def _versions(told: Sequence[Heartbeat]) -> Iterator[Finding]:
    versions = sorted({str(one.runs["version"]) for one in told if one.runs})
    if len(versions) > 1:
        yield warning(
            PROCESSES,
            f"Several versions run: {', '.join(versions)}.",
            "Finish the upgrade by restarting the older ones.",
        )


def _settings(told: Sequence[Heartbeat], ours: Mapping[str, Any]) -> Iterator[Finding]:
    for name, mine in ours["settings"].items():
        theirs = {_names([one]): one.runs["settings"].get(name, mine) for one in told if one.runs}
        if len({str(value) for value in theirs.values()}) > 1:
            values = ", ".join(f"{value} ({who})" for who, value in theirs.items())
            yield warning(
                PROCESSES, f"{name} is not the same everywhere: {values}.", "Give all the same and restart them."
            )
        elif str(mine) not in {str(value) for value in theirs.values()}:
            [value] = {str(value) for value in theirs.values()}
            yield warning(
                PROCESSES, f"{name} is {value} in all processes, but {mine} for this command.",
                "Run it with the environment that they have.",
            )  # fmt: skip


def _names(beats: Sequence[Heartbeat]) -> str:
    return ", ".join(f"{one.kind} {one.name}".strip() for one in beats)
