import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests

from ingest.cli.demo import connect_hub, demo_environment, sandboxes
from ingest.cli.surroundings import surroundings
from ingest.cli.up import refuse_busy_port
from ingest.sandbox.hub.bodies import sample_bodies
from schemas.integration import read_document
from schemas.settings import NEEDED_BY_WEB, SETTING_NAMES, load_settings
from workers.store import open_stores

ROOT = Path(__file__).parents[3]
KEY = "wJ2r8vQxT5nLk0ZbYd7uHs3PfGm9Ac4E"
PLAIN = {name: value for name, value in os.environ.items() if name not in SETTING_NAMES}


def test_the_demo_stays_on_this_machine_and_has_a_data_directory_of_its_own() -> None:
    """Trying it out must not show anything to the network, nor touch what is in real use."""
    settings = load_settings(demo_environment({"DATA_DIR": "kept"}, port=9000, data_dir=None))

    assert (settings.host, settings.port, settings.public_url) == ("127.0.0.1", 9000, "http://127.0.0.1:9000")
    assert settings.data_dir == Path("kept/demo")
    assert settings.extra_braze_hosts == ("http://127.0.0.1:9001",)


def test_the_demo_s_document_is_one_that_people_could_save() -> None:
    """They will copy it."""
    document = orjson.loads(files("ingest.sandbox").joinpath("demo_integration.json").read_bytes())

    assert read_document(document, extra_hosts=["http://127.0.0.1:8001"]).document["id"] == "demo-hub"


def test_the_integration_is_made_once_and_follows_the_sandbox_s_port(redis_server: str) -> None:
    """What a person changed in it survives the next start."""
    given = {"REDIS_URL": redis_server, "SECRET_KEY": KEY}
    settings = load_settings(demo_environment(given, port=9100, data_dir=None))
    stores = open_stores(settings)
    stores.connection.flushall()
    first = connect_hub(settings)
    stores.integrations.save({**first.document, "name": "Mine"}, by="a person")

    same = connect_hub(settings)
    moved = connect_hub(load_settings(demo_environment(given, port=9200, data_dir=None)))

    assert (same.integration.name, same.webhook_secrets) == ("Mine", first.webhook_secrets)
    assert (moved.integration.name, moved.integration.braze.rest_endpoint) == ("Mine", "http://127.0.0.1:9201")
    assert moved.api_key() == "sandbox-rest-key"
    stores.connection.close()


def test_the_sandboxes_are_told_nothing_of_the_connector_s_own(redis_server: str, tmp_path: Path) -> None:
    """They are strangers: in real use somebody else runs them."""
    given = demo_environment({"REDIS_URL": redis_server}, port=9300, data_dir=tmp_path)
    with surroundings(given, need=NEEDED_BY_WEB, make_up=True) as found:
        open_stores(found.settings).connection.flushall()
        braze, hub = sandboxes(found, connect_hub(found.settings))

    assert not set(SETTING_NAMES) & {*braze.environ, *hub.environ}
    assert hub.environ["SANDBOX_HUB_WEBHOOK_URL"] == "http://127.0.0.1:9300/webhooks/komo/demo-hub"
    assert "--port 9301" in braze.line
    assert "--port 9302" in hub.line


@pytest.fixture
def port() -> int:
    for first in range(22_000 + os.getpid() % 4_000, 32_000, 3):
        try:
            for number in range(3):
                refuse_busy_port("127.0.0.1", first + number, "")
        except Exception:  # noqa: S112 -- taken: the next three
            continue
        return first
    pytest.fail("no free ports")


@pytest.fixture
def demo(port: int, tmp_path: Path) -> Iterator[str]:
    """The running demo: what it printed."""
    program = [sys.executable, "-m", "ingest.cli", "demo", "--port", str(port), "--data-dir", str(tmp_path)]
    with subprocess.Popen(program, cwd=ROOT, env=PLAIN, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said, until = "", time.monotonic() + 60
        for line in process.stdout:
            said += line
            assert time.monotonic() < until, said
            if "Ctrl-C stops everything." in line:
                break
        yield said
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        assert process.returncode == 0


def test_a_submission_to_the_demo_becomes_a_profile_in_the_sandbox(demo: str, port: int, tmp_path: Path) -> None:
    """The main job, end to end."""
    assert f"Play a card at http://127.0.0.1:{port + 2}," in demo
    with surroundings(demo_environment(PLAIN, port, tmp_path), need=NEEDED_BY_WEB) as found:
        secret = connect_hub(found.settings).webhook_secrets[0]

    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(
            f"http://127.0.0.1:{port}/webhooks/komo/demo-hub",
            json=sample_bodies(),
            headers={"Authorization": f"Bearer {secret}"},
            timeout=10,
        )
        assert answer.status_code == 202, answer.text
        profile = _wait_for_profile(session, f"http://127.0.0.1:{port + 1}/sandbox/api/profiles")

    assert profile["user_aliases"] == [{"alias_label": "email", "alias_name": "mira.kestrel@example.com"}]
    assert (profile["first_name"], profile["country"], profile["dob"]) == ("Mira", "AU", "1991-08-17")
    assert profile["custom_attributes"]["favourite_beach"] == "North Cove"
    assert profile["custom_attributes"]["last_prize"] == "Team scarf"
    assert {"komo_entry", "komo_answer", "komo_result", "komo_prize"} == {
        event["name"] for event in profile["custom_events"]
    }


def _wait_for_profile(session: requests.Session, url: str) -> dict[str, Any]:
    """Until the last of the samples, the prize, has arrived: it may travel in a second request."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        items: list[dict[str, Any]] = session.get(url, timeout=5).json()["items"]
        if items and "last_prize" in items[0]["custom_attributes"]:
            return items[0]
        time.sleep(0.1)
    pytest.fail("the profile did not arrive")
