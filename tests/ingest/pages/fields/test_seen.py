"""Which fields Komo has sent lately, and which rule each most likely needs."""

from typing import Any

import pytest

from ingest.pages.fields.seen import MOST_FIELDS, SAMPLE_LENGTH, SeenField, seen_fields
from ingest.pages.recent import bodies, newest
from schemas.integration import read_document
from schemas.komo import read_submission
from tests.factories import NOON, a_body, a_document, an_arrival, an_integration
from workers.store import Stores


def seen(*sent: dict[str, Any], **about: Any) -> dict[str, SeenField]:
    found = seen_fields([read_submission(body, id="s", received_at=NOON) for body in sent], **about)
    return {one.label: one for one in found}


def test_every_field_is_told_with_samples_and_how_often_it_was_filled_in() -> None:
    """That is by what somebody recognises it."""
    found = seen(a_body(team="Red"), a_body(team="Blue"), a_body(team="Red"), a_body(team=""))["team"]

    assert (found.samples, found.count, found.path, found.group) == (("Red", "Blue"), 3, "team", "fields")


def test_a_name_with_blanks_is_written_as_rules_write_it() -> None:
    """The person reads the name, the rule needs the path."""
    found = seen(a_body(**{"First name": "Mira"}))["First name"]

    assert found.path == 'fields["First name"]'
    assert found.suggestion is not None
    assert found.suggestion.rule == {"field": 'fields["First name"]', "attribute": "first_name"}


@pytest.mark.parametrize(
    ("name", "attribute"),
    [("firstName", "first_name"), ("nome", "first_name"), ("sobrenome", "last_name"), ("Nachname", "last_name"),
     ("apellido", "last_name"), ("e-mail", "email"), ("telefone", "phone"), ("Gênero", "gender"), ("país", "country"),
     ("cidade", "home_city"), ("idioma", "language"), ("Zeitzone", "time_zone"), ("Favourite Team?", "favourite_team")],
)  # fmt: skip
def test_fields_are_recognised_in_the_languages_of_forms(name: str, attribute: str) -> None:
    """Braze's own attributes are what its segments and messages work with."""
    suggestion = seen(a_body(**{name: "something"}))[name].suggestion

    assert suggestion is not None
    assert suggestion.rule["attribute"] == attribute


@pytest.mark.parametrize(
    ("values", "rule"),
    [(["7", "12.5"], {"type": "number"}), ([True, False], {"type": "boolean"}), (["01234", "99999"], {}),
     (["2026-01-02"], {"type": "date"}), (["2026-01-02T10:00:00Z"], {"type": "datetime"}),
     (["23/04/1991", "03/04/1991"], {"type": "date", "format": "DD/MM/YYYY"}),
     (["04/23/1991"], {"type": "date", "format": "MM/DD/YYYY"}), (["03/04/1991"], {"type": "date"}),
     (["3.4.1991"], {"type": "date", "format": "DD.MM.YYYY"}), ([["a", "b"]], {"type": "array"}),
     (["surf, swim", "surf"], {"type": "array", "separator": ","}), (["Well, I would like to say more"], {}),
     (["+61 412 345 678"], {}), ([[{"a": 1}]], {"type": "object_array"})],
)  # fmt: skip
def test_types_are_read_off_the_samples(values: list[Any], rule: dict[str, str]) -> None:
    """Day and month are never guessed, and a postcode is no number."""
    suggestion = seen(*(a_body(thing=value) for value in values))["thing"].suggestion

    assert suggestion is not None
    assert suggestion.rule == {"field": "thing", "attribute": "thing", **rule}


def test_a_yes_to_e_mail_is_consent_and_no_attribute() -> None:
    """Braze sends nothing because of an attribute; a no means nothing until somebody says so."""
    suggestion = seen(a_body())["optin"].suggestion

    assert suggestion is not None
    assert suggestion.list == "subscriptions"
    assert suggestion.rule == {"field": "optin", "kind": "email", "when_yes": "opted_in", "when_no": None}


@pytest.mark.parametrize("name", ["password", "senha", "Passwort", "card_number", "cvv"])
def test_what_opens_doors_is_neither_proposed_nor_shown(name: str) -> None:
    """A form should not ask for it, but some do."""
    found = seen(a_body(**{name: "a-secret"}))[name]

    assert found.suggestion is None
    assert found.secret
    assert found.samples == ()


def test_a_card_number_is_known_by_its_digits() -> None:
    """Whatever the field is called."""
    assert seen(a_body(note="4111 1111 1111 1111"))["note"].secret


def test_questions_stand_beside_the_fields() -> None:
    """Their answers have no path of their own."""
    found = seen({"event": "x", "answers": [{"question": "Best beach?", "answer": "Bondi"}]})["Best beach?"]

    assert (found.path, found.samples, found.group) == ("", ("Bondi",), "answers")
    assert found.suggestion is not None
    assert found.suggestion.rule == {"question": "Best beach?", "attribute": "best_beach"}


def test_an_attribute_is_proposed_once() -> None:
    """Two rules for one attribute would overwrite each other."""
    found = seen(a_body(nome="A", first_name="B"), taken={"team"})
    names = [
        one.suggestion.rule["attribute"]
        for one in found.values()
        if one.suggestion and one.suggestion.list == "attributes"
    ]

    assert len(names) == len(set(names))
    assert "first_name" in names


def test_every_proposal_may_be_saved() -> None:
    """Whatever odd names a form has."""
    odd = {
        "external_id": "1",
        "_x": "1",
        "$y": "1",
        "a.b": "1",
        "inc": "1",
        "É": "1",
        "   ": "1",
        "time": "1",
        "💚": "1",
    }
    found = seen(a_body(**odd, birthday="23/04/1991"))
    rules = [one.suggestion.rule for one in found.values() if one.suggestion and one.suggestion.list == "attributes"]

    assert read_document(a_document(attributes=[dict(rule) for rule in rules])).warnings == ()


def test_large_and_hostile_bodies_stay_small() -> None:
    """The page shows a glimpse, never all of it."""
    found = seen(a_body(essay="y" * 10_000, **{f"f{n}": "<script>" for n in range(900)}))

    assert len(found) <= MOST_FIELDS
    assert len(found["essay"].samples[0]) == SAMPLE_LENGTH
    assert found["essay"].suggestion is None


def test_the_raw_body_is_told_only_when_it_is_asked_for() -> None:
    """Everything stands in it a second time."""
    assert "raw.site_id" not in seen(a_body())
    assert "raw.site_id" in seen(a_body(), everything=True)


def test_the_newest_submissions_are_read_wherever_they_are(stores: Stores) -> None:
    """Those that wait, too: a draft's submissions all do."""
    stores.integrations.save(a_document(), by="api")
    integration = stores.integrations.get("summer-hub").integration
    for number in range(3):
        stores.inbox.accept(integration, [an_arrival(number=number, team=f"t{number}")])

    found = newest(integration, stores, 2)

    assert [body["team"] for body in bodies(found)] == ["t2", "t1"]
    assert newest(an_integration(id="other"), stores) == []
