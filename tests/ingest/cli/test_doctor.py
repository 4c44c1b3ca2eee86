"""`komo-braze doctor`, as a person types it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.settings import load_settings
from tests.factories import a_document
from tests.ingest.cli.conftest import SECRET_KEY
from workers.store import Stores
from workers.store.alive import Alive
from workers.store.client import CONFIRMED
from workers.store.format import FORMAT, KEY
from workers.store.integrations import Integrations
from workers.store.runs import runs_with

Run = Callable[..., tuple[int, str, str]]
NEW = "zyxwvutsrqponmlkjihgfedcba9876543210"


@pytest.fixture
def well(stores: Stores, redis_server: str) -> Iterator[Stores]:
    """A store as it should be, one integration, and everybody alive."""
    stores.integrations.save(a_document(), by="a test")
    alive = Alive(stores.connection, runs=runs_with(load_settings({"SECRET_KEY": SECRET_KEY})))
    for name in ("web a:1", "worker b:2"):
        alive.beat(name)
    alive.hear("clock")
    stores.connection.config_set("appendfsync", "always")
    yield stores
    stores.connection.config_set("appendfsync", "everysec")


def examined(komo_braze: Run, *options: str) -> tuple[int, dict[str, list[str]]]:
    """Status, and what is wrong and what a warning, by what it is about."""
    status, out, _ = komo_braze("doctor", "--no-braze", "--json", *options)
    told = orjson.loads(out)
    assert told["ok"] is (status == 0)
    return status, {
        level: [f"{one['about']}: {one['says']}" for one in told["findings"] if one["level"] == level]
        for level in ("wrong", "warning")
    }


def test_where_all_is_well_nothing_is_wrong(komo_braze: Run, well: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """Warnings alone are no failure: nobody listens at this address."""
    monkeypatch.setenv("PUBLIC_URL", "http://127.0.0.1:9")

    status, found = examined(komo_braze)

    assert (status, found["wrong"]) == (0, [])
    assert any(one.startswith("address: ") for one in found["warning"])


def test_lines_are_for_people_and_hold_no_secret(komo_braze: Run, well: Stores) -> None:
    """What is not ok has a second line with what to do."""
    status, out, err = komo_braze("doctor", "--no-braze")

    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[-1].startswith("0 wrong, ")
    [at] = [number for number, line in enumerate(lines) if "PUBLIC_URL is not set" in line]
    assert lines[at].startswith("WARNING  settings ")
    assert lines[at + 1].strip().startswith("Set it to the address")
    stored = well.integrations.get("summer-hub")
    assert not [secret for secret in (SECRET_KEY, stored.api_key(), *stored.webhook_secrets) if str(secret) in out]


def test_a_dead_worker_an_old_key_and_a_pause_are_seen(
    komo_braze: Run, well: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is told, whatever else is told."""
    well.alive.leave("worker b:2")
    well.integrations.pause("summer-hub", by="a test")
    monkeypatch.setenv("SECRET_KEY", f"{NEW},{SECRET_KEY}")

    status, found = examined(komo_braze)

    assert status == 1
    assert "processes: No worker is alive: what is accepted waits." in found["wrong"]
    assert any(one.startswith("processes: SECRET_KEY differs") for one in found["wrong"])
    assert "secrets: 3 of 3 stored secrets are sealed with an older key." in found["warning"]
    assert "braze: summer-hub: It sends nothing: Paused by a person." in found["warning"]


def test_braze_is_asked_unless_somebody_says_no(komo_braze: Run, well: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens on that port."""
    monkeypatch.setenv("EXTRA_BRAZE_HOSTS", "http://127.0.0.1:9")
    hosts = Integrations(well.connection, secret_keys=[SECRET_KEY], extra_hosts=["http://127.0.0.1:9"])
    hosts.delete("summer-hub")
    hosts.save(a_document(rest_endpoint="http://127.0.0.1:9"), by="a test")

    status, out, _ = komo_braze("doctor")

    assert status == 1
    assert "host: http://127.0.0.1:9 does not answer" in out
    assert examined(komo_braze)[0] == 0


def test_all_mistakes_of_the_settings_are_told_together(komo_braze: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """And none of their values where they are secret."""
    monkeypatch.setenv("LANES", "0")
    monkeypatch.setenv("SECRET_KEY", "short-and-secret")
    monkeypatch.setenv("PUBLIC_URL", "komo.example.org")

    status, out, _ = komo_braze("doctor")

    assert status == 1
    assert [line.split()[:3] for line in out.splitlines() if line.startswith("WRONG")] == [
        ["WRONG", "settings", "SECRET_KEY"], ["WRONG", "settings", "PUBLIC_URL"], ["WRONG", "settings", "LANES"],
    ]  # fmt: skip
    assert "short-and-secret" not in out


def test_a_store_that_is_away_is_told_beside_the_rest(komo_braze: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The password in its address is not."""
    monkeypatch.setenv("REDIS_URL", "redis://:hidden@127.0.0.1:1/0")

    status, found = examined(komo_braze)

    assert status == 1
    assert found["wrong"][0].startswith("store: The store at redis://127.0.0.1:1/0 can't be reached")
    assert "hidden" not in str(found)
    assert any(one.startswith("settings: ") for one in found["warning"])


def test_a_store_of_another_version_is_wrong_and_looked_at_no_further(komo_braze: Run, well: Stores) -> None:
    """Whatever else could be said of it would be misread."""
    well.connection.set(KEY, FORMAT + 1)

    status, found = examined(komo_braze)

    well.connection.delete(KEY)
    assert status == 1
    assert [one.partition(", and ")[0] for one in found["wrong"]] == [f"store: The store has format {FORMAT + 1}"]


def test_missing_replicas_end_nothing(komo_braze: Run, well: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who looks writes nothing, so there is nothing that has to reach a replica; the rest is told as ever."""
    monkeypatch.setenv("STORE_REPLICAS", "1")

    status, found = examined(komo_braze)

    assert status == 1
    assert [one for one in found["wrong"] if one.startswith("store: ")] == [
        "store: STORE_REPLICAS is 1, and 0 replicas are connected: every submission is refused with 503."
    ]
    assert well.connection.get(CONFIRMED) is None


def test_one_record_that_can_t_be_read_does_not_hide_the_others(komo_braze: Run, well: Stores) -> None:
    """It may be of a newer version."""
    well.connection.sadd("komo:integrations", "odd-hub")
    well.connection.hset("komo:integration:odd-hub", "document", "{")
    well.integrations.pause("summer-hub", by="a test")

    status, found = examined(komo_braze)

    assert status == 1
    assert any(one.startswith("braze: odd-hub: ") for one in found["wrong"])
    assert any(one.startswith("braze: summer-hub: ") for one in found["warning"])


def test_the_embedded_store_is_looked_at_whether_it_runs_or_not(
    komo_braze: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is set up well by itself; here nothing else runs."""
    monkeypatch.delenv("REDIS_URL")
    monkeypatch.delenv("SECRET_KEY")
    options: Any = ["--data-dir", str(tmp_path / "data")]

    status, found = examined(komo_braze, *options)

    assert status == 1
    assert {one.partition(":")[0] for one in found["wrong"]} == {"processes"}
    assert {one.partition(":")[0] for one in found["warning"]} == {"settings", "address"}
