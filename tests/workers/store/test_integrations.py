"""Integration documents in the store: versions, secrets, guards, and what else a change touches."""

from collections.abc import Callable
from typing import Any

import pytest
import redis

from schemas.problems import InvalidDocument
from tests.fakes import power_cut_after
from workers.errors import Conflict, SealBroken, StaleVersion, UnknownIntegration
from workers.store.integration_record import StoredIntegration
from workers.store.integrations import Integrations

KEY, OTHER_KEY = "k" * 40, "o" * 40
HOST, OTHER_HOST = "https://rest.iad-03.braze.com", "https://rest.fra-01.braze.eu"


class Clock:
    """Seconds that pass when a test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def environ() -> dict[str, str]:
    return {}


@pytest.fixture
def integrations(store_connection: redis.Redis, clock: Clock, environ: dict[str, str]) -> Integrations:
    return Integrations(store_connection, secret_keys=[KEY], clock=clock, environ=environ)


def a_document(**members: Any) -> dict[str, Any]:
    braze = {"rest_endpoint": HOST, "api_key": "0f3b-secret-key", "workspace": "acme"}
    return {
        "id": "summer",
        "name": "Summer hub",
        "braze": braze | members.pop("braze", {}),
        "identifiers": [{"kind": "external_id", "field": "member_id"}],
    } | members


def without_workspace(**braze: Any) -> dict[str, Any]:
    document = a_document(braze=braze)
    del document["braze"]["workspace"]
    return document


def save(integrations: Integrations, document: dict[str, Any] | None = None, **options: Any) -> StoredIntegration:
    return integrations.save(document or a_document(), by="test", **options).stored


def test_what_was_saved_is_there_in_another_process(integrations: Integrations, store_connection: redis.Redis) -> None:
    """Web and worker share nothing but the store."""
    saved = integrations.save(a_document(), by="test")

    found = Integrations(store_connection, secret_keys=[KEY]).get("summer")

    assert found.integration == saved.stored.integration
    assert found.api_key() == "0f3b-secret-key"
    assert found.webhook_secrets == (saved.secrets["webhook_secret"],)
    assert found.url_keys == (saved.secrets["url_key"],)
    assert (saved.created, found.version, found.paused) == (True, 1, "")


def test_no_secret_is_readable_in_the_store(integrations: Integrations, store_connection: redis.Redis) -> None:
    """The store's file may be backed up by people who must not call Braze."""
    saved = integrations.save(a_document(), by="test")

    kept = str(store_connection.hgetall("komo:integration:summer"))

    for secret in ("0f3b-secret-key", *saved.secrets.values()):
        assert secret not in kept


def test_every_save_is_a_new_version_that_the_engine_sees(
    integrations: Integrations, store_connection: redis.Redis
) -> None:
    """Workers map under the version that the state names."""
    save(integrations)
    again = save(integrations, a_document(name="Winter hub"))

    assert again.version == 2
    assert again.integration.created_at is not None
    assert store_connection.hget("{acme}:summer:state", "version") == b"2"


def test_the_secrets_are_given_out_only_once(integrations: Integrations) -> None:
    """A save must not be a way to read them."""
    save(integrations)

    assert integrations.save(a_document(), by="test").secrets == {}


@pytest.mark.parametrize("key", [None, {"set": True, "last4": "-key"}])
def test_a_save_without_a_key_keeps_the_stored_one(integrations: Integrations, key: Any) -> None:
    """Nobody can send back what is never shown."""
    save(integrations)
    document = a_document()
    del document["braze"]["api_key"]
    if key:
        document["braze"]["api_key"] = key

    assert save(integrations, document).api_key() == "0f3b-secret-key"


def test_a_key_from_the_environment_is_looked_up_at_every_use(
    integrations: Integrations, environ: dict[str, str]
) -> None:
    """Documents in git hold no secret, and a changed variable needs no save."""
    saved = save(integrations, a_document(braze={"api_key": {"from_env": "BRAZE_KEY"}}))
    assert saved.api_key() is None

    environ["BRAZE_KEY"] = "from-the-environment"

    assert saved.api_key() == "from-the-environment"
    assert saved.shown("http://komo.test")["braze"]["api_key"] == {
        "set": True,
        "last4": "ment",
        "from_env": "BRAZE_KEY",
    }


def test_a_key_given_as_text_replaces_the_one_from_the_environment(
    integrations: Integrations, environ: dict[str, str]
) -> None:
    """The last one given is the one that counts."""
    environ["BRAZE_KEY"] = "from-the-environment"
    save(integrations, a_document(braze={"api_key": {"from_env": "BRAZE_KEY"}}))

    assert save(integrations).api_key() == "0f3b-secret-key"
    assert save(integrations, a_document(braze={"api_key": {"from_env": "BRAZE_KEY"}})).api_key() != "0f3b-secret-key"


def test_what_is_shown_holds_no_secret(integrations: Integrations) -> None:
    """It ends in browsers, terminals and git."""
    saved = integrations.save(a_document(), by="test")

    shown = saved.stored.shown("https://komo.example.org/")

    assert shown["braze"]["api_key"] == {"set": True, "last4": "-key"}
    assert shown["webhook_url"] == "https://komo.example.org/webhooks/komo/summer"
    assert (shown["state"], shown["paused_because"], shown["version"]) == ("active", None, 1)
    for secret in ("0f3b-secret-key", *saved.secrets.values()):
        assert secret not in str(shown)


def test_an_edit_of_an_old_version_is_refused(integrations: Integrations) -> None:
    """Two people at one document: the second must look again."""
    save(integrations)
    save(integrations, a_document(name="Winter hub"), if_match=1)

    with pytest.raises(StaleVersion, match="version 2"):
        save(integrations, a_document(name="Spring hub"), if_match=1)
    with pytest.raises(StaleVersion):
        integrations.delete("summer", if_match=1)

    assert integrations.get("summer").integration.name == "Winter hub"


def test_creating_does_not_replace(integrations: Integrations) -> None:
    """POST twice must not overwrite somebody's rules."""
    save(integrations)

    with pytest.raises(Conflict, match="already"):
        save(integrations, only_new=True)


def test_a_bad_document_changes_nothing(integrations: Integrations) -> None:
    """Half a save would be worse than none."""
    save(integrations)

    with pytest.raises(InvalidDocument):
        save(integrations, a_document(identifiers=[]))

    assert integrations.get("summer").version == 1


@pytest.mark.parametrize("unknown", ["nobody", "summer:audit", "summer\n", ""])
def test_an_unknown_id_is_an_error_by_name(integrations: Integrations, unknown: str) -> None:
    """The web answers 404, the command line one sentence."""
    integrations.save(a_document(), by="test")
    calls: list[Callable[[], object]] = [
        lambda: integrations.get(unknown),
        lambda: integrations.get_cached(unknown),
        lambda: integrations.load(unknown, 1),
        lambda: integrations.pause(unknown, by="test"),
        lambda: integrations.rotate(unknown, by="test"),
        lambda: integrations.delete(unknown),
    ]
    for call in calls:
        with pytest.raises(UnknownIntegration):
            call()


def test_a_cached_integration_is_at_most_a_second_old(
    integrations: Integrations, store_connection: redis.Redis, clock: Clock
) -> None:
    """A changed rule or a retired secret takes effect in every process."""
    elsewhere = Integrations(store_connection, secret_keys=[KEY])
    save(elsewhere)
    assert integrations.get_cached("summer").version == 1
    save(elsewhere, a_document(name="Winter hub"))

    assert integrations.get_cached("summer").version == 1
    clock.now += 1

    assert integrations.get_cached("summer").version == 2


def test_an_id_that_was_unknown_is_found_a_second_later(
    integrations: Integrations, store_connection: redis.Redis, clock: Clock
) -> None:
    """People create an integration and try its webhook at once."""
    with pytest.raises(UnknownIntegration):
        integrations.get_cached("summer")
    save(Integrations(store_connection, secret_keys=[KEY]))
    clock.now += 1

    assert integrations.get_cached("summer").version == 1


def test_an_id_used_again_is_not_mistaken_for_the_old_one(
    integrations: Integrations, store_connection: redis.Redis, clock: Clock
) -> None:
    """Both are at version 1."""
    elsewhere = Integrations(store_connection, secret_keys=[KEY])
    save(elsewhere)
    integrations.get_cached("summer")
    elsewhere.delete("summer")
    save(elsewhere, a_document(name="Another hub"))
    clock.now += 1

    assert integrations.get_cached("summer").integration.name == "Another hub"


@pytest.mark.parametrize(("age_s", "trips"), [(0, 1), (1, 2)])
def test_all_of_them_are_looked_at_in_a_few_round_trips(
    store_connection: redis.Redis, clock: Clock, age_s: int, trips: int
) -> None:
    """Every page asks for all of them, and there may be a thousand."""
    for number in range(20):
        save(Integrations(store_connection, secret_keys=[KEY]), a_document(id=f"hub-{number:02}"))
    integrations = Integrations(power_cut_after(store_connection, 4 + trips), secret_keys=[KEY], clock=clock)
    assert len(integrations.every()) == 20  # four trips: ids, revisions, records, states
    clock.now += age_s

    assert [one.id for one in integrations.every()] == [f"hub-{number:02}" for number in range(20)]


def test_whichever_changed_is_read_again_and_no_other(
    integrations: Integrations, store_connection: redis.Redis, clock: Clock
) -> None:
    """As alone: what is seen is a second old at most, and who was removed is not there."""
    elsewhere = Integrations(store_connection, secret_keys=[KEY])
    for name in ("a", "b", "c"):
        save(elsewhere, a_document(id=name))
    before = {one.id: one for one in integrations.every()}
    save(elsewhere, a_document(id="b", name="Winter hub"))
    elsewhere.delete("c")
    save(elsewhere, a_document(id="d"))

    assert [one.name for one in integrations.every()] == ["Summer hub"] * 3  # c is no id any more, d is new
    clock.now += 1

    after = {one.id: one for one in integrations.every()}
    assert [one.name for one in after.values()] == ["Summer hub", "Winter hub", "Summer hub"]
    assert after["a"] is before["a"]


def test_workers_read_a_document_once_per_version(integrations: Integrations, store_connection: redis.Redis) -> None:
    """They ask before every batch."""
    elsewhere = Integrations(store_connection, secret_keys=[KEY])
    save(elsewhere)

    first = integrations.load("summer", 1)
    assert integrations.load("summer", 1) is first
    save(elsewhere, a_document(name="Winter hub"))

    assert integrations.load("summer", 2).integration.name == "Winter hub"


def test_both_secrets_work_until_the_old_one_is_retired(integrations: Integrations) -> None:
    """Komo's settings can't be changed in the same instant."""
    old = integrations.save(a_document(), by="test").secrets
    new = integrations.rotate("summer", by="test")

    stored = integrations.get("summer")
    assert stored.webhook_secrets == (new["webhook_secret"], old["webhook_secret"])
    assert stored.url_keys == (new["url_key"], old["url_key"])

    integrations.retire("summer", ["url_key"], by="test")

    stored = integrations.get("summer")
    assert stored.webhook_secrets == (new["webhook_secret"], old["webhook_secret"])
    assert stored.url_keys == (new["url_key"],)


def test_one_secret_can_be_rotated_alone(integrations: Integrations) -> None:
    """A leaked URL says nothing about the header's secret."""
    old = integrations.save(a_document(), by="test").secrets

    assert set(integrations.rotate("summer", ["url_key"], by="test")) == {"url_key"}
    assert integrations.get("summer").webhook_secrets == (old["webhook_secret"],)


def test_secrets_open_after_a_new_key_was_put_in_front(store_connection: redis.Redis) -> None:
    """That is how SECRET_KEY is rotated."""
    save(Integrations(store_connection, secret_keys=[KEY]))

    assert Integrations(store_connection, secret_keys=[OTHER_KEY, KEY]).get("summer").api_key() == "0f3b-secret-key"
    with pytest.raises(SealBroken):
        Integrations(store_connection, secret_keys=[OTHER_KEY]).get("summer").api_key()


def test_a_secret_made_anew_works_beside_one_that_can_t_be_opened(store_connection: redis.Redis) -> None:
    """After a SECRET_KEY was lost Komo gets new secrets; the lost ones, which nobody can check, must not stop them."""
    save(Integrations(store_connection, secret_keys=[KEY]))
    reopened = Integrations(store_connection, secret_keys=[OTHER_KEY])
    new = reopened.rotate("summer", by="test")

    stored = reopened.get("summer")
    assert stored.webhook_secrets == (new["webhook_secret"],)
    assert stored.url_keys == (new["url_key"],)
    assert stored.has_previous("url_key")
    assert stored.shown("")["braze"]["api_key"] == {"set": False}


def test_pausing_stops_the_engine_and_resuming_starts_it(
    integrations: Integrations, store_connection: redis.Redis
) -> None:
    """The scripts read the state, people read the document."""
    save(integrations)

    paused = integrations.pause("summer", by="test")
    assert (paused.paused, paused.integration.enabled, paused.version) == ("person", False, 2)
    assert store_connection.hget("{acme}:summer:state", "paused") == b"person"
    assert paused.shown("")["state"] == "paused"

    resumed = integrations.resume("summer", by="test")
    assert (resumed.paused, resumed.integration.enabled, resumed.version) == ("", True, 3)


def test_saving_enabled_false_is_the_same_as_pausing(integrations: Integrations) -> None:
    """A file in git can pause."""
    assert save(integrations, a_document(enabled=False)).paused == "person"
    assert save(integrations, a_document(enabled=True)).paused == ""


def test_a_pause_by_braze_survives_a_save_and_is_tried_at_once_if_braze_changed(
    integrations: Integrations, store_connection: redis.Redis
) -> None:
    """Only an answer of Braze shows that a new key is right."""
    save(integrations)
    state: dict[Any, Any] = {"paused": "braze", "paused_because": "The key is not known.", "probe_at": "9000"}
    store_connection.hset("{acme}:summer:state", mapping=state)

    without_key = a_document(name="Winter hub")
    del without_key["braze"]["api_key"]
    assert save(integrations, without_key).paused == "braze"
    assert store_connection.hget("{acme}:summer:state", "probe_at") == b"9000"

    assert save(integrations, a_document(braze={"api_key": "a-new-key"})).paused == "braze"
    assert store_connection.hget("{acme}:summer:state", "probe_at") == b"0"


def test_a_workspace_of_its_own_is_made_of_host_and_key(integrations: Integrations) -> None:
    """The same host and key are the same workspace, in every integration."""
    first = save(integrations, without_workspace())
    second = save(integrations, without_workspace() | {"id": "winter"})
    third = save(integrations, without_workspace(api_key="another-key") | {"id": "spring"})

    assert first.integration.braze.workspace.startswith("braze-")
    assert first.integration.braze.workspace == second.integration.braze.workspace
    assert first.integration.braze.workspace != third.integration.braze.workspace


def test_a_new_key_belongs_to_the_workspace_it_was_given_to(integrations: Integrations) -> None:
    """Keys are replaced as a matter of course, and rate limits are the workspace's."""
    first = save(integrations, without_workspace())
    replaced = save(integrations, without_workspace(api_key="a-new-key"))
    second = save(integrations, without_workspace(api_key="a-new-key") | {"id": "winter"})

    assert replaced.integration.braze.workspace == first.integration.braze.workspace
    assert second.integration.braze.workspace == first.integration.braze.workspace


def test_a_made_up_workspace_follows_the_host(integrations: Integrations, store_connection: redis.Redis) -> None:
    """Another host is another workspace, even if the old name came back with the document."""
    first = save(integrations, without_workspace())
    workspace = first.integration.braze.workspace
    store_connection.hset(f"{{{workspace}}}:summer:ledger", "delivered", 7)

    moved = save(integrations, a_document(braze={"rest_endpoint": OTHER_HOST, "workspace": workspace}))

    assert moved.integration.braze.workspace != workspace
    assert store_connection.hget(f"{{{moved.integration.braze.workspace}}}:summer:ledger", "delivered") == b"7"
    assert list(store_connection.scan_iter(f"{{{workspace}}}:summer:*")) == []


def test_what_waits_moves_to_another_workspace(integrations: Integrations, store_connection: redis.Redis) -> None:
    """A wrong host pauses, and mending it must not cost what came in meanwhile."""
    save(integrations)
    store_connection.xadd("{acme}:summer:in:0", {"b": "body"})
    store_connection.hset("{acme}:summer:ledger", mapping={"waiting": 1, "received": 1})
    store_connection.set("{acme}:summer:lease:0", "token")

    save(integrations, a_document(braze={"workspace": "other"}))

    assert store_connection.xlen("{other}:summer:in:0") == 1
    assert store_connection.hget("{other}:summer:state", "version") == b"2"
    assert list(store_connection.scan_iter("{acme}:summer:*")) == []
    assert not store_connection.exists("{other}:summer:lease:0")


def test_what_is_known_of_bodies_without_an_id_moves_too(
    integrations: Integrations, store_connection: redis.Redis
) -> None:
    """Its key ends in a digest, which is no text; and a digest may look like anything."""
    save(integrations)
    names = [b":once:" + digest for digest in (b"\xe2\xc5dn\xff\x00ab", b":wake:12")]
    for name in names:
        store_connection.set(b"{acme}:summer" + name, 20777, px=600_000)

    save(integrations, a_document(braze={"workspace": "other"}))

    assert [store_connection.get(b"{other}:summer" + name) for name in names] == [b"20777", b"20777"]


def test_nothing_moves_while_braze_is_being_called(integrations: Integrations, store_connection: redis.Redis) -> None:
    """The answer would find nothing to settle."""
    save(integrations)
    store_connection.hset("{acme}:summer:ledger", "in_flight", 1)

    with pytest.raises(Conflict):
        save(integrations, a_document(braze={"workspace": "other"}))


def test_nothing_moves_while_braze_is_being_asked_for_a_message(
    integrations: Integrations, store_connection: redis.Redis
) -> None:
    """Its mark would move along, and the answer would not find it: people might be written to twice."""
    save(integrations)
    store_connection.hset("{acme}:summer:lane:sends:campaign", "flight_state", "sent")

    with pytest.raises(Conflict):
        save(integrations, a_document(braze={"workspace": "other"}))
    save(integrations, a_document(name="Winter hub"))
    store_connection.hset("{acme}:summer:lane:sends:campaign", "flight_state", "clean")
    save(integrations, a_document(braze={"workspace": "other"}))

    assert store_connection.exists("{other}:summer:lane:sends:campaign")


@pytest.mark.parametrize(
    "changed", [{"default_region": "AU"}, {"identifiers": [{"kind": "email", "field": "email"}]}, {"name": "Winter"}]
)
def test_new_rules_for_people_ask_for_what_waits_to_be_judged_again(
    integrations: Integrations, store_connection: redis.Redis, changed: dict[str, Any]
) -> None:
    """Those entries know their person already, by the old rules; a new name changes nobody."""
    save(integrations)

    save(integrations, a_document(**changed))

    asked = store_connection.hget("{acme}:summer:state", "redo")
    assert asked == (None if "name" in changed else b"2")
    assert bool(store_connection.sismember("komo:active", "summer")) == (asked is not None)


def test_a_new_integration_has_nothing_to_judge_again(
    integrations: Integrations, store_connection: redis.Redis
) -> None:
    """Nobody has sent it anything."""
    save(integrations)

    assert store_connection.hget("{acme}:summer:state", "redo") is None


@pytest.mark.parametrize("counter", ["waiting", "in_flight", "held", "dead"])
def test_deleting_is_refused_while_something_would_be_lost(
    integrations: Integrations, store_connection: redis.Redis, counter: str
) -> None:
    """Nothing accepted is lost unless a person says so."""
    save(integrations)
    store_connection.hset("{acme}:summer:ledger", counter, 1)

    with pytest.raises(Conflict):
        integrations.delete("summer")
    integrations.delete("summer", discard=True)

    with pytest.raises(UnknownIntegration):
        integrations.get("summer")


def test_deleting_is_refused_while_messages_wait(integrations: Integrations, store_connection: redis.Redis) -> None:
    """Somebody has won a prize, and should hear of it."""
    save(integrations)
    store_connection.xadd("{acme}:summer:sends:canvas", {"k": "canvas"})

    with pytest.raises(Conflict, match="1 messages wait"):
        integrations.delete("summer")
    integrations.delete("summer", discard=True)

    assert list(store_connection.scan_iter("{acme}:summer:*")) == []


def test_deleting_leaves_nothing_behind(integrations: Integrations, store_connection: redis.Redis) -> None:
    """The id may be used again, and people may ask what is kept."""
    save(integrations)
    save(integrations, a_document() | {"id": "summer-2"})
    store_connection.xadd("{acme}:summer:settled", {"n": "1"})

    integrations.delete("summer")

    assert [one for one in store_connection.scan_iter("*summer*") if b"summer-2" not in one] == []
    assert [one.id for one in integrations.list()] == ["summer-2"]
    assert save(integrations).version == 2  # so that nobody takes it for the one they remember


def test_what_a_removal_that_died_halfway_left_is_not_taken_over(
    integrations: Integrations, store_connection: redis.Redis
) -> None:
    """An id may be used again: the new one must not begin with the submissions of the old."""
    store_connection.hset("{acme}:summer:ledger", "waiting", 7)
    store_connection.xadd("{acme}:summer:in:0", {"b": "{}"})

    save(integrations)

    assert store_connection.keys("{acme}:summer:*") == [b"{acme}:summer:state"]


def test_a_move_takes_along_what_a_drain_sets_aside_meanwhile(
    integrations: Integrations, store_connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Setting aside changes no number, but makes keys that were not there when they were counted."""
    save(integrations)
    scan, overtaken = store_connection.scan_iter, list[bool]()

    def scan_and_be_overtaken(*args: Any, **named: Any) -> Any:
        found = list(scan(*args, **named))
        if not overtaken:
            overtaken.append(True)
            store_connection.rpush("{acme}:summer:park:ann", "1-0")
            store_connection.hset("{acme}:summer:lane:0", "cursor", "1-0")
        return iter(found)

    monkeypatch.setattr(store_connection, "scan_iter", scan_and_be_overtaken)

    save(integrations, a_document(braze={"workspace": "elsewhere"}))

    assert store_connection.keys("*:park:ann") == [b"{elsewhere}:summer:park:ann"]


def test_the_audit_names_what_changed_and_never_a_value(integrations: Integrations) -> None:
    """People ask who did that; nobody should find a key there."""
    save(integrations)
    save(integrations, a_document(name="Winter hub", braze={"api_key": "a-new-key", "max_objects_per_request": 50}))
    integrations.pause("summer", by="pages")

    lines = integrations.audit("summer")

    assert [(line["by"], line["what"]) for line in lines] == [
        ("pages", "paused"),
        ("test", "name, braze.max_objects_per_request, braze.api_key"),
        ("test", "created"),
    ]
    assert "a-new-key" not in str(lines)


def test_two_saves_at_the_same_moment_are_two_versions(
    integrations: Integrations, store_connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slower one must see what the faster one wrote."""
    save(integrations)
    elsewhere = Integrations(store_connection, secret_keys=[KEY])
    raced: list[StoredIntegration] = []
    read = integrations._read

    def read_and_be_overtaken(*args: Any) -> Any:
        found = read(*args)
        if not raced:
            raced.append(save(elsewhere, a_document(name="The faster one")))
        return found

    monkeypatch.setattr(integrations, "_read", read_and_be_overtaken)

    assert save(integrations, a_document(name="The slower one")).version == 3
