"""
`make release-check`: the built wheel, installed into an environment of its own, brings a submission through its demo.

From another directory, so that nothing of the work tree is found by chance. Takes a minute, and needs the packages.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

import orjson
import requests

from ingest.sandbox.hub.bodies import sample_bodies
from tests.benchmarks.processes import free_port
from tests.test_wheel import build_wheel

ROOT = Path(__file__).parents[1]
READY_S, ARRIVES_S = 90.0, 30.0


def main() -> int:
    """Build, install, play; exit status 1 and a sentence if something is missing."""
    with tempfile.TemporaryDirectory(prefix="komo-braze-release-") as name:
        place = Path(name)
        wheel = build_wheel(place / "dist")
        say(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB")
        venv.create(place / "venv", with_pip=True)
        program = place / "venv" / "bin"
        pip = [str(program / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--constraint", str(ROOT / "constraints.txt"), str(wheel)], cwd=place, check=True)
        told = subprocess.run([program / "komo-braze", "--version"], cwd=place, capture_output=True, text=True)
        say(told.stdout.strip())
        return _play(program / "komo-braze", place)


def _play(program: Path, place: Path) -> int:
    port = free_port()
    demo = [str(program), "demo", "--port", str(port), "--data-dir", str(place / "data")]
    environ = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    began = time.monotonic()
    with subprocess.Popen(demo, cwd=place, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "Ctrl-C stops everything." in line or time.monotonic() - began > READY_S:
                break
        say(f"the demo is ready after {time.monotonic() - began:.1f} s")
        try:
            arrived = _submit(program, port, place, environ)
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
    say("a submission became a profile" if arrived else "FAILED: no profile came of the submission")
    return 0 if arrived else 1


def _submit(program: Path, port: int, place: Path, environ: dict[str, str]) -> bool:
    sample = place / "sample.json"
    sample.write_bytes(orjson.dumps(sample_bodies()))
    send = [str(program), "submissions", "send", str(sample), "--integration", "demo-hub"]
    settings = environ | {"PORT": str(port), "HOST": "127.0.0.1", "EXTRA_BRAZE_HOSTS": f"http://127.0.0.1:{port + 1}"}
    done = subprocess.run(
        [*send, "--data-dir", str(place / "data")], cwd=place, env=settings, capture_output=True, text=True
    )
    say(done.stdout.strip() or done.stderr.strip())
    until = time.monotonic() + ARRIVES_S
    with requests.Session() as session:
        session.trust_env = False
        while time.monotonic() < until:
            found = session.get(f"http://127.0.0.1:{port + 1}/sandbox/api/profiles", timeout=5).json()
            if found["items"]:
                return True
            time.sleep(0.2)
    return False


def say(line: str) -> None:
    """One line of the report."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
