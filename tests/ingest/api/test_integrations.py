"""Integrations over HTTP."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from schemas.person import Person
from workers.store import Stores
from workers.store.keys import MEMORY_MS, memory_keys
from workers.store.ledger import COUNTERS

Document = Callable[..., dict[str, Any]]
URL = "/api/v1/integrations"


def places(response: TestResponse) -> list[str]:
    assert response.mimetype == "application/problem+json"
    body = response.get_json()
    assert body["status"] == response.status_code
    return [one["pointer"] for one in body.get("errors", [])]


def test_what_was_created_can_be_read(api: FlaskClient, a_document: Document) -> None:
    """The secrets are in the first answer and never again."""
    created = api.post(URL, json=a_document())
    shown = api.get(f"{URL}/summer")

    assert (created.status_code, shown.status_code) == (201, 200)
    assert created.get_json()["webhook_secret"].startswith("whsec_")
    assert created.get_json()["url_key"]
    assert shown.get_json() == {
        name: value
        for name, value in created.get_json().items()
        if name not in ("webhook_secret", "url_key", "warnings")
    }
    assert shown.get_json()["braze"]["api_key"] == {"set": True, "last4": "cret"}
    assert shown.get_json()["webhook_url"] == "https://komo.example.org/webhooks/komo/summer"
    assert shown.headers["ETag"] == '"1"'


def test_what_keeps_it_from_sending_is_shown(api: FlaskClient, stores: Stores, a_document: Document) -> None:
    """In the list and alone, and ignored when the document comes back."""
    api.post(URL, json=a_document())
    stores.integrations.pause("summer", by="test")
    paused = {"sending": False, "because": "Paused by a person.", "until": None, "last_problem": None}

    shown = api.get(f"{URL}/summer").get_json()
    (listed,) = api.get(URL).get_json()["items"]

    assert shown["standing"] == listed["standing"] == paused
    assert shown["state"] == "paused"
    del shown["braze"]["api_key"]
    assert api.put(f"{URL}/summer", json=shown).status_code == 200


def test_a_bad_document_is_told_every_problem(api: FlaskClient, a_document: Document) -> None:
    """One round trip, one list to work through."""
    answer = api.post(URL, json=a_document(id="Summer", colour="blue", identifiers=[]))

    assert answer.status_code == 422
    assert places(answer) == ["/colour", "/id", "/identifiers"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [(b"{", "application/json", 400), (b"a=1", "application/x-www-form-urlencoded", 415), (b"[]", None, 422)],
)
def test_a_body_that_is_no_document_is_refused(api: FlaskClient, body: bytes, kind: str | None, status: int) -> None:
    """Each for its own reason."""
    answer = api.post(URL, data=body, content_type=kind)

    assert answer.status_code == status
    places(answer)


def test_an_enormous_body_is_refused(api: FlaskClient) -> None:
    """Before it is read."""
    answer = api.post(URL, data=b" " * 1_048_577, content_type="application/json")

    assert answer.status_code == 413
    places(answer)


def test_creating_twice_is_a_conflict(api: FlaskClient, a_document: Document) -> None:
    """POST makes new ones; PUT replaces."""
    api.post(URL, json=a_document())

    assert api.post(URL, json=a_document()).status_code == 409


def test_put_creates_and_replaces(api: FlaskClient, a_document: Document) -> None:
    """A file in git is put again and again."""
    assert api.put(f"{URL}/summer", json=a_document()).status_code == 201
    replaced = api.put(f"{URL}/summer", json=a_document(name="Winter hub"))

    assert (replaced.status_code, replaced.get_json()["version"], replaced.get_json()["name"]) == (200, 2, "Winter hub")
    assert "webhook_secret" not in replaced.get_json()


def test_put_takes_the_id_from_the_address(api: FlaskClient, a_document: Document) -> None:
    """Two ids in one request can't both be meant."""
    document = a_document()
    assert places(api.put(f"{URL}/winter", json=document)) == ["/id"]
    del document["id"]

    assert api.put(f"{URL}/winter", json=document).get_json()["id"] == "winter"


def test_what_was_read_can_be_put_back(api: FlaskClient, a_document: Document) -> None:
    """Read, change one thing, save: without the key and with all read-only members."""
    api.post(URL, json=a_document())
    shown = api.get(f"{URL}/summer").get_json()

    assert api.put(f"{URL}/summer", json=shown | {"name": "Winter hub"}).status_code == 200


@pytest.mark.parametrize("tag", ['"1"', "1", 'W/"1"'])
def test_if_match_guards_an_edit(api: FlaskClient, a_document: Document, tag: str) -> None:
    """Two people at one document."""
    api.post(URL, json=a_document())
    guard = {"If-Match": tag}

    assert api.put(f"{URL}/summer", json=a_document(name="Winter hub"), headers=guard).status_code == 200
    stale = [
        api.put(f"{URL}/summer", json=a_document(name="Spring hub"), headers=guard),
        api.patch(f"{URL}/summer", json={"name": "Spring hub"}, headers=guard),
        api.delete(f"{URL}/summer", headers=guard),
        api.delete(f"{URL}/summer", headers={"If-Match": "nonsense"}),
    ]

    assert [answer.status_code for answer in stale] == [412] * 4
    assert api.get(f"{URL}/summer").get_json()["name"] == "Winter hub"


def test_a_patch_changes_only_what_it_names(api: FlaskClient, a_document: Document) -> None:
    """A script that raises a limit need not know the mapping."""
    api.post(URL, json=a_document(default_region="AU"))

    patched = api.patch(
        f"{URL}/summer",
        json={"default_region": None, "braze": {"max_objects_per_request": 50}},
        content_type="application/merge-patch+json",
    )

    assert patched.status_code == 200
    assert patched.get_json()["default_region"] is None
    assert patched.get_json()["braze"]["max_objects_per_request"] == 50
    assert patched.get_json()["braze"]["api_key"] == {"set": True, "last4": "cret"}
    assert patched.get_json()["attributes"] == api.get(f"{URL}/summer").get_json()["attributes"]


def test_a_patch_of_the_key_replaces_it(api: FlaskClient, a_document: Document) -> None:
    """Rotation of a Braze key in one line."""
    api.post(URL, json=a_document())

    patched = api.patch(f"{URL}/summer", json={"braze": {"api_key": "a-new-key-9876"}})

    assert patched.get_json()["braze"]["api_key"]["last4"] == "9876"


def test_lists_come_in_pages(api: FlaskClient, a_document: Document) -> None:
    """The cursor is all a caller must keep."""
    for name in ("a", "b", "c"):
        api.post(URL, json=a_document(id=name))

    first = api.get(URL, query_string={"limit": 2}).get_json()
    second = api.get(URL, query_string={"limit": 2, "cursor": first["next"]}).get_json()

    assert [one["id"] for one in first["items"]] == ["a", "b"]
    assert ([one["id"] for one in second["items"]], second["next"]) == (["c"], None)


def test_a_wrong_query_is_told_its_place(api: FlaskClient) -> None:
    """Flags are input too."""
    assert places(api.get(URL, query_string={"limit": "many"})) == ["/limit"]


def test_an_unknown_id_is_404_everywhere(api: FlaskClient) -> None:
    """And says so as a problem."""
    answers = [
        api.get(f"{URL}/nobody"),
        api.patch(f"{URL}/nobody", json={}),
        api.delete(f"{URL}/nobody"),
        api.get(f"{URL}/nobody/ledger"),
        *(
            api.post(f"{URL}/nobody/{verb}", json={})
            for verb in ("test", "pause", "resume", "rotate-secret", "retire-secret", "preview")
        ),
    ]

    assert [answer.status_code for answer in answers[:-1]] == [404] * 9
    for answer in answers:
        places(answer)


def test_deleting_is_refused_while_submissions_wait(api: FlaskClient, a_document: Document, stores: Stores) -> None:
    """Unless a person says that they may go."""
    api.post(URL, json=a_document())
    stores.connection.hset("{acme}:summer:ledger", "waiting", 2)

    assert api.delete(f"{URL}/summer").status_code == 409
    assert api.delete(f"{URL}/summer?discard=true").status_code == 204
    assert api.get(f"{URL}/summer").status_code == 404


@pytest.mark.parametrize("query", ["dry_run=true", "discrad=true"])
def test_deleting_takes_no_parameter_that_it_does_not_know(api: FlaskClient, a_document: Document, query: str) -> None:
    """Whoever asked what would be deleted has deleted everything."""
    api.post(URL, json=a_document())

    refused = api.delete(f"{URL}/summer?{query}")

    assert (refused.status_code, places(refused)) == (422, [f"/{query.partition('=')[0]}"])
    assert api.get(f"{URL}/summer").status_code == 200


def test_pausing_and_resuming(
    api: FlaskClient, a_document: Document, stores: Stores, woken: list[tuple[str, str, int]]
) -> None:
    """Resuming calls a worker for what waits."""
    api.post(URL, json=a_document())
    stores.connection.hset("{acme}:summer:state", "lanes", 2)
    stores.connection.xadd("{acme}:summer:in:1", {"b": "{}"})

    assert api.post(f"{URL}/summer/pause").get_json()["state"] == "paused"
    assert woken == []
    resumed = api.post(f"{URL}/summer/resume").get_json()

    assert (resumed["state"], resumed["enabled"]) == ("active", True)
    assert woken == [("drain", "summer", 1)]


def test_new_rules_for_people_call_for_what_waits_to_be_judged_again(
    api: FlaskClient, a_document: Document, woken: list[tuple[str, str, int]]
) -> None:
    """Before anything more is sent."""
    api.post(URL, json=a_document())
    api.patch(f"{URL}/summer", json={"default_region": "AU"})

    assert woken == [("redo", "summer", 0)]


@pytest.mark.parametrize("changed", [{"default_region": "AU"}, {"name": "Winter hub"}])
def test_a_broker_that_is_away_does_not_spoil_a_save(
    app: Flask, api: FlaskClient, a_document: Document, stores: Stores, changed: dict[str, Any]
) -> None:
    """The work is safe, and the next sweep finds it."""
    api.post(URL, json=a_document())
    stores.connection.hset("{acme}:summer:state", "lanes", 1)
    stores.connection.xadd("{acme}:summer:in:0", {"b": "{}"})

    def broken(*_: Any) -> None:
        raise ConnectionError

    app.extensions["komo_braze"] = replace(app.extensions["komo_braze"], wake=broken)

    assert api.patch(f"{URL}/summer", json=changed).status_code == 200


def test_secrets_are_rotated_and_retired(api: FlaskClient, a_document: Document, stores: Stores) -> None:
    """The previous ones work until somebody says otherwise."""
    created = api.post(URL, json=a_document()).get_json()

    rotated = api.post(f"{URL}/summer/rotate-secret").get_json()
    assert set(rotated) == {"webhook_secret", "url_key"}
    assert created["url_key"] in stores.integrations.get("summer").url_keys
    assert set(api.post(f"{URL}/summer/rotate-secret", json={"which": "url_key"}).get_json()) == {"url_key"}
    assert places(api.post(f"{URL}/summer/rotate-secret", json={"which": "all"})) == ["/which"]

    assert api.post(f"{URL}/summer/retire-secret").status_code == 204
    assert stores.integrations.get("summer").webhook_secrets == (rotated["webhook_secret"],)


def test_the_connection_test_answers_line_by_line(api: FlaskClient, a_document: Document) -> None:
    """So that a person sees what to mend."""
    api.post(URL, json=a_document())
    good = api.post(f"{URL}/summer/test").get_json()
    api.patch(f"{URL}/summer", json={"braze": {"api_key": "wrong"}})
    bad = api.post(f"{URL}/summer/test").get_json()

    assert good["ok"] is True
    assert [line["name"] for line in good["lines"]] == ["host", "key"]
    assert (bad["ok"], [line["ok"] for line in bad["lines"]]) == (False, [True, False])


def test_a_missing_variable_fails_the_connection_test(api: FlaskClient, a_document: Document) -> None:
    """Nothing is sent anywhere without a key."""
    braze = {"rest_endpoint": "http://127.0.0.1:8001", "api_key": {"from_env": "NO_SUCH_BRAZE_KEY"}}
    created = api.post(URL, json=a_document(braze=braze))

    assert created.get_json()["braze"]["api_key"] == {"set": False, "from_env": "NO_SUCH_BRAZE_KEY"}
    report = api.post(f"{URL}/summer/test").get_json()
    assert report["ok"] is False
    assert "NO_SUCH_BRAZE_KEY" in report["lines"][0]["detail"]


def test_the_ledger_has_every_counter(api: FlaskClient, a_document: Document, stores: Stores) -> None:
    """Zero is a number too."""
    api.post(URL, json=a_document())
    stores.connection.hset("{acme}:summer:ledger", "received", 3)

    ledger = api.get(f"{URL}/summer/ledger").get_json()

    assert (ledger["received"], ledger["dead"]) == (3, 0)


def test_a_preview_shows_the_exact_request(api: FlaskClient, a_document: Document) -> None:
    """Without sending it."""
    api.post(URL, json=a_document())
    body = {"event": "CompetitionEntrySuccess", "member_id": "m1", "first_name": "Ada", "id": "1"}

    shown = api.post(f"{URL}/summer/preview", json={"submission": body}).get_json()

    assert shown["outcome"] == "delivered"
    assert shown["person"] == {"kind": "external_id", "value": "m1", "alias_label": None}
    (request,) = shown["requests"]
    assert request["url"] == "https://rest.iad-03.braze.com/users/track"
    assert request["body"]["attributes"] == [{"external_id": "m1", "first_name": "Ada"}]


def test_a_preview_takes_rules_that_are_not_saved(api: FlaskClient, a_document: Document) -> None:
    """People try before they save, also before the first save."""
    document = a_document(identifiers=[{"kind": "email", "field": "email"}])
    del document["braze"]["api_key"]
    body = {"event": "X", "email": " Ada@Example.com "}

    shown = api.post(f"{URL}/new-one/preview", json={"document": document, "submission": body}).get_json()
    nobody = api.post(f"{URL}/new-one/preview", json={"document": document, "submission": {"event": "X"}}).get_json()

    assert shown["person"]["value"] == "ada@example.com"
    assert (nobody["outcome"], nobody["reason"]) == ("filtered", "no_identifier")
    assert api.get(URL).get_json()["items"] == []


def test_a_preview_leaves_out_what_braze_has_already(api: FlaskClient, a_document: Document, stores: Stores) -> None:
    """As the next delivery would, also under rules that are not saved and name no workspace."""
    saved = api.post(URL, json=a_document()).get_json()
    braze = stores.integrations.get(saved["id"]).integration.braze
    number = stores.memory.names("acme", ["first_name"]).numbers["first_name"]
    now_ms, key = int(time.time() * 1000), Person("external_id", "m1").key
    marks = orjson.dumps([[now_ms * 1000, number, "Ada"]])
    stores.connection.hset(f"{memory_keys(braze)}{now_ms // MEMORY_MS}", key, marks)
    document = a_document(attributes=[{"field": name, "attribute": name} for name in ("first_name", "team")])
    del document["braze"]["workspace"]
    body = {"event": "X", "member_id": "m1", "first_name": "Ada", "team": "red", "id": "1"}

    saved = api.post(f"{URL}/summer/preview", json={"submission": body}).get_json()
    unsaved = api.post(f"{URL}/summer/preview", json={"submission": body, "document": document}).get_json()

    assert (saved["outcome"], saved["left_out"], saved["requests"]) == ("delivered", ["first_name"], [])
    assert unsaved["left_out"] == ["first_name"]
    assert unsaved["requests"][0]["body"]["attributes"] == [{"external_id": "m1", "team": "red"}]


def test_the_state_of_messages_is_shown(api: FlaskClient, a_document: Document, stores: Stores) -> None:
    """A canvas that is paused in Braze is nothing that anybody here would notice otherwise; and it can be put back."""
    sends = [{"kind": "canvas", "id": "ca11ab1e-aaaa-4bbb-8ccc-dddddddddddd"}]
    api.post(URL, json=a_document(sends=sends))
    stores.connection.hset("{acme}:summer:lane:sends:canvas", "problem", "The Canvas is paused.")

    shown = api.get(f"{URL}/summer").get_json()

    assert shown["outbox"]["canvas"]["problem"] == "The Canvas is paused."
    assert shown["outbox"]["canvas"]["waiting"] == 0
    assert [one["id"] for one in shown["sends"]] == [sends[0]["id"]]
    assert api.put(f"{URL}/summer", json=shown).status_code == 200


def test_a_preview_of_bad_rules_is_told_their_places(api: FlaskClient, a_document: Document) -> None:
    """The places are those in the request."""
    answer = api.post(f"{URL}/summer/preview", json={"document": a_document(identifiers=[]), "submission": {}})

    assert places(answer) == ["/document/identifiers"]
    assert places(api.post(f"{URL}/summer/preview", json={"document": a_document()})) == ["/submission"]


def test_warnings_come_with_the_save(api: FlaskClient, a_document: Document) -> None:
    """The document is saved all the same."""
    rules = [{"kind": "external_id", "field": "a"}, {"kind": "email", "field": "b"}]

    created = api.post(URL, json=a_document(identifiers=rules))

    assert created.status_code == 201
    assert [warning["pointer"] for warning in created.get_json()["warnings"]] == ["/identifiers"]


def test_a_misspelt_member_of_a_preview_is_told(api: FlaskClient, a_document: Document) -> None:
    """Left alone, it would show what the saved rules make of it, and nobody would know."""
    api.post(URL, json=a_document())

    answer = api.post(f"{URL}/summer/preview", json={"documant": a_document(), "submission": {"event": "X"}})

    assert places(answer) == ["/documant"]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"a":' * 900 + b"1" + b"}" * 900, "/submission"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "/submission" + "/a" * 32),
        (orjson.dumps({str(number): number for number in range(2001)}), "/submission"),
    ],
)
def test_a_preview_takes_what_the_webhook_takes(
    body: bytes, place: str, api: FlaskClient, a_document: Document
) -> None:
    """Anything else would be shown as delivered here and refused there."""
    api.post(URL, json=a_document())

    assert places(api.post(f"{URL}/summer/preview", data=b'{"submission":' + body + b"}")) == [place]


@pytest.mark.parametrize("version", ['"abc"', '"99999999999999999999"', '"' + "9" * 5000 + '"', '"1", "2"'])
def test_a_version_that_can_be_none_of_ours_matches_nothing(
    version: str, api: FlaskClient, a_document: Document
) -> None:
    """A guard that can't be read must not be taken for no guard."""
    api.post(URL, json=a_document())

    assert api.put(f"{URL}/summer", json=a_document(), headers={"If-Match": version}).status_code == 412


def test_any_version_is_not_none_at_all(api: FlaskClient, a_document: Document) -> None:
    """Who means to replace does not want to create."""
    star = {"If-Match": "*"}

    assert api.put(f"{URL}/summer", json=a_document(), headers=star).status_code == 412
    assert api.post(URL, json=a_document()).status_code == 201
    assert api.put(f"{URL}/summer", json=a_document(), headers=star).status_code == 200


def begun(stores: Stores, **members: Any) -> None:
    stores.integrations.save_draft({"id": "summer", "name": "Summer hub"} | members, by="pages")


def test_a_draft_is_shown_like_the_others(api: FlaskClient, stores: Stores, a_document: Document) -> None:
    """Scripts that list integrations meet drafts that somebody began on the pages."""
    begun(stores)
    api.post(URL, json=a_document(id="winter"))

    shown = api.get(f"{URL}/summer")
    listed = api.get(URL).get_json()["items"]

    assert shown.status_code == 200
    assert listed[0] == shown.get_json()
    assert [one.get("draft") for one in listed] == [True, None]
    assert shown.get_json()["standing"]["because"] == "Not set up yet: finish connecting it."
    assert api.get(f"{URL}/summer/ledger").get_json()["received"] == 0


def test_a_draft_is_finished_by_a_whole_document(
    api: FlaskClient, stores: Stores, a_document: Document, woken: list[Any]
) -> None:
    """The member `draft` is ignored when it comes back: a whole document is none."""
    begun(stores)
    unfinished = api.put(f"{URL}/summer", json=api.get(f"{URL}/summer").get_json())
    assert places(unfinished) == ["/braze/rest_endpoint", "/identifiers"]

    saved = api.put(f"{URL}/summer", json=a_document(draft=True))

    assert (saved.status_code, saved.get_json()["state"], saved.get_json()["version"]) == (200, "active", 2)
    assert "draft" not in saved.get_json()
    assert woken == [("redo", "summer", 0)]


def test_a_patch_may_bring_what_a_draft_lacks(api: FlaskClient, stores: Stores, a_document: Document) -> None:
    """It is merged into what was filled in, key and all; what is still missing then is told."""
    document = a_document()
    begun(stores, braze=document["braze"])

    assert places(api.patch(f"{URL}/summer", json={"enabled": True})) == ["/identifiers"]
    patched = api.patch(f"{URL}/summer", json={"identifiers": document["identifiers"]})

    assert (patched.status_code, patched.get_json()["state"]) == (200, "active")
    assert stores.integrations.get("summer").api_key() == "0f3b-secret"


def test_a_draft_is_neither_resumed_nor_created_again(api: FlaskClient, stores: Stores, a_document: Document) -> None:
    """One sentence says what to do instead."""
    begun(stores)

    resumed = api.post(f"{URL}/summer/resume")

    assert resumed.status_code == 409
    assert resumed.get_json()["detail"] == "summer is not set up yet: finish connecting it, and it sends by itself."
    assert api.post(URL, json=a_document()).status_code == 409
    assert api.post(f"{URL}/summer/pause").status_code == 200
    assert set(api.post(f"{URL}/summer/rotate-secret").get_json()) == {"webhook_secret", "url_key"}


def test_the_connection_of_a_draft_is_tried_as_soon_as_there_is_one(
    api: FlaskClient, stores: Stores, a_document: Document
) -> None:
    """Host and key can be tried before anybody has thought of identifiers."""
    begun(stores)
    [line] = api.post(f"{URL}/summer/test").get_json()["lines"]
    begun(stores, braze=a_document()["braze"])
    tried = api.post(f"{URL}/summer/test").get_json()

    assert (line["ok"], line["detail"]) == (
        False, "Not set up yet: braze.rest_endpoint and braze.api_key must be given first.",
    )  # fmt: skip
    assert tried["ok"] is True
    assert tried["lines"][0]["detail"] == "https://rest.iad-03.braze.com"


def test_a_preview_shows_what_the_last_step_would_do(api: FlaskClient, stores: Stores, a_document: Document) -> None:
    """With the whole document and what was posted meanwhile; by its own rules a draft has nothing to show."""
    begun(stores, braze=a_document()["braze"])
    body = {"event": "X", "member_id": "m1", "first_name": "Ann"}

    shown = api.post(f"{URL}/summer/preview", json={"document": a_document(), "submission": body})
    without = api.post(f"{URL}/summer/preview", json={"submission": body})

    assert (shown.status_code, shown.get_json()["outcome"]) == (200, "delivered")
    assert shown.get_json()["requests"][0]["body"]["attributes"][0]["external_id"] == "m1"
    assert (without.status_code, without.get_json()["detail"]) == (
        409, "summer is not set up yet: give the document to try.",
    )  # fmt: skip


def test_the_ledger_is_described_as_it_is_answered(api: FlaskClient) -> None:
    """Clients that are generated from the description refuse what it does not name."""
    described = api.get("/api/v1/openapi.json").get_json()["components"]["schemas"]["LedgerShown"]["properties"]

    assert list(described) == list(COUNTERS)
