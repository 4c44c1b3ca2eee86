import re
from pathlib import Path

import pytest
import redis

from workers.store import scripts
from workers.store.scripts import Script, script_text

ROOT = Path(scripts.__file__).parents[1]
FILES = {path.relative_to(ROOT / "store").with_suffix("").as_posix(): path for path in ROOT.glob("store/**/*.lua")}
INCLUDE = re.compile(r"^-- @include (\S+)$", re.MULTILINE)
LOADED = re.compile(r"""Script\(\s*[\w.]+,\s*["'](\w+)["']""")


def included(name: str) -> set[str]:
    """The parts of a script, and theirs."""
    parts = set(INCLUDE.findall(FILES[name].read_text("utf-8")))
    return parts.union(*map(included, parts))


def loaded() -> set[str]:
    """The scripts that somebody runs."""
    return {name for path in ROOT.rglob("*.py") for name in LOADED.findall(path.read_text("utf-8"))}


def test_every_script_is_run_or_part_of_one_that_is() -> None:
    """What nobody runs is only read, and believed."""
    names = loaded()

    assert names <= {*FILES}
    assert names.union(*map(included, names)) == {*FILES}


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_part_of_a_script_is_there(name: str) -> None:
    """Where a part is missing, nothing says so before the first step."""
    text = script_text(name)

    assert "@include" not in text
    for part in included(name):
        for line in FILES[part].read_text("utf-8").splitlines():
            assert line in text or "@include" in line


@pytest.mark.parametrize("name", sorted(loaded()))
def test_every_script_can_be_read_by_the_store(redis_server: str, name: str) -> None:
    """A slip of the pen in one that is seldom run would be found on the day it is needed."""
    with redis.Redis.from_url(redis_server) as connection:
        assert connection.script_load(script_text(name))


def test_a_part_stands_where_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A local function has to be defined before whoever calls it; parts may have parts."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "whole.lua").write_text("first\n-- @include deep/part\nlast -- @include nothing\n")
    (tmp_path / "deep" / "part.lua").write_text("second\n-- @include third")
    (tmp_path / "third.lua").write_text("third")
    monkeypatch.setattr(scripts, "__file__", str(tmp_path / "scripts.py"))

    assert script_text("whole") == "first\nsecond\nthird\nlast -- @include nothing\n"


def test_a_part_that_is_not_there_is_an_error_at_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a step that quietly does half of what it should."""
    (tmp_path / "whole.lua").write_text("-- @include missing\n")
    monkeypatch.setattr(scripts, "__file__", str(tmp_path / "scripts.py"))

    with pytest.raises(FileNotFoundError):
        script_text("whole")


def test_a_store_that_was_restarted_is_told_the_script_again(store_connection: redis.Redis) -> None:
    """It remembers none; a worker must not have to be restarted too."""
    script = Script(store_connection, "kick")
    script(["{a}:hub"], [0])
    store_connection.script_flush()

    script(["{a}:hub"], [0])

    assert script(["{a}:hub"], [0]) == []
