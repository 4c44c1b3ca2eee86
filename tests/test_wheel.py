"""What people install: a wheel, made out of the source distribution, with everything in it and nothing else."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("ingest", "workers", "schemas")
#: What is tracked is what belongs in; files that nobody has committed yet do as well.
LISTED = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *PACKAGES]

_BUILD = """
import os, sys
from setuptools import build_meta
from pathlib import Path
what, out = sys.argv[1:]
print(getattr(build_meta, f"build_{what}")(out))
"""


def _build(what: str, source: Path, out: Path) -> Path:
    """By setuptools itself: no isolated environment, so no network."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _BUILD, what, str(out)], cwd=source, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return out / done.stdout.splitlines()[-1]


def build_wheel(place: Path) -> Path:
    """Of the sources in the sdist, not of ours: whoever packages us for a distribution starts there."""
    clean = place / "clean"
    _copy(clean)
    with tarfile.open(_build("sdist", clean, place)) as sdist:
        sdist.extractall(place / "source", filter="data")
    [source] = (place / "source").iterdir()
    return _build("wheel", source, place)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return zipfile.ZipFile(build_wheel(tmp_path_factory.mktemp("dist")))


def _copy(clean: Path) -> None:
    """Nothing that a build leaves behind in a work tree may come along, nor appear in ours."""
    extra = ["pyproject.toml", "README.md", "LICENSE"]
    for name in [*_tracked(), *extra]:
        (clean / name).parent.mkdir(parents=True, exist_ok=True)
        (clean / name).write_bytes((ROOT / name).read_bytes())


def _tracked() -> list[str]:
    listed = subprocess.run(LISTED, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return [name for name in listed if (ROOT / name).is_file()]


def test_the_wheel_holds_every_file_of_the_packages_and_no_other(wheel: zipfile.ZipFile) -> None:
    """A template, script or translation that is left behind is found by the first person who needs it."""
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert names == set(_tracked())


def test_the_wheel_says_what_it_is_and_brings_its_licence(wheel: zipfile.ZipFile) -> None:
    """`pip` shows it, and the licence asks for it."""
    [metadata] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    told = wheel.read(metadata).decode()

    assert "\nName: komo-braze\n" in told
    assert "\nLicense-Expression: MIT\n" in told
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())
    [points] = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert "komo-braze = ingest.cli.main:main" in wheel.read(points).decode()
