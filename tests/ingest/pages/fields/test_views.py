"""The page on which somebody chooses what goes to Braze, as they use it without scripts."""

import time
from typing import Any

import orjson
import pytest
from werkzeug.test import TestResponse

from ingest.pages.fields.rows import LISTS
from tests.factories import a_body, a_document
from tests.visitor import Visitor, fields, tags, words
from workers.store import Stores

PATH = "/integrations/summer-hub/fields"
SECOND = {"field": "phone", "attribute": "phone"}


@pytest.fixture
def secret(stores: Stores) -> str:
    """Of a live integration that knows people by member id."""
    return stores.integrations.save(a_document(attributes=[SECOND]), by="api").secrets["webhook_secret"]


@pytest.fixture
def draft_secret(stores: Stores) -> str:
    """Of one that nobody has finished."""
    return stores.integrations.save_draft({"id": "summer-hub", "name": "Summer hub"}, by="api").secrets[
        "webhook_secret"
    ]


def post(visitor: Visitor, secret: str, **body: Any) -> None:
    answer = visitor.client.post(
        "/webhooks/komo/summer-hub", json=a_body(**body), headers={"Authorization": f"Bearer {secret}"}
    )
    assert answer.status_code == 202


def attributes(stores: Stores) -> list[dict[str, Any]]:
    defaults = {"operation": "set", "on_null": "skip", "on_empty": "skip"}
    rules = stores.integrations.get("summer-hub").document["attributes"]
    return [{name: value for name, value in rule.items() if defaults.get(name) != value} for rule in rules]


def press(visitor: Visitor, button: str, page: TestResponse | None = None, **typed: str) -> TestResponse:
    """Press a button of the page as it stands."""
    data = {**fields(page or visitor.open(PATH)), **typed, "do": button}
    return visitor.client.post(PATH, data=data, headers={"Accept": "text/html"})


def test_a_field_that_komo_sends_is_mapped_with_one_click_and_saved(
    visitor: Visitor, secret: str, stores: Stores, woken: list[Any]
) -> None:
    """The way that most people take: see it, press Map, look at the preview, save."""
    post(visitor, secret, sobrenome="Silva")

    mapped = press(visitor, "map sobrenome")
    assert "Not saved yet" in words(mapped)
    assert '"last_name": "Silva"' in words(mapped)
    assert attributes(stores) == [SECOND]

    woken.clear()
    saved = press(visitor, "save", mapped)
    assert saved.status_code == 303
    assert attributes(stores) == [SECOND, {"field": "sobrenome", "attribute": "last_name"}]
    assert "Saved." in words(visitor.open(PATH))
    assert "attribute last_name" in words(visitor.open(PATH))
    assert [line["by"] for line in stores.integrations.audit("summer-hub", 1)] == ["page"]


def test_all_suggestions_are_mapped_at_once_but_those_that_anybody_can_set(visitor: Visitor, secret: str) -> None:
    """A link is written by whoever shares it."""
    post(visitor, secret, nome="Ana", cidade="Recife", extension_data={"vip": "yes"}, password="geheim")

    mapped = fields(press(visitor, "map-all"))

    assert "first_name" in mapped.values()
    assert "home_city" in mapped.values()
    assert not [value for name, value in mapped.items() if "vip" in value and not name.endswith(".rule")]
    assert not [value for value in mapped.values() if "password" in value]


def test_an_address_that_finds_somebody_is_suggested_as_an_attribute_too(
    visitor: Visitor, secret: str, stores: Stores
) -> None:
    """A profile that only has an alias can't be sent an e-mail; one that Braze finds by the address has it already."""
    post(visitor, secret, email="ana@example.com")
    rule = {"kind": "user_alias", "field": "email", "alias_label": "email"}
    stores.integrations.save(a_document(identifiers=[rule]), by="api")

    assert "email" in fields(press(visitor, "map-all")).values()

    stores.integrations.save(a_document(identifiers=[{"kind": "email", "field": "email"}]), by="api")
    assert "map email" not in [one.get("value") for one in tags(visitor.open(PATH), "button")]


def test_whatever_the_form_cannot_show_survives_a_save(visitor: Visitor, stores: Stores) -> None:
    """The document may have been written by a program."""
    rules = [
        {"value": {"a": [1, True, 1.5]}, "attribute": "boat", "type": "object", "operation": "merge"},
        {"field": "x", "attribute": "y", "when": {"card.type": [True, None, 1, "a b"], "z": None}},
    ]
    events = [{"name": "e", "for_each": "raw.list", "properties": {"p": {"value": 1.0}, "q": "x"}}]
    stores.integrations.save(a_document(attributes=rules, events=events), by="api")
    before = stores.integrations.get("summer-hub")

    assert press(visitor, "save").status_code == 303

    after = stores.integrations.get("summer-hub")
    for name in LISTS:
        assert orjson.dumps(after.document[name]) == orjson.dumps(before.document[name])
    assert after.version == before.version + 1


def test_a_mistake_is_told_at_its_control_and_nothing_is_lost(visitor: Visitor, secret: str, stores: Stores) -> None:
    """With a link to it on top: the page is long."""
    page = press(visitor, "add attributes")
    answer = press(visitor, "save", page, **{"attributes.n1.what": "born", "attributes.n1.attribute": "push_token"})

    assert answer.status_code == 422
    (control,) = [one for one in tags(answer, "input") if one.get("id") == "attributes.n1.attribute"]
    assert control["aria-invalid"] == "true"
    assert control["value"] == "push_token"
    assert control["aria-describedby"] == "attributes.n1.attribute-errors"
    assert "#attributes.n1.attribute" in [one.get("href") for one in tags(answer, "a")]
    assert "belongs to Braze's own SDK" in words(answer)
    assert attributes(stores) == [SECOND]


def test_rows_are_moved_and_removed_without_scripts(visitor: Visitor, stores: Stores) -> None:
    """Their order counts: of two rules for one attribute the later one wins."""
    stores.integrations.save(a_document(attributes=[{"field": name, "attribute": name} for name in "abc"]), by="api")

    moved = press(visitor, "remove attributes 0", press(visitor, "up attributes 2"))

    assert press(visitor, "save", moved).status_code == 303
    assert [rule["attribute"] for rule in attributes(stores)] == ["c", "b"]


def test_conditions_and_properties_come_and_go_without_scripts(visitor: Visitor, secret: str, stores: Stores) -> None:
    """Everything works by buttons alone."""
    page = press(visitor, "add-part events 0 when", press(visitor, "add-part events 0 properties"))
    page = press(visitor, "remove-part events 0 properties 0", page)

    typed = {"events.0.properties.n1.name": "what", "events.0.properties.n1.what": "submission.event",
             "events.0.when.n1.path": "card.type", "events.0.when.n1.values": "Quiz\nPoll"}  # fmt: skip
    assert press(visitor, "save", page, **typed).status_code == 303

    (event,) = stores.integrations.get("summer-hub").document["events"]
    assert event == {
        "name": "komo_entry",
        "properties": {"what": "submission.event"},
        "when": {"card.type": ["Quiz", "Poll"]},
    }


def test_one_path_in_two_conditions_is_not_quietly_dropped(visitor: Visitor, secret: str, stores: Stores) -> None:
    """Only one of them could be kept."""
    page = press(visitor, "add-part events 0 when", press(visitor, "add-part events 0 when"))
    typed = {f"events.0.when.n{n}.{name}": text for n in (1, 2) for name, text in (("path", "x"), ("values", str(n)))}

    answer = press(visitor, "save", page, **typed)

    assert answer.status_code == 422
    assert "This is here twice." in words(answer)
    assert fields(answer)["events.0.when.n2.values"] == "2"


def test_who_saved_in_between_is_not_overwritten_unseen(visitor: Visitor, secret: str, stores: Stores) -> None:
    """And what was typed stays."""
    page = visitor.open(PATH)
    stores.integrations.save(a_document(attributes=[]), by="api")

    answer = press(visitor, "save", page, **{"attributes.0.attribute": "mobile"})

    assert answer.status_code == 412
    assert "Somebody saved these settings in between." in words(answer)
    assert fields(answer)["attributes.0.attribute"] == "mobile"
    assert press(visitor, "save", answer).status_code == 303
    assert attributes(stores) == [{"field": "phone", "attribute": "mobile"}]


def test_a_draft_says_which_steps_are_missing_and_can_be_kept_for_later(
    visitor: Visitor, draft_secret: str, stores: Stores
) -> None:
    """Nobody should have to find out by themselves why it does not start."""
    post(visitor, draft_secret, nome="Ana")
    page = press(visitor, "map nome")
    assert '"first_name": "Ana"' in words(page)
    assert "How people are matched is not chosen yet" in words(page)

    refused = press(visitor, "save", page)
    assert refused.status_code == 422
    links = [one.get("href") for one in tags(refused, "a")]
    assert "/integrations/summer-hub/braze" in links
    assert "/integrations/summer-hub/people" in links

    assert press(visitor, "later", refused).status_code == 303
    assert attributes(stores) == [{"field": "nome", "attribute": "first_name"}]
    assert stores.integrations.get("summer-hub").draft


def test_a_whole_draft_starts_to_send(visitor: Visitor, stores: Stores, woken: list[Any]) -> None:
    """The last step of the setup."""
    stores.integrations.save_draft(a_document(), by="api")

    assert press(visitor, "save").status_code == 303

    assert not stores.integrations.get("summer-hub").draft
    assert "goes to Braze from now on" in words(visitor.open(PATH))


def test_the_preview_follows_the_form_and_says_what_is_wrong_in_words(
    visitor: Visitor, secret: str, stores: Stores
) -> None:
    """The name of a warning tells a marketer nothing; nothing is saved by looking."""
    post(visitor, secret, phone="12", team="Red")
    data = {**fields(visitor.open(PATH)), "attributes.0.attribute": "phone"}

    part = visitor.client.post(f"{PATH}/preview", data=data)

    assert "<html" not in part.text
    assert "It would be sent to Braze." in words(part)
    assert "This is no phone number with a country code" in words(part)
    assert "phone_not_valid" not in part.text
    assert 'data-row="attributes.0"' in part.text
    assert stores.integrations.get("summer-hub").version == 1


def test_an_unfinished_rule_does_not_hide_what_the_others_do(visitor: Visitor, secret: str) -> None:
    """While somebody types, one always is."""
    post(visitor, secret, phone="+61412345678")
    page = press(visitor, "add attributes")

    part = visitor.client.post(f"{PATH}/preview", data={**fields(page), "attributes.n1.what": "team"})

    assert "is not finished" in words(part)
    assert '"phone": "+61412345678"' in words(part)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [({"member": ""}, "It would be kept until the person says who they are."),
     ({"member": "null"}, "It could not be sent")],
)  # fmt: skip
def test_what_would_not_leave_is_told_with_its_reason(
    body: dict[str, str], sentence: str, visitor: Visitor, secret: str
) -> None:
    """Before it happens to thousands."""
    post(visitor, secret, phone="+61412345678", **body)

    assert sentence in words(visitor.open(PATH))


def test_a_pasted_sample_stands_in_for_submissions_and_is_kept_nowhere(
    visitor: Visitor, secret: str, stores: Stores
) -> None:
    """Mapping can begin before the hub is published."""
    assert "Nothing has been posted yet" in words(visitor.open(PATH))

    page = press(visitor, "use-sample", sample=orjson.dumps(a_body(nome="Inês")).decode())

    assert "to the attribute first_name" in words(page)
    assert '"external_id": "m1"' in words(page)
    assert b"In\xc3\xaas" not in b"".join(stores.connection.dump(key) or b"" for key in stores.connection.keys("*"))
    wrong = press(visitor, "use-sample", sample="{nonsense")
    assert "This is no body that Komo could post." in words(wrong)
    assert fields(wrong)["sample"] == "{nonsense"


def test_hostile_and_huge_bodies_are_shown_as_what_they_are(visitor: Visitor, secret: str) -> None:
    """A stranger can post anything that the hub posts."""
    heaps = {f"field_{n}": "v" for n in range(200)}
    post(visitor, secret, card_name="<script>alert(1)</script>", arabic="مرحبا", essay="y" * 10_000, **heaps)

    page = visitor.open(PATH)

    assert "<script>alert" not in page.text
    assert "مرحبا" in page.text
    assert "y" * 200 not in page.text
    assert len(page.text) < 400_000


def test_a_hundred_rules_are_quick(visitor: Visitor, stores: Stores) -> None:
    """Somebody waits for the page, and for the preview after every pause in typing."""
    rules = [{"field": f"f{n}", "attribute": f"a{n}", "when": {"card.type": ["Quiz", None]}} for n in range(100)]
    secret = stores.integrations.save(a_document(attributes=rules), by="api").secrets["webhook_secret"]
    post(visitor, secret, f1="x")
    data = fields(visitor.open(PATH))

    assert quickest(lambda: visitor.open(PATH)) < 0.15
    assert quickest(lambda: visitor.client.post(f"{PATH}/preview", data=data)) < 0.1


def quickest(do: Any) -> float:
    """Seconds, without what else the machine does."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        assert do().status_code == 200
        times.append(time.perf_counter() - start)
    return min(times)


def test_nobody_looks_at_it_without_signing_in(stranger: Visitor, secret: str) -> None:
    """Samples are what people have typed."""
    assert stranger.client.get(PATH).status_code == 302
    assert stranger.client.post(f"{PATH}/preview").status_code == 401


def test_a_form_from_elsewhere_is_refused(visitor: Visitor, secret: str) -> None:
    """It would change what is sent."""
    assert visitor.client.post(PATH, data={"do": "save", "version": "1"}).status_code == 400


@pytest.mark.parametrize("button", ["save", "preview", "add attributes"])
def test_a_form_that_was_sent_before_the_page_was_there_removes_no_rule(
    button: str, visitor: Visitor, secret: str, stores: Stores
) -> None:
    """With many rules, or on a slow phone, somebody presses Enter while the rest is still on its way."""
    top = {name: text for name, text in fields(visitor.open(PATH)).items() if name in ("csrf_token", "version")}

    assert visitor.client.post(PATH, data={**top, "do": button}).status_code == 400
    assert attributes(stores) == [SECOND]
