"""
Whether a library that we install has a known vulnerability: `python -m tests.audit [--if-reachable]`.

Asks the service that pip-audit asks about every line of constraints.txt. Where the service can't be asked, `make audit`
fails, and `make check`, which says `--if-reachable`, tells so in one line and goes on: machines without the internet
check as well.
"""

import subprocess
import sys
from pathlib import Path

import orjson

CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
#: Seconds for all libraries.
PATIENCE_S = 300
NOT_ASKED = "Vulnerabilities: not checked, as the service that knows them can't be reached"


def verdict(report: bytes) -> list[str] | None:
    """A line for each known vulnerability and each library that was not looked up; None if nothing was."""
    try:
        found = orjson.loads(report)["dependencies"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    if not any("vulns" in one for one in found):  # a mirror that knows the packages alone: everything was skipped
        return None
    unknown = [f"{one['name']}: could not be looked up" for one in found if "vulns" not in one]
    return unknown + [
        f"{one['name']} {one['version']}: {flaw['id']}, mended in {', '.join(flaw['fix_versions']) or 'no release yet'}"
        for one in found
        for flaw in one.get("vulns", ())
    ]


def ask() -> bytes:
    """What pip-audit reports; empty if it could not."""
    argv = [
        sys.executable, "-m", "pip_audit", "--requirement", str(CONSTRAINTS), "--no-deps", "--disable-pip",
        "--progress-spinner", "off", "--format", "json",
    ]  # fmt: skip
    try:
        return subprocess.run(argv, capture_output=True, timeout=PATIENCE_S, check=False).stdout
    except subprocess.TimeoutExpired:
        return b""


def main(report: bytes, *, if_reachable: bool) -> tuple[int, list[str]]:
    """The exit status, and lines for whoever asked."""
    lines = verdict(report)
    if lines is None:
        return (0, [f"{NOT_ASKED}."]) if if_reachable else (1, [f"{NOT_ASKED}; run `pip-audit` to see why."])
    return (1, lines) if lines else (0, ["Vulnerabilities: none known in constraints.txt."])


if __name__ == "__main__":
    status, told = main(ask(), if_reachable="--if-reachable" in sys.argv[1:])
    sys.stdout.write("\n".join(told) + "\n")
    sys.exit(status)
