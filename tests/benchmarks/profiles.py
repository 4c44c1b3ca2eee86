"""What py-spy has seen, in a few lines."""

from collections import Counter
from pathlib import Path

from tests.benchmarks.processes import Machine, Running

SECONDS = 3


def record(machine: Machine, process: Running) -> Path:
    """Begin to sample a process and its children, wherever they hold the interpreter's lock; returns the file."""
    path = machine.directory / f"{process.name}.{process.pid}.folded"
    options = ["--duration", str(SECONDS), "--rate", "250", "--gil", "--subprocesses", "--format", "raw"]
    machine.start("py-spy", ["py-spy", "record", "--pid", str(process.pid), *options, "--output", str(path)], {})
    return path


def top_functions(path: Path | None, most: int = 40) -> str:
    """
    The functions with the largest share of the samples, callees included.

    Args:
        path: Written by `py-spy record --format raw`: one stack a line, and how often it was seen.

    Returns: One line each, indented; a line that says so if there is nothing.
    """
    total, inclusive = 0, Counter[str]()
    for line in path.read_text("utf-8").splitlines() if path and path.exists() else ():
        stack, _, seen = line.rpartition(" ")
        total += int(seen)
        for frame in {frame.rpartition(":")[0] for frame in stack.split(";")}:
            inclusive[frame] += int(seen)
    if not total:
        return "    py-spy saw nothing: it may need more rights here."
    return "\n".join(f"    {seen / total:6.1%}  {frame}" for frame, seen in inclusive.most_common(most))
