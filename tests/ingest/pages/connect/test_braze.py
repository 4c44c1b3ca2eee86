"""The third step: address, key, limits, and the test of the connection."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from ingest.app import create_app
from ingest.context import Probe
from schemas.braze_hosts import INSTANCES
from schemas.integration import Integration
from schemas.settings import Settings
from tests.factories import BRAZE
from tests.visitor import Visitor, tags, words
from workers.store import Stores, open_stores

KEY = "an-example-of-another-key-9876"

Asked = list[tuple[Integration, str]]


@pytest.fixture
def asked() -> Asked:
    """With what Braze was asked."""
    return []


@pytest.fixture
def probe(asked: Asked) -> Probe:
    def ask(integration: Integration, api_key: str) -> list[tuple[str, bool, str]]:
        asked.append((integration, api_key))
        right = api_key == KEY
        return [("host", True, "It answers."), ("key", right, "Braze knows it." if right else "Braze does not.")]

    return ask


def test_a_draft_gets_address_and_key_and_goes_on(draft: str, visitor: Visitor, stores: Stores) -> None:
    """From here on only the people are missing."""
    answer = visitor.send(f"/integrations/{draft}/braze", instance=BRAZE, api_key=KEY, follow=False)

    assert answer.location == f"/integrations/{draft}/people"
    kept = stores.integrations.get(draft)
    assert kept.draft
    assert kept.document["braze"]["rest_endpoint"] == BRAZE
    assert kept.api_key() == KEY
    assert kept.missing == ("/identifiers",)


def test_a_draft_may_go_on_without_them(draft: str, visitor: Visitor, stores: Stores) -> None:
    """The key is often somebody else's to give."""
    answer = visitor.send(f"/integrations/{draft}/braze", follow=False)

    assert answer.location == f"/integrations/{draft}/people"
    assert "(missing)" in words(visitor.open(f"/integrations/{draft}/people"))


@pytest.mark.parametrize(
    ("pasted", "became"),
    [
        ("https://dashboard-03.braze.com/dashboard/app/123?locale=en", "https://rest.iad-03.braze.com"),
        ("dashboard-02.braze.eu", "https://rest.fra-02.braze.eu"),
        ("http://127.0.0.1:8001/", "http://127.0.0.1:8001"),
    ],
)
def test_a_pasted_address_is_corrected_and_says_so(
    pasted: str, became: str, draft: str, visitor: Visitor, stores: Stores
) -> None:
    """What people have at hand is the address of their dashboard."""
    answer = visitor.send(f"/integrations/{draft}/braze", address=pasted, api_key=KEY)

    assert f"this became: {became}." in words(answer)
    assert stores.integrations.get(draft).document["braze"]["rest_endpoint"] == became


def test_an_address_that_is_not_braze_s_is_refused_where_it_was_pasted(draft: str, visitor: Visitor) -> None:
    """A key goes nowhere else."""
    answer = visitor.send(f"/integrations/{draft}/braze", address="https://evil.example", api_key=KEY)

    assert answer.status_code == 422
    (field,) = [one for one in tags(answer, "input") if one.get("name") == "address"]
    assert field["aria-invalid"] == "true"
    assert field["value"] == "https://evil.example"
    assert KEY not in answer.text


def test_a_key_is_never_shown_and_kept_if_left_blank(live: str, visitor: Visitor, stores: Stores) -> None:
    """Only its end, so that people can tell which one it is."""
    page = visitor.open(f"/integrations/{live}/braze")
    assert "Set, ends in ...0000." in words(page)
    assert "an-example-of-a-key" not in page.text

    visitor.send(f"/integrations/{live}/braze")

    assert stores.integrations.get(live).api_key() == "an-example-of-a-key-0000"


def test_saving_without_a_change_changes_nothing(live: str, visitor: Visitor, stores: Stores) -> None:
    """Numbers stay as they are written, and what the form does not show stays."""
    before = stores.integrations.get(live)

    visitor.send(f"/integrations/{live}/braze")

    after = stores.integrations.get(live)
    assert after.document == before.document
    assert after.version == before.version + 1


def test_another_address_needs_the_key_again(live: str, visitor: Visitor, stores: Stores) -> None:
    """A key that was given for one host is never sent to another."""
    other = "https://rest.fra-01.braze.eu"
    refused = visitor.send(f"/integrations/{live}/braze", instance=other)
    assert refused.status_code == 422
    assert "needs the key again" in words(refused)

    visitor.send(f"/integrations/{live}/braze", instance=other, api_key=KEY, workspace="acme-eu")

    kept = stores.integrations.get(live)
    assert (kept.integration.braze.rest_endpoint, kept.api_key()) == (other, KEY)


def test_details_are_saved(live: str, visitor: Visitor, stores: Stores) -> None:
    """A comma is a point to half of the world; what is left blank is left out."""
    visitor.send(
        f"/integrations/{live}/braze", requests="100", per_seconds="1,5", burst_requests="", burst_per_seconds="",
        max_objects="60", max_age_hours="", existing_profiles_only="y", send_only_changes=None,
    )  # fmt: skip

    document = stores.integrations.get(live).document
    assert document["braze"]["rate_limit"] == {"requests": 100, "per_seconds": 1.5}
    assert not document["braze"].get("burst_limit")
    assert document["braze"]["max_objects_per_request"] == 60
    assert not document.get("max_age_hours")
    assert (document["existing_profiles_only"], document["send_only_changes"]) == (True, False)


@pytest.mark.parametrize(
    ("name", "nonsense"),
    [
        ("requests", "many"), ("requests", "-1"), ("requests", "0"), ("requests", "9" * 5000), ("requests", "1_0"),
        ("per_seconds", "nan"), ("per_seconds", "1e999"), ("burst_per_seconds", "x"), ("max_objects", "9999"),
        ("max_age_hours", "0"), ("workspace", "a b"), ("api_key", "two words"), ("instance", "javascript:alert(1)"),
        ("key_from", "SECRET_KEY"), ("send_only_changes", "existing"),
    ],
)  # fmt: skip
def test_nonsense_is_told_at_its_field_and_not_saved(
    name: str, nonsense: str, live: str, visitor: Visitor, stores: Stores
) -> None:
    """A page that answers 500 to a slip is no help."""
    before = stores.integrations.get(live)
    filled: dict[str, Any] = {"existing_profiles_only": "y"} if nonsense == "existing" else {name: nonsense}

    answer = visitor.send(f"/integrations/{live}/braze", **filled)

    assert answer.status_code == 422
    found = [one for tag in ("input", "select") for one in tags(answer, tag) if one.get("name") == name]
    assert found[0].get("aria-invalid") == "true"
    assert stores.integrations.get(live).document == before.document


def test_an_operator_may_name_a_variable(draft: str, visitor: Visitor, stores: Stores) -> None:
    """The key is then not kept here."""
    visitor.send(f"/integrations/{draft}/braze", instance=BRAZE, key_from="BRAZE_KEY_OF_THE_HUB")

    assert stores.integrations.get(draft).api_key_name == "BRAZE_KEY_OF_THE_HUB"
    assert "BRAZE_KEY_OF_THE_HUB" in words(visitor.open(f"/integrations/{draft}/braze"))


def test_the_test_asks_with_what_is_typed_and_saves_nothing(
    draft: str, visitor: Visitor, stores: Stores, asked: Asked
) -> None:
    """People want to know before they save."""
    before = stores.integrations.get(draft).revision

    answer = visitor.send(f"/integrations/{draft}/braze", instance=BRAZE, api_key=KEY, do="test")

    assert answer.status_code == 200
    (one,) = asked
    assert (one[0].braze.rest_endpoint, one[1]) == (BRAZE, KEY)
    assert "fine Address It answers." in words(answer)
    assert KEY not in answer.text
    assert stores.integrations.get(draft).revision == before


def test_the_test_uses_the_stored_key_and_says_what_to_do(live: str, visitor: Visitor, asked: Asked) -> None:
    """Months later nobody has the key at hand."""
    answer = visitor.send(f"/integrations/{live}/braze", do="test")

    assert asked[0][1] == "an-example-of-a-key-0000"
    assert "wrong Key Braze does not." in words(answer)
    assert "Settings > API keys" in words(answer)


def test_the_test_sends_a_stored_key_nowhere_else(live: str, visitor: Visitor, asked: Asked) -> None:
    """The same rule as for saving."""
    answer = visitor.send(f"/integrations/{live}/braze", instance="https://rest.fra-01.braze.eu", do="test")

    assert answer.status_code == 422
    assert "needs the key again" in words(answer)
    assert not asked


def test_the_test_reads_a_variable(draft: str, visitor: Visitor, asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says so if it is not set."""
    path = f"/integrations/{draft}/braze"
    unset = visitor.send(path, instance=BRAZE, key_from="BRAZE_KEY_OF_THE_HUB", do="test")
    assert "This environment variable is not set" in words(unset)

    monkeypatch.setenv("BRAZE_KEY_OF_THE_HUB", KEY)
    visitor.send(path, instance=BRAZE, key_from="BRAZE_KEY_OF_THE_HUB", do="test")
    assert asked[0][1] == KEY


def test_every_published_instance_can_be_chosen(app: Flask, draft: str, visitor: Visitor) -> None:
    """By the name that Braze gives it."""
    page = visitor.open(f"/integrations/{draft}/braze")

    for one in INSTANCES:
        assert f"{one.name} ({one.dashboard_host})" in words(page)
    assert [one.name for one in INSTANCES][:2] == ["US-01", "US-02"]
    assert {"US-10", "EU-01", "EU-02", "AU-01", "JP-01"} <= {one.name for one in INSTANCES}


def test_a_limit_that_is_only_half_given_takes_the_usual_other_half(
    live: str, visitor: Visitor, stores: Stores
) -> None:
    """As in the document."""
    visitor.send(f"/integrations/{live}/braze", requests="", per_seconds="7")

    limit: dict[str, Any] = stores.integrations.get(live).document["braze"]["rate_limit"]
    assert limit == {"requests": 3000, "per_seconds": 7}


def test_a_key_that_can_t_be_opened_is_replaced_here(
    live: str, draft: str, settings: Settings, stores: Stores, probe: Probe
) -> None:
    """After a SECRET_KEY was lost this is the page that mends it: nothing about the settings may fail before that."""
    another = replace(settings, secret_key=("another-key-of-forty-characters-" * 2,))
    reopened = open_stores(another, stores.connection)
    app = create_app(another, reopened, lambda *_call: None, probe=probe)
    app.config["SESSION_COOKIE_SECURE"] = False
    visitor = Visitor(app.test_client())
    visitor.sign_in()

    for one in (live, draft):
        for step in ("", "/name", "/komo", "/braze", "/people", "/fields", "/json"):
            assert visitor.open(f"/integrations/{one}{step}").status_code == 200, step
    tested = visitor.send(f"/integrations/{live}/braze", do="test")
    assert tested.status_code == 422
    assert "A stored secret can't be opened with SECRET_KEY" in words(tested)

    assert visitor.send(f"/integrations/{live}/braze", api_key=KEY, follow=False).status_code == 303
    assert reopened.integrations.get(live).api_key() == KEY
