"""Drafts of integrations: what they take, what they keep from Braze, and how a save ends the setup."""

from typing import Any

import orjson
import pytest
import redis
from fakeredis import FakeRedis, FakeServer

from ingest.arrive import arrive
from schemas.body import read_body
from schemas.problems import InvalidDocument
from schemas.settings import load_settings
from tests.factories import BRAZE, NOON, a_body, a_document
from tests.fakes import PowerCut, power_cut_after
from workers.errors import Conflict, StaleVersion
from workers.store import Stores, open_stores
from workers.store.keys import own

SECRET = "0123456789abcdefghijklmnopqrstuvwxyz"
OTHER_HOST = "https://rest.fra-01.braze.eu"
BEGUN = {"id": "summer-hub", "name": "Summer hub"}
#: No save is longer, in commands.
MOST_COMMANDS = 40


def opened(connection: redis.Redis) -> Stores:
    return open_stores(load_settings({"SECRET_KEY": SECRET, "LANES": "2"}), connection)


@pytest.fixture
def stores(store_connection: redis.Redis) -> Stores:
    return opened(store_connection)


def draft(stores: Stores, **members: Any) -> Any:
    return stores.integrations.save_draft(BEGUN | members, by="pages").stored


def accept(stores: Stores, *bodies: dict[str, Any]) -> list[tuple[str, bool]]:
    integration = stores.integrations.get("summer-hub").integration
    arrivals = [
        arrive(read_body(orjson.dumps(body))[0], integration, received_at=NOON, delivery_id=None, place=0)
        for body in bodies
    ]
    return stores.inbox.accept(integration, arrivals).submissions


def places(stores: Stores, **members: Any) -> list[str]:
    with pytest.raises(InvalidDocument) as refused:
        draft(stores, **members)
    return [one.pointer for one in refused.value.problems]


def test_a_name_is_enough_for_an_address_with_secrets(stores: Stores) -> None:
    """Komo asks for the address before anybody has looked up Braze's."""
    saved = stores.integrations.save_draft(BEGUN, by="pages")
    found = opened(stores.connection).integrations.get("summer-hub")

    assert (saved.created, found.version, found.draft) == (True, 1, True)
    assert found.webhook_secrets[0] == saved.secrets["webhook_secret"]
    assert found.url_keys[0] == saved.secrets["url_key"]
    assert found.missing == ("/braze/rest_endpoint", "/braze/api_key", "/identifiers")
    assert (found.paused, found.paused_because) == ("person", "Not set up yet: finish connecting it.")
    assert found.api_key() is None


def test_only_what_was_filled_in_is_shown(stores: Stores) -> None:
    """A stand-in that looks like a setting would be taken for one."""
    shown = draft(stores, default_region="AU").shown("https://komo.example.org")

    assert shown["draft"] is True
    assert (shown["default_region"], shown["identifiers"], shown["state"]) == ("AU", [], "paused")
    assert not {"rest_endpoint", "workspace"} & shown["braze"].keys()
    assert shown["braze"]["api_key"] == {"set": False}


def test_an_integration_that_is_set_up_says_nothing_of_drafts(stores: Stores) -> None:
    """Nobody who reads documents today meets a new member."""
    stored = stores.integrations.save(a_document(), by="api").stored

    assert "draft" not in stored.shown("https://komo.example.org")
    assert (stored.draft, stored.missing) == (False, ())


def test_what_is_missing_shrinks_as_parts_are_filled_in(stores: Stores) -> None:
    """The pages go on where somebody left."""
    draft(stores, braze={"rest_endpoint": BRAZE + "/", "api_key": "a-key-of-nobody"})
    stored = draft(stores, braze={"rest_endpoint": BRAZE, "api_key": {"set": True}, "workspace": "acme"})

    assert stored.missing == ("/identifiers",)
    assert stored.api_key() == "a-key-of-nobody"
    assert stored.shown("")["braze"]["rest_endpoint"] == BRAZE
    assert stored.version == 2


@pytest.mark.parametrize("empty", [{}, {"rest_endpoint": "", "api_key": ""}, {"rest_endpoint": None, "api_key": None}])
def test_an_empty_field_of_a_form_is_a_missing_part_and_no_problem(stores: Stores, empty: dict[str, Any]) -> None:
    """Forms send what was left blank as blank."""
    assert draft(stores, braze=empty, identifiers=[]).missing == (
        "/braze/rest_endpoint", "/braze/api_key", "/identifiers",
    )  # fmt: skip


def test_every_problem_in_what_is_there_is_told_with_its_place(stores: Stores) -> None:
    """Whoever leaves a mistake behind in the first step should not meet it in the last."""
    rules = [{"field": "a", "attribute": "external_id"}]
    assert sorted(places(stores, braze={"rest_endpoint": "https://example.org"}, attributes=rules, shoe=1)) == [
        "/attributes/0/attribute", "/braze/rest_endpoint", "/shoe",
    ]  # fmt: skip
    assert places(stores, name="") == ["/name"]
    assert places(stores, braze="acme") == ["/braze"]
    assert places(stores, braze={"api_key": "two words"}) == ["/braze/api_key"]
    with pytest.raises(InvalidDocument):
        stores.integrations.save_draft([], by="pages")
    assert stores.integrations.ids() == []


def test_a_key_stays_with_the_endpoint_it_was_given_for(stores: Stores) -> None:
    """A key that was typed in for one host is never sent to another, not even by a detour over none."""
    draft(stores, braze={"rest_endpoint": BRAZE, "api_key": "a-key-of-nobody"})

    assert places(stores, braze={"rest_endpoint": OTHER_HOST}) == ["/braze/api_key"]
    draft(stores)
    assert places(stores, braze={"rest_endpoint": OTHER_HOST}) == ["/braze/api_key"]
    assert draft(stores, braze={"rest_endpoint": OTHER_HOST, "api_key": "another-key"}).api_key() == "another-key"


def test_a_draft_never_replaces_what_is_set_up(stores: Stores) -> None:
    """It would stop sending because somebody opened an old page."""
    stores.integrations.save(a_document(), by="api")

    with pytest.raises(Conflict):
        draft(stores)


def test_two_who_begin_under_one_id_do_not_overwrite_each_other(stores: Stores) -> None:
    """The second may be somebody else, a moment later."""
    stores.integrations.save_draft(BEGUN, by="pages", only_new=True)

    with pytest.raises(Conflict):
        stores.integrations.save_draft(BEGUN | {"name": "Another"}, by="pages", only_new=True)
    assert stores.integrations.get("summer-hub").integration.name == "Summer hub"


def test_a_draft_is_guarded_by_its_version_too(stores: Stores) -> None:
    """Two people at one setup do not undo each other's steps."""
    draft(stores)
    with pytest.raises(StaleVersion):
        stores.integrations.save_draft(BEGUN, by="pages", if_match=7)
    assert stores.integrations.save_draft(BEGUN, by="pages", if_match=1).stored.version == 2


def test_a_draft_can_only_be_resumed_by_finishing_it(stores: Stores) -> None:
    """There is nothing to send by."""
    draft(stores)

    with pytest.raises(Conflict, match="not set up yet"):
        stores.integrations.resume("summer-hub", by="api")
    paused = stores.integrations.pause("summer-hub", by="api")
    assert (paused.version, paused.paused_because) == (1, "Not set up yet: finish connecting it.")


def test_an_unfinished_document_does_not_end_the_setup(stores: Stores) -> None:
    """What the API demands it demands of drafts, too."""
    draft(stores, braze={"api_key": "a-key-of-nobody"})

    with pytest.raises(InvalidDocument) as refused:
        stores.integrations.save(BEGUN, by="api")
    assert {one.pointer for one in refused.value.problems} == {"/braze", "/identifiers"}
    assert stores.integrations.get("summer-hub").draft


def test_what_a_draft_accepts_waits_whatever_it_is(stores: Stores) -> None:
    """Nobody has said yet what is wanted, what is mapped, or who people are."""
    draft(stores, accept={"events": ["NothingElse"]}, identifiers=[{"kind": "email", "field": "email"}])
    told = accept(stores, a_body("m1"), {"nothing": "known"}, a_body("m1"), a_body("m2", number=1, email="not one"))

    assert [again for _, again in told] == [False, False, True, False]
    ledger = stores.ledger.read(stores.integrations.get("summer-hub").integration)
    assert (ledger["received"], ledger["waiting"], ledger["duplicates"]) == (3, 3, 1)
    shown = stores.timeline.show(told[1][0])
    assert shown is not None
    assert (shown["state"], shown["person"]) == ("waiting", None)
    assert shown["timeline"][-1]["because"] == "Not set up yet: finish connecting it."
    found, _ = stores.search.find(text="known")
    assert [one["id"] for one in found] == [told[1][0]]


def test_a_draft_is_seen_wherever_integrations_are_listed(stores: Stores) -> None:
    """It keeps submissions, so every page and search has to know of it."""
    draft(stores)
    stores.integrations.save(a_document(id="winter-hub"), by="api")

    assert [one.id for one in stores.integrations.list()] == ["summer-hub", "winter-hub"]
    assert [(one.id, one.draft) for one in stores.integrations.every()] == [("summer-hub", True), ("winter-hub", False)]


def test_a_draft_has_no_say_in_a_braze_workspace(stores: Stores) -> None:
    """Its ceilings would slow others down that send to the workspace it only mentions."""
    draft(stores, braze={"workspace": "acme", "rate_limit": {"requests": 1, "per_seconds": 60}})
    accept(stores, a_body())

    assert stores.connection.keys("{acme}*") == []


def test_a_save_ends_the_setup_under_the_same_address(stores: Stores) -> None:
    """Komo has the address and the secrets already, and the key was given in an earlier step."""
    saved = stores.integrations.save_draft(
        BEGUN | {"braze": {"rest_endpoint": BRAZE, "api_key": "a-key-of-nobody"}}, by="pages"
    )
    document = a_document(braze={"rest_endpoint": BRAZE})
    finished = stores.integrations.save(document, by="pages")

    assert (finished.created, finished.secrets, finished.stored.version) == (False, {}, 2)
    stored = finished.stored
    assert (stored.draft, stored.missing, stored.paused, stored.paused_because) == (False, (), "", "")
    assert (stored.api_key(), stored.webhook_secrets[0]) == ("a-key-of-nobody", saved.secrets["webhook_secret"])
    lines = [line["what"] for line in stores.integrations.audit("summer-hub")]
    assert lines[0].startswith("setup finished, ")
    assert lines[1] == "created as a draft"


def test_a_setup_that_ends_in_a_pause_says_who_paused(stores: Stores) -> None:
    """The draft's own sentence would be wrong from then on."""
    draft(stores)

    stored = stores.integrations.save(a_document(enabled=False), by="api").stored

    assert (stored.draft, stored.paused, stored.paused_because) == (False, "person", "Paused by a person.")


def test_a_draft_gets_the_workspace_that_a_new_integration_would(stores: Stores) -> None:
    """Two integrations with one key share its rate limit, however they were made."""
    braze = {"rest_endpoint": BRAZE, "api_key": "a-key-of-nobody"}
    first = stores.integrations.save(a_document(id="winter-hub", braze=braze), by="api").stored
    draft(stores, braze=braze)

    second = stores.integrations.save(a_document(braze={"rest_endpoint": BRAZE}), by="pages").stored

    assert second.integration.braze.workspace == first.integration.braze.workspace


def test_a_draft_with_a_key_for_another_endpoint_needs_it_again(stores: Stores) -> None:
    """The last step keeps the rule of every save."""
    draft(stores, braze={"rest_endpoint": OTHER_HOST, "api_key": "a-key-of-nobody"})

    with pytest.raises(InvalidDocument) as refused:
        stores.integrations.save(a_document(braze={"rest_endpoint": BRAZE}), by="pages")
    assert [one.pointer for one in refused.value.problems] == ["/braze/api_key"]


def test_what_waited_moves_and_is_judged_before_anything_is_sent(stores: Stores) -> None:
    """It was kept where no Braze workspace is."""
    draft(stores)
    accept(stores, a_body("m1"), a_body("m2", number=1))

    integration = stores.integrations.save(a_document(), by="pages").stored.integration

    assert own(integration) == "{acme}:summer-hub"
    assert stores.redo.wanted(integration)
    assert stores.ledger.read(integration)["waiting"] == 2
    assert stores.connection.keys("{~draft}*") == []
    assert stores.inbox.active() == ["summer-hub"]


def test_leftovers_of_a_removed_integration_do_not_mix_with_what_waited(stores: Stores) -> None:
    """A process that died while it removed an integration of this id left some of it in the workspace."""
    stores.connection.xadd("{acme}:summer-hub:settled", {"n": 1})
    stores.connection.hset("{acme}:summer-hub:ledger", "dead", 7)
    draft(stores)
    accept(stores, a_body())

    integration = stores.integrations.save(a_document(), by="pages").stored.integration

    assert stores.ledger.read(integration)["dead"] == 0
    assert not stores.connection.exists("{acme}:summer-hub:settled")


def test_a_draft_that_keeps_something_is_not_deleted_by_mistake(stores: Stores) -> None:
    """What a hub sent meanwhile exists nowhere else."""
    draft(stores)
    accept(stores, a_body())

    with pytest.raises(Conflict):
        stores.integrations.delete("summer-hub")
    stores.integrations.delete("summer-hub", discard=True)
    assert stores.connection.keys("{~draft}*") == []
    assert draft(stores).version == 2


@pytest.mark.parametrize("answered", [False, True])
def test_the_last_save_may_die_at_any_command(answered: bool) -> None:
    """Before it everything waits in the draft, after it everything waits to be judged: nothing in between."""
    for commands in range(MOST_COMMANDS):
        connection = FakeRedis(server=FakeServer())
        stores = opened(connection)
        draft(stores)
        told = accept(stores, *(a_body(f"m{n}", number=n) for n in range(5)))
        cut = False
        try:
            opened(power_cut_after(connection, commands, answered=answered)).integrations.save(a_document(), by="pages")
        except PowerCut:
            cut = True

        stored = opened(connection).integrations.get("summer-hub")
        assert stores.redo.wanted(stored.integration) is not stored.draft
        assert stores.ledger.read(stored.integration)["waiting"] == 5
        assert stores.connection.xlen(f"{own(stored.integration)}:in:0") == 5
        again = accept(opened(connection), *(a_body(f"m{n}", number=n) for n in range(5)))
        assert again == [(one, True) for one, _ in told]
        if not cut:
            assert not stored.draft
            return
    raise AssertionError("the save is longer than expected")
