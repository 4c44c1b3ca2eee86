"""`komo-braze secrets`, and a change of SECRET_KEY from its beginning to its end."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
import redis
from flask import Flask

from ingest.app import create_app
from schemas.settings import NEEDED_BY_WEB, load_settings
from tests.factories import a_body, a_document
from tests.ingest.cli.conftest import SECRET_KEY
from tests.visitor import PASSWORD, Visitor
from workers.store import Stores, open_stores
from workers.store.integrations import Integrations

Run = Callable[..., tuple[int, str, str]]

NEW, OTHER = "zyxwvutsrqponmlkjihgfedcba9876543210", "another-key-of-0123456789-and-more"


@pytest.fixture
def kept(stores: Stores) -> Stores:
    """One integration, sealed with the only key there is."""
    stores.integrations.save(a_document(), by="a test")
    return stores


def with_keys(keys: str, connection: redis.Redis) -> tuple[Stores, Flask]:
    """What a process that is started with this SECRET_KEY works with."""
    given = dict.fromkeys(NEEDED_BY_WEB, NEW) | {"SECRET_KEY": keys, "REDIS_URL": "redis://127.0.0.1:1/0"}
    settings = load_settings(given | {"ADMIN_PASSWORD": PASSWORD})
    stores = open_stores(settings, connection)
    app = create_app(settings, stores, lambda *_: None)
    app.config["SESSION_COOKIE_SECURE"] = False
    return stores, app


def test_a_key_is_changed_while_everything_runs(komo_braze: Run, kept: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prepended, sealed anew, the old one removed: Komo and Braze notice nothing, and people sign in once more."""
    [secret], [url_key] = (
        kept.integrations.get("summer-hub").webhook_secrets,
        kept.integrations.get("summer-hub").url_keys,
    )
    _, app = with_keys(SECRET_KEY, kept.connection)
    person = Visitor(app.test_client())
    assert person.sign_in().status_code == 200

    monkeypatch.setenv("SECRET_KEY", f"{NEW},{SECRET_KEY}")
    assert komo_braze("secrets", "reseal") == (
        0, "3 sealed anew, 0 were sealed with the first key of SECRET_KEY already.\n", "",
    )  # fmt: skip
    assert still_signed_in(with_keys(f"{NEW},{SECRET_KEY}", kept.connection)[1], person)

    after, app = with_keys(NEW, kept.connection)
    assert after.integrations.get("summer-hub").api_key() == "an-example-of-a-key-0000"
    by_header = app.test_client().post(
        "/webhooks/komo/summer-hub", json=a_body(), headers={"Authorization": f"Bearer {secret}"}
    )
    by_url = app.test_client().post(f"/webhooks/komo/summer-hub?key={url_key}", json=a_body("m2", number=2))
    assert (by_header.status_code, by_url.status_code) == (202, 202)
    assert not still_signed_in(app, person)
    assert Visitor(app.test_client()).sign_in().status_code == 200


def still_signed_in(app: Flask, person: Visitor) -> bool:
    cookie = person.client.get_cookie("komo_braze")
    assert cookie
    client = app.test_client()
    client.set_cookie("komo_braze", cookie.value)
    return client.get("/integrations/summer-hub").status_code == 200


def test_a_second_time_nothing_is_left_to_do(komo_braze: Run, kept: Stores) -> None:
    """Whoever is not sure runs it again."""
    assert komo_braze("secrets", "reseal")[:2] == (
        0, "0 sealed anew, 3 were sealed with the first key of SECRET_KEY already.\n",
    )  # fmt: skip


def test_an_empty_store_has_nothing_to_seal(komo_braze: Run) -> None:
    """It says so."""
    assert komo_braze("secrets", "reseal") == (0, "Nothing is sealed yet.\n", "")


def test_what_can_t_be_opened_is_named(komo_braze: Run, kept: Stores) -> None:
    """And is no success."""
    lost = Integrations(kept.connection, secret_keys=[OTHER])
    lost.save(a_document(id="lost-hub"), by="a test")

    status, out, _ = komo_braze("secrets", "reseal")
    assert (status, out.splitlines()[1][:25]) == (1, "lost-hub: 3 can't be open")
    status, out, _ = komo_braze("secrets", "reseal", "--json")
    assert (status, orjson.loads(out)) == (1, {"resealed": 0, "already": 3, "left": 0, "broken": {"lost-hub": 3}})


def test_nothing_is_sealed_that_a_running_process_could_not_open(
    komo_braze: Run, kept: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would refuse every webhook, and send nothing, until somebody restarts it."""
    kept.alive.beat("worker a:1")
    before: Any = kept.connection.hgetall("komo:integration:summer-hub")
    monkeypatch.setenv("SECRET_KEY", f"{NEW},{SECRET_KEY}")

    status, _, err = komo_braze("secrets", "reseal")

    assert status == 1
    assert err.startswith("Error: worker a:1: not running with the first key of SECRET_KEY.")
    assert kept.connection.hgetall("komo:integration:summer-hub") == before
    kept.alive.leave("worker a:1")
    assert komo_braze("secrets", "reseal")[0] == 0


@pytest.mark.parametrize("command", [["secrets", "reseal"], ["integrations", "list"], ["doctor"], ["up"], ["demo"]])
@pytest.mark.parametrize("key", ["short", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", f"{NEW},short"])
def test_no_command_works_with_a_weak_key(
    komo_braze: Run, monkeypatch: pytest.MonkeyPatch, command: list[str], key: str
) -> None:
    """One sentence, without the key."""
    monkeypatch.setenv("SECRET_KEY", key)

    status, out, err = komo_braze(*command)

    assert status == 1
    assert (out + err).count("SECRET_KEY must hold random keys of at least 32 characters") == 1
    assert key not in out + err
    assert "Traceback" not in err
