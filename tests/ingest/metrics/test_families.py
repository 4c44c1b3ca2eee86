"""The names and labels that rules, dashboard and documentation go by."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ingest.metrics.families import FAMILIES, PREFIX, Family
from tests.factories import a_document
from tests.ingest.metrics.conftest import Samples
from tests.workers.test_drain import World, form
from workers.braze.reply import Accepted

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "monitoring.md").read_text(encoding="utf-8")
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((DOCS / "monitoring/alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((DOCS / "monitoring/dashboard.json").read_text(encoding="utf-8"))
#: Of Prometheus itself.
OTHERS = {"up"}


def _expressions() -> Iterator[Any]:
    for rule in RULES:
        yield pytest.param(rule["expr"], id=rule["alert"])
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield pytest.param(target["expr"], id=f"{panel['title']} {target['refId']}")
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield pytest.param(variable["definition"], id=variable["name"])


@pytest.fixture
def samples(world: World, scrape: Callable[..., Samples]) -> Samples:
    """Of a system of which everything can be told."""
    sends = [{"kind": "campaign", "id": "c-1", "when": {"submission.event": "Nothing"}}]
    world.stores.integrations.save(a_document(sends=sends), by="test")
    world.accept(form("ann", 1))
    world.braze.answers = [Accepted(201, limit=1000, remaining=400, reset_s=10**6)]
    world.now += 10
    world.drain()
    world.stores.tally.webhook("summer-hub", 202, 0.01)
    world.stores.alive.hear("clock")
    world.stores.integrations.save(a_document(id="winter-hub"), by="test")
    return scrape()


def test_every_metric_is_told_with_the_labels_that_it_promises(samples: Samples) -> None:
    """What a scrape lacks, no alert can see."""
    for family in FAMILIES:
        found = [
            {name for name, _ in labels} - {"le"}
            for name, labels in samples
            if re.fullmatch(re.escape(family.full_name) + "(_bucket|_sum|_count)?", name)
        ]
        more = {"workspace", "draft"} if family.kind == "info" else set()
        assert found, family.full_name
        assert all(labels == {*family.labels, *more} for labels in found), family.full_name


def test_nothing_else_is_told(samples: Samples) -> None:
    """Whatever is told stands in the table."""
    known = {family.full_name for family in FAMILIES}

    assert {re.sub("_(bucket|sum|count)$", "", name) for name, _ in samples} == known


@pytest.mark.parametrize("expression", list(_expressions()))
def test_rules_and_dashboard_ask_for_what_there_is(samples: Samples, expression: str) -> None:
    """A misspelt metric makes an alert that never comes."""
    there: dict[str, set[str]] = {}
    for name, labels in samples:
        there.setdefault(name, set()).update(label for label, _ in labels)
    names = set(re.findall(r"\bkomo_braze_\w+\b", expression))
    assert names or OTHERS & set(re.findall(r"\w+", expression))
    assert names <= there.keys()
    for name, selector in re.findall(r"(komo_braze_\w+)\{([^}]*)\}", expression):
        assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector)) <= there[name]
    grouped = {label.strip() for found in re.findall(r"by \(([^)]*)\)", expression) for label in found.split(",")}
    assert all(any(label in there[name] for name in names) for label in grouped)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.full_name)
def test_every_metric_is_explained(family: Family) -> None:
    """With what it is called, its labels and its meaning, the same as in the scrape."""
    labels = ", ".join(f"`{label}`" for label in family.labels)

    [row] = [line for line in PAGE.splitlines() if line.startswith(f"| `{family.full_name}` |")]
    assert f"| {family.kind} | {labels}" in row
    assert family.help in row


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.full_name)
def test_names_are_as_prometheus_wants_them(family: Family) -> None:
    """https://prometheus.io/docs/practices/naming/"""
    assert re.fullmatch("[a-z][a-z_]*[a-z]", family.name)
    assert not re.search("_(ms|minutes|kb|mb|total|count|sum|bucket|info)$", family.name)
    assert family.full_name.startswith(PREFIX)
    assert family.help.endswith(".")
    if family.kind == "histogram":
        assert family.name.endswith(("_seconds", "_objects"))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_every_alert_says_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    """Somebody reads it at night."""
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert rule["annotations"]["summary"]
    assert len(rule["annotations"]["description"]) > 30
    assert "for" in rule or "increase(" in rule["expr"]
    [row] = [line for line in PAGE.splitlines() if line.startswith(f"| `{rule['alert']}` |")]
    assert f"| {rule['labels']['severity']} |" in row


def test_the_dashboard_can_be_imported() -> None:
    """With any data source, for one integration or all."""
    variables = {one["name"]: one["type"] for one in DASHBOARD["templating"]["list"]}
    panels = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]

    assert variables == {"datasource": "datasource", "integration": "query"}
    assert {panel["datasource"]["uid"] for panel in panels} == {"${datasource}"}
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert "id" not in DASHBOARD
