"""The example for Kubernetes: the processes of the Procfile, and settings that there are."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.settings import (
    FOR_WEB_ALONE,
    NEEDED_BY_WEB,
    NEEDED_BY_WORKER,
    SECRET_SETTINGS,
    SETTING_NAMES,
    SettingsError,
    load_settings,
)

ROOT = Path(__file__).parents[1]
PROCFILE = dict(re.findall(r"^(\w+): (.+)$", (ROOT / "Procfile").read_text(encoding="utf-8"), re.MULTILINE))
# Each by itself, as Kubernetes reads them: no anchor reaches from one to the next.
PARTS = (ROOT / "docs" / "kubernetes.yaml").read_text(encoding="utf-8").split("\n---\n")
OBJECTS: list[dict[str, Any]] = [yaml.safe_load(part) for part in PARTS]
DEPLOYMENTS = {one["metadata"]["labels"]["process"]: one for one in OBJECTS if one["kind"] == "Deployment"}


SECRETS = {one["metadata"]["name"]: one["stringData"] for one in OBJECTS if one["kind"] == "Secret"}
#: Which of them each process is given.
GIVEN = {
    name: [source["secretRef"]["name"] for source in one["spec"]["template"]["spec"]["containers"][0]["envFrom"]
           if "secretRef" in source]
    for name, one in DEPLOYMENTS.items()
}  # fmt: skip


def _of_kind(kind: str) -> dict[str, Any]:
    (found,) = [one for one in OBJECTS if one["kind"] == kind]
    return found


def _secrets_of(process: str) -> dict[str, str]:
    return {name: value for secret in GIVEN[process] for name, value in SECRETS[secret].items()}


def test_its_processes_are_those_of_the_procfile() -> None:
    """Whoever copies it must get what was tested."""
    commands = {name: one["spec"]["template"]["spec"]["containers"][0]["command"] for name, one in DEPLOYMENTS.items()}

    assert commands == {name: ["sh", "-c", command] for name, command in PROCFILE.items()}


def test_its_settings_exist_and_none_that_is_needed_or_secret_is_in_the_wrong_place() -> None:
    """A misspelt one counts as not set, and nobody hears of it."""
    secret, plain = _secrets_of("web"), _of_kind("ConfigMap")["data"]

    assert {*secret, *plain} <= {*SETTING_NAMES}
    assert secret.keys() >= NEEDED_BY_WEB
    assert not plain.keys() & SECRET_SETTINGS
    assert all(isinstance(value, str) for value in [*secret.values(), *plain.values()])


def test_nothing_starts_with_the_secrets_as_they_stand_there() -> None:
    """A value that everybody can read here would be somebody's password one day."""
    with pytest.raises(SettingsError) as told:
        load_settings(_secrets_of("web"), need=NEEDED_BY_WEB)

    assert [one.partition(" ")[0] for one in told.value.sentences] == ["ADMIN_PASSWORD", "API_TOKEN", "SECRET_KEY"]


@pytest.mark.parametrize("name", ["worker", "clock"])
def test_worker_and_clock_have_all_they_need_and_nothing_that_opens_a_door(name: str) -> None:
    """Whoever breaks into one of them, or reads its environment, is to find no password of a person."""
    secret = _secrets_of(name)

    assert secret.keys() >= NEEDED_BY_WORKER
    assert not secret.keys() & FOR_WEB_ALONE


@pytest.mark.parametrize("name", list(PROCFILE))
def test_its_containers_have_no_rights_and_all_settings(name: str) -> None:
    """They are reached from the internet."""
    pod = DEPLOYMENTS[name]["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}
    }  # fmt: skip
    assert {"configMapRef": {"name": "komo-braze"}} in container["envFrom"]
    assert (
        DEPLOYMENTS[name]["spec"]["selector"]["matchLabels"]
        == DEPLOYMENTS[name]["spec"]["template"]["metadata"]["labels"]
    )


def test_web_is_asked_where_it_answers() -> None:
    """A probe that never succeeds keeps everybody out."""
    (container,) = DEPLOYMENTS["web"]["spec"]["template"]["spec"]["containers"]

    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["ports"] == [{"name": "http", "containerPort": 8000}]
    assert _of_kind("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["name"] == "komo-braze-web"
