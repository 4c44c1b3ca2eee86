"""Texts that people write: paths, formats, values, addresses, filters, forms; and what lies in the store."""

import random
from contextlib import suppress
from typing import Any

import orjson

from ingest.pages.fields.editing import press
from ingest.pages.fields.rows import read_rows, rows_of, rules_of
from ingest.pages.masking import masked, without_values
from ingest.pages.spans import read_span
from schemas import ValidationError
from schemas.api import SubmissionQuery
from schemas.api_dead_letters import KINDS, LetterQuery, LettersToReplay, PersonToForget, SubmissionSearch
from schemas.braze_hosts import UnknownHost, rest_endpoint
from schemas.conditions import holds
from schemas.date_format import format_problem
from schemas.paths import ELEMENT, format_path, parse_element_path, parse_path
from schemas.settings import origin
from tests.factories import NOON
from tests.flow.test_golden import DOCUMENT
from tests.fuzz.mutate import NAMES, VALUES, json_of, text_of
from tests.fuzz.run import Target
from workers.countries import country
from workers.dates import as_date, as_datetime
from workers.emails import email
from workers.errors import SealBroken, UnreadableRecord
from workers.genders import gender
from workers.languages import language
from workers.numbers import number
from workers.phones import phone
from workers.standard import dob, image_url, location
from workers.store.integration_record import read_record
from workers.store.seal import Seal
from workers.store.timeline import read_cursor, write_cursor
from workers.time_zones import time_zone

PATHS = ('fields["a.b"]', "raw.changes[0].newValue", "card.name", '["a"]', "email", "answers[12].answer")
FORMATS = ("DD/MM/YYYY", "YYYY-MM-DDTHH:mm:ss", "D MMMM YY", "MMM D, YYYY", "YYYYMMDD")
HOSTS = ("https://rest.iad-03.braze.com", "dashboard-03.braze.com/x", "http://[::1]:8001", "rest.fra-02.braze.eu")
SAID = ("+61 (412) 345-678", "mira@example.com", "1.234,56", "7,5", "31/12/1999", "Australia", "pt-BR", "female",
        "-33.86, 151.2", "Australia/Sydney", "(GMT+10:00) Sydney", "https://example.com/a.png", "yes")  # fmt: skip
CONVERT = (number, email, phone("AU"), phone(None), country, language, gender, time_zone, location, image_url,
           dob(None), dob("DD/MM/YY"), as_date(None), as_datetime(None))  # fmt: skip


def draw_path(draw: random.Random) -> tuple[str, str, str]:
    return tuple(text_of(draw.choice(them), draw) for them in (PATHS, FORMATS, HOSTS))  # type: ignore[return-value]


def check_path(given: tuple[str, str, str]) -> None:
    path, pattern, host = given
    for parse in (parse_path, parse_element_path):
        with suppress(ValueError):
            found = parse(path)
            assert found[0] not in (ELEMENT, "raw") or parse(format_path(found)) == found
            holds(((found, (None, "1")),), {"fields": {"a": [1]}, "raw": {}})
    if format_problem(pattern) is None:
        as_date(pattern)("31/12/1999")
        as_datetime(pattern)(pattern)
    with suppress(UnknownHost):
        assert rest_endpoint(host).startswith("https://")
    with suppress(ValueError):
        assert origin(origin(host)) == origin(host)


def draw_value(draw: random.Random) -> Any:
    return text_of(draw.choice(SAID), draw) if draw.random() < 0.7 else json_of(draw.choice(VALUES), draw)


def check_value(value: Any) -> None:
    for convert in CONVERT:
        orjson.dumps(convert(value), default=repr)
    without_values(value)
    if isinstance(value, str):
        assert "mira@example.com" not in masked(value)


def draw_query(draw: random.Random) -> dict[str, str]:
    asked = {
        "cursor": "1795435200000-1.12.summer-hub.settled:3", "limit": "50", "since": "2026-01-31T09:00:00Z",
        "reason": "refused", "state": "dead", "integration": "summer-hub", "event": "x", "until": "2026-02-01T00:00:00",
    }  # fmt: skip
    return {name: text_of(value, draw) for name, value in asked.items() if draw.random() < 0.6}


def check_query(asked: dict[str, str]) -> None:
    for schema in (SubmissionQuery(), LetterQuery()):
        with suppress(ValidationError):
            schema.load(asked)
    with suppress(ValueError):
        place = read_cursor(asked.get("cursor"))
        assert place is None or read_cursor(write_cursor(place)) == place
    read_span({"span": "own", "from": asked.get("since", ""), "until": asked.get("until", "")}, NOON)


def draw_asked(draw: random.Random) -> Any:
    who = {"kind": draw.choice(KINDS), "value": "mira@example.com", "alias_label": "email"}
    chosen = {"filter": {"integration": "a", "since": "2026-01-31", "identifier": who}, "rate": 5, "dry_run": True}
    seeds: tuple[Any, ...] = (who, chosen, {"ids": ["a"], "events_not_older_than_hours": 3}, {"text": "x", "limit": 3})
    return json_of(draw.choice(seeds), draw)


def check_asked(asked: Any) -> None:
    for schema in (PersonToForget(), LettersToReplay(), SubmissionSearch()):
        with suppress(ValidationError):
            schema.load(asked)


def draw_form(draw: random.Random) -> tuple[list[tuple[str, str]], str]:
    rule = orjson.dumps(json_of(draw.choice(DOCUMENT["attributes"] + DOCUMENT["events"]), draw)).decode()
    lists = ("attributes", "events", "subscriptions", "sends", "when")
    controls = (
        "what",
        "source",
        "attribute",
        "type",
        "name",
        "when.0.path",
        "when.0.wanted",
        "properties.0.name",
        "kind",
    )
    sent = [(f"{name}.{at}.rule", text_of(rule, draw)) for name in lists for at in range(2)]
    names = [f"{draw.choice(lists)}.{draw.randrange(2)}.{draw.choice(controls)}" for _ in range(6)]
    sent += [(text_of(name, draw), str(draw.choice(VALUES))) for name in names]
    button = " ".join(
        draw.choice(("add", "up", "remove-part", "map-all", "events", "0", "when", *NAMES)) for _ in "abc"
    )
    return sent, button


def check_form(given: tuple[list[tuple[str, str]], str]) -> None:
    rows = read_rows(given[0])
    press(rows, given[1], [])
    rules_of(rows)
    rows_of(rules_of(rows))


SEAL = Seal(["wJ2r8vQxT5nLk0ZbYd7uHs3PfGm9Ac4E"])
RECORD = {
    "document": orjson.dumps({**DOCUMENT, "braze": {**DOCUMENT.get("braze", {}), "workspace": "a"}}).decode(),
    "version": "3", "created_at": "2026-01-01T00:00:00+00:00", "updated_at": "2026-01-01T00:00:00+00:00",
    "revision": "a", "webhook_secret": SEAL.close("whsec_x"), "url_key": SEAL.close("a"), "api_key": SEAL.close("k"),
}  # fmt: skip


def draw_record(draw: random.Random) -> dict[str, str]:
    return {name: text_of(value, draw) if draw.random() < 0.3 else value for name, value in RECORD.items()}


def check_record(fields: dict[str, str]) -> None:
    try:
        stored = read_record(fields, SEAL, {})
    except UnreadableRecord:
        return
    with suppress(SealBroken):
        assert all(stored.webhook_secrets)
    stored.shown("https://komo.example.org")
    assert stored.has_key in (True, False)


TARGETS = (
    Target("paths and formats", draw_path, check_path, 25),
    Target("values", draw_value, check_value, 25),
    Target("queries", draw_query, check_query, 5),
    Target("requests of the API", draw_asked, check_asked, 5),
    Target("forms", draw_form, check_form, 10),
    Target("records", draw_record, check_record, 15),
)
