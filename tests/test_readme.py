"""What people read stays true: settings, queues and routes in README.md, and the same processes in three places."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fakeredis import FakeRedis

from ingest.cli.procfile import process_lines
from ingest.pages import NOUNS
from schemas.integration import read_document
from schemas.integration_document import BrazeDocument, IntegrationDocument
from schemas.settings import FOR_WEB_ALONE, NEEDED_BY_WEB, SETTING_NAMES, load_settings
from tests.factories import a_document
from workers.store.ledger import COUNTERS

ROOT = Path(__file__).parents[1]
PAGES = ["README.md", "CHANGELOG.md", *(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md"))]
README = (ROOT / "README.md").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
PROCFILE = dict(re.findall(r"^(\w+): (.+)$", (ROOT / "Procfile").read_text(encoding="utf-8"), re.MULTILINE))

#: Their blueprints.
PAGES_OF_PEOPLE = {noun.name for noun in NOUNS}
BRAZE = sorted(BrazeDocument().fields)


def _unnamed(path: str) -> str:
    """A path whose parameters have lost their names: Flask, OpenAPI and people write them differently."""
    return re.sub(r"<[^<>/]+>|\{[^{}/]+\}", "{}", path)


def _routes() -> Iterator[str]:
    from ingest.app import create_app
    from workers.store import open_stores

    secrets = dict.fromkeys(NEEDED_BY_WEB - {"REDIS_URL"}, "wJ2r8vQxT5nLk0ZbYd7uHs3PfGm9Ac4E")
    settings = load_settings(secrets | {"REDIS_URL": "redis://127.0.0.1:1/0"})
    app = create_app(settings, open_stores(settings, FakeRedis()), lambda *_: None)
    for rule in app.url_map.iter_rules():
        # Of the pages, those that a person may open; they find the rest there.
        is_page = rule.endpoint.partition(".")[0] in PAGES_OF_PEOPLE
        if "static" not in rule.endpoint and (not is_page or "GET" in (rule.methods or ())):
            yield _unnamed(rule.rule.removeprefix("/api/v1"))


@pytest.mark.parametrize("name", SETTING_NAMES)
def test_every_setting_is_explained(name: str) -> None:
    """A setting that nobody can find is not there."""
    assert f"`{name}`" in README


def test_every_route_is_named() -> None:
    """People script against them."""
    readme = _unnamed(README)

    assert [route for route in _routes() if route not in readme] == []


def _log_names() -> Iterator[str]:
    for top in ("ingest", "workers"):
        for path in (ROOT / top).rglob("*.py"):
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                match call:
                    case ast.Call(
                        func=ast.Attribute(value=ast.Name("log"), attr="info" | "warning" | "error" | "exception"),
                        args=[ast.Constant(str(name)), *_],
                    ):
                        yield name


def test_every_name_in_the_logs_is_listed() -> None:
    """Whoever watches the logs has to know what to look for."""
    names = {*_log_names()}

    assert "delivery.attempted" in names
    assert [name for name in sorted(names) if f"`{name}`" not in OPERATIONS] == []


def test_every_queue_is_named() -> None:
    """Whoever scales workers has to know what they serve."""
    queues = re.search(r"--queues ([\w,]+)", PROCFILE["worker"])

    assert queues
    assert [queue for queue in queues[1].split(",") if f"`{queue}`" not in README] == []


def test_the_processes_are_the_same_everywhere() -> None:
    """`komo-braze up`, the Procfile and the containers must not drift apart."""
    in_containers = {name: COMPOSE["services"][name]["command"][-1].replace("$$", "$") for name in PROCFILE}

    assert process_lines() == PROCFILE
    assert in_containers == PROCFILE
    assert list(PROCFILE) == ["web", "worker", "clock"]


def test_containers_can_be_given_every_setting() -> None:
    """Except where the data directory lies, as they keep nothing in it, and what opens doors that they don't have."""
    for name in PROCFILE:
        left_out = {"DATA_DIR"} if name == "web" else {"DATA_DIR"} | FOR_WEB_ALONE
        assert set(COMPOSE["services"][name]["environment"]) == set(SETTING_NAMES) - left_out


def test_containers_restart_report_their_health_and_have_no_rights() -> None:
    """They run unattended."""
    for name, service in COMPOSE["services"].items():
        assert service["restart"] == "unless-stopped", name
        assert service["healthcheck"]["test"], name
    assert "USER komo" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert COMPOSE["services"]["store"]["user"] == "valkey"


def test_the_image_holds_what_runs_and_nothing_that_builds() -> None:
    """What is not there needs no update, and helps nobody who breaks in."""
    built, final = (ROOT / "Dockerfile").read_text(encoding="utf-8").split("\n\n\n")
    base = re.findall(r"^FROM (\S+)", f"{built}\n{final}", re.MULTILINE)

    assert len(base) == 2
    assert base[0] == base[1]  # else the environment would lead to another Python
    assert "venv --without-pip /opt/komo-braze" in built
    assert re.findall(r"^(?:COPY|ADD) .+", final, re.MULTILINE) == ["COPY --from=built /opt/komo-braze /opt/komo-braze"]
    assert "PATH=/opt/komo-braze/bin:$PATH" in final
    assert "pip" not in final
    assert final.index("USER komo") < final.index("CMD")


def test_the_store_of_the_containers_loses_and_evicts_nothing() -> None:
    """The same as the embedded one."""
    command = COMPOSE["services"]["store"]["command"]
    told = dict(zip(command[1::2], command[2::2], strict=True))

    assert (told["--appendonly"], told["--appendfsync"], told["--maxmemory-policy"]) == ("yes", "always", "noeviction")
    assert COMPOSE["services"]["store"]["volumes"] == ["store:/data"]


def _examples() -> Iterator[Any]:
    """Each block of JSON, with its page and line."""
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for found in re.finditer(r"^( *)```json\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, found.start()) + 1
            yield pytest.param(found[2], id=f"{page}:{line}")


def _in_a_document(example: Any) -> dict[str, Any] | None:
    """A whole document, one with this part or rule in it, or None where the block is about something else."""
    rules = {
        "attribute": "attributes", "when_yes": "subscriptions", "trigger_properties": "sends", "for_each": "events",
    }  # fmt: skip
    member = next((list_of for sign, list_of in rules.items() if sign in example), None)
    if member:
        return a_document(attributes=[], events=[]) | {member: [example]}
    if "identifiers" in example:
        return dict(example)
    is_part = example.keys() <= IntegrationDocument().fields.keys() - {"id"}
    return a_document(attributes=[], events=[]) | example if is_part else None


@pytest.mark.parametrize("text", list(_examples()))
def test_every_example_can_be_saved_as_it_stands(text: str) -> None:
    """People copy them; and an example that warns is none."""
    document = _in_a_document(json.loads(text))

    if document is not None:
        assert list(read_document(document).warnings) == []


def test_the_examples_show_every_list_of_rules() -> None:
    """Or the test above would look at nothing."""
    examples = [json.loads(one.values[0]) for one in _examples()]
    [whole] = [one for one in examples if "braze" in one]

    assert {"identifiers", "attributes", "subscriptions", "events", "sends"} <= whole.keys()
    assert sum(_in_a_document(one) is not None for one in examples) >= 6


@pytest.mark.parametrize("name", sorted(IntegrationDocument().fields.keys() | {f"braze.{one}" for one in BRAZE}))
def test_every_member_of_a_document_stands_in_the_table(name: str) -> None:
    """A member that nobody can find is not there."""
    rows = re.findall(r"^\| `([\w.]+)` \|", README.partition("### All members")[2], re.MULTILINE)

    assert name in rows or any(row.startswith(f"{name}.") for row in rows)


@pytest.mark.parametrize("counter", COUNTERS)
def test_every_counter_is_explained(counter: str) -> None:
    """A number that nobody understands is worse than none."""
    ledger = (ROOT / "docs/reference.md").read_text(encoding="utf-8").partition("## The ledger")[2]

    assert f"`{counter}`" in ledger


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Between the pages and inside of them."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
        name, _, anchor = target.partition("#")
        other = ((ROOT / page).parent / name).resolve() if name else ROOT / page
        assert other.exists(), target
        if anchor:
            assert anchor in _anchors(other.read_text(encoding="utf-8")), target


def _anchors(text: str) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
