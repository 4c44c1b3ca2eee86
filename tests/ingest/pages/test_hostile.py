"""Every page, over a store full of what strangers may have typed."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from ingest.pages.drawing import pretty
from ingest.problems import is_for_programs
from tests.hostile import ANSWER, EMAIL, FIRST_NAME, LONG, MARKUP, PERSONAL, RULES, SCRIPT, Markup, Planted, plant
from tests.ingest.pages.komo import arrives, work
from tests.visitor import Visitor, tags, words
from workers.store import Stores

#: Bytes of a page.
MOST_BYTES = 1_000_000
#: What each rule may add to them, whose editor shows all of them.
MOST_BYTES_OF_A_RULE = 8_000
#: What these pages show of what people typed was asked for: the editor is about values, and so is `?show=values`.
SHOWING = ("fields.", "show=values")

Visit = Callable[[Visitor, Planted], Iterator[TestResponse]]
#: Route -> a visit to whatever it may answer with.
VISITS: dict[str, Visit] = {}


def visits(*routes: str) -> Callable[[Visit], Visit]:
    def keep(visit: Visit) -> Visit:
        VISITS.update(dict.fromkeys(routes, visit))
        return visit

    return keep


def opened(route: str, *paths: str) -> None:
    """A route that is visited by opening addresses; `{}` stands for an integration, `[]` for a submission."""

    @visits(route)
    def visit(visitor: Visitor, planted: Planted) -> Iterator[TestResponse]:
        for path in paths:
            for one in (planted.integration, planted.draft, planted.paused) if "{}" in path else ("",):
                for other in planted.submissions if "[]" in path else ("",):
                    yield visitor.open(path.replace("{}", one).replace("[]", other))


opened("GET overview.show", "/", "/?fragment=1", f"/?q={SCRIPT}", "/?page=9999999999999999999999", "/?q=%ED%A0%80%00")
opened("GET connect.new", "/integrations/new")
opened("GET integration.show", "/integrations/{}", "/integrations/{}?fragment=1", "/integrations/%00%ED%A0%80<script>")
opened("GET settings_name.show", "/integrations/{}/name")
opened("GET settings_komo.show", "/integrations/{}/komo", "/integrations/{}/komo?fragment=1")
opened("GET settings_braze.show", "/integrations/{}/braze")
opened("GET settings_people.show", "/integrations/{}/people")
opened("GET settings_json.show", "/integrations/{}/json")
opened("GET fields.show", "/integrations/{}/fields", "/integrations/{}/fields?everything=1")
opened(
    "GET activity.show", "/activity", "/activity?fragment=1", f"/activity?card={MARKUP}&event={MARKUP}",
    "/activity?cursor=x", f"/activity?integration={MARKUP}&time=own&from={SCRIPT}&zone={SCRIPT}",
    f"/activity?who={EMAIL}&text=quokka&state={SCRIPT}",
)  # fmt: skip
opened(
    "GET submissions_page.show", "/submissions/[]", "/submissions/[]?fragment=1", "/submissions/[]?show=values",
    "/submissions/[]?show=values&all=yes", f"/submissions/{SCRIPT}", "/submissions/%00",
)  # fmt: skip
opened(
    "GET dead_letters_page.show", "/dead-letters", "/dead-letters?integration=hostile&reason=refused",
    f"/dead-letters?integration={MARKUP}", "/dead-letters?cursor=x", f"/dead-letters?time=own&until={SCRIPT}",
)  # fmt: skip
opened("GET jobs_page.show_latest", "/jobs", "/jobs?fragment=1")
opened("GET people_page.ask", "/people/forget", "/people/forget?submission=[]", f"/people/forget?submission={SCRIPT}")
opened(
    "GET figures.show",
    "/figures",
    "/figures?integration=hostile&span=day",
    "/figures?fragment=1",
    f"/figures?span={SCRIPT}",
)
opened("GET figures.part", "/figures/part?integration=hostile", f"/figures/part?integration={SCRIPT}")
opened("GET api_docs.show", "/api/docs")
opened("GET door.sign_in", "/sign-in", f"/sign-in?next={SCRIPT}")


@visits("GET jobs_page.show", "POST jobs_page.stop")
def jobs(visitor: Visitor, planted: Planted) -> Iterator[TestResponse]:
    for job in planted.jobs:
        yield visitor.open(f"/jobs/{job}")
        yield visitor.open(f"/jobs/{job}?fragment=1")
    yield visitor.open(f"/jobs/{SCRIPT}")
    yield visitor.send(f"/jobs/{planted.jobs[1]}", f"/jobs/{planted.jobs[1]}/stop")


@visits("POST activity.search")
def search(visitor: Visitor, planted: Planted) -> Iterator[TestResponse]:
    for sought in (
        {"text": SCRIPT},
        {"who": MARKUP},
        {"card": MARKUP, "event": MARKUP},
        {"time": "own", "from": MARKUP},
    ):
        given: Any = sought
        yield visitor.send("/activity", **given)


@visits("POST dead_letters_page.choose", "POST dead_letters_page.replay", "POST dead_letters_page.discard")
def choose(visitor: Visitor, planted: Planted) -> Iterator[TestResponse]:
    for action in ("replay", "discard", "replay-all", "discard-all"):
        yield visitor.send("/dead-letters", "/dead-letters/choose", do=action, ids=[planted.dead])
    yield visitor.send("/dead-letters", "/dead-letters/choose", do="replay", ids=[MARKUP, planted.dead])
    for action in ("replay", "discard"):
        wrong: Any = {"ids": [planted.dead], "rate": MARKUP, "hours": SCRIPT, "as_of": SCRIPT}
        yield visitor.send("/dead-letters", f"/dead-letters/{action}", **wrong)
        yield visitor.send("/dead-letters", f"/dead-letters/{action}", ids=[planted.dead], reason=SCRIPT)
    yield visitor.send("/dead-letters", "/dead-letters/discard", ids=[planted.dead])


@visits("POST people_page.forget")
def forget(visitor: Visitor, planted: Planted) -> Iterator[TestResponse]:
    yield visitor.send("/people/forget", kind=SCRIPT, value=MARKUP, alias_label=MARKUP)
    yield visitor.send("/people/forget", kind="user_alias", value=MARKUP, alias_label=MARKUP)
    yield visitor.send("/people/forget", "/people/forget", submission=planted.dead)
    yield visitor.send("/people/forget", "/people/forget", submission=planted.dead, sure="yes")


@visits("POST connect.start", "POST settings_name.save")
def names(visitor: Visitor, planted: Planted) -> Iterator[TestResponse]:
    yield visitor.send("/integrations/new", name=MARKUP, address=MARKUP, region=SCRIPT)
    yield visitor.send("/integrations/new", name=MARKUP, address="another")
    for name in (MARKUP * 10, MARKUP):
        yield visitor.send(f"/integrations/{planted.integration}/name", name=name)
    yield visitor.send(f"/integrations/{planted.integration}/name", name=MARKUP, version="1", region=SCRIPT)


@visits("POST settings_komo.save", "POST settings_komo.rotate", "POST settings_komo.retire")
def komo(visitor: Visitor, planted: Planted) -> Iterator[TestResponse]:
    for one in (planted.integration, planted.draft):
        page = f"/integrations/{one}/komo"
        yield visitor.send(page, site_ids=f"{MARKUP}\n{'x' * 10_000}", bearer=None, url_key=None, signature=None)
        yield visitor.send(page, card_ids=f"{MARKUP}\n{'x' * 10_000}", bearer="y")
        for secret in ("rotate", "retire"):
            yield visitor.send(page, f"/integrations/{one}/{secret}", which="webhook_secret")
        yield visitor.send(page, f"/integrations/{one}/rotate", which=SCRIPT, revision=SCRIPT)


@visits("POST settings_braze.save")
def braze(visitor: Visitor, planted: Planted) -> Iterator[TestResponse]:
    page = f"/integrations/{planted.integration}/braze"
    typed: Any = {"address": MARKUP, "instance": SCRIPT, "workspace": MARKUP, "key_from": MARKUP, "requests": SCRIPT}
    yield visitor.send(page, **typed)
    yield visitor.send(page, do="test", **typed)
    yield visitor.send(
        page, do="test", api_key="a-wrong-key", workspace=MARKUP, burst_requests="1", burst_per_seconds="1"
    )
    yield visitor.send(page, workspace=f"{MARKUP} here", instance=SCRIPT)


@visits("POST settings_people.save")
def people(visitor: Visitor, planted: Planted) -> Iterator[TestResponse]:
    page = f"/integrations/{planted.integration}/people"
    wrong: Any = {"rules-0-kind": "user_alias", "rules-0-field": f"{MARKUP}[", "rules-0-label": MARKUP * 10}
    yield visitor.send(page, **wrong)
    yield visitor.send(page, add="1", **wrong)
    yield visitor.send(page, **wrong | {"rules-0-kind": SCRIPT})
    yield visitor.send(page)


@visits("POST settings_json.save")
def document(visitor: Visitor, planted: Planted) -> Iterator[TestResponse]:
    page = f"/integrations/{planted.integration}/json"
    for text in (
        MARKUP,
        '"\ud83d"',
        "[" * 5_000,
        f'["{SCRIPT}"]',
        '{"name": 7, "<script>": 1, "events": [{"name": "$<b>"}]}',
    ):
        yield visitor.send(page, text=text.encode("utf-8", "surrogatepass"))
    yield visitor.send(page)


@visits("POST fields.change", "POST fields.preview")
def editor(visitor: Visitor, planted: Planted) -> Iterator[TestResponse]:
    page = f"/integrations/{planted.integration}/fields"
    for button in ("preview", "map-all", "everything", f"map {MARKUP}", f"add {SCRIPT}", "save"):
        yield visitor.send(page, do=button)
    what, name = f"{MARKUP}[", f"${MARKUP}"
    wrong: Any = {"attributes.0.what": what, "attributes.0.attribute": name, "attributes.0.type": SCRIPT}
    for button in ("preview", "save"):
        yield visitor.send(page, do=button, **wrong)
    yield visitor.send(
        page, do="use-sample", sample=f'{{"{SCRIPT}": "\\ud83d", "event": "{SCRIPT}"}}', submission="sample"
    )
    yield visitor.send(page, do="use-sample", sample=f"{MARKUP} [")
    yield visitor.send(page, f"{page}/preview", submission=planted.played, **wrong)
    yield visitor.send(f"/integrations/{planted.draft}/fields", do="map-all")


@visits("POST integration.pause", "POST integration.resume", "POST integration.finish", "POST integration.delete")
def changes(visitor: Visitor, planted: Planted) -> Iterator[TestResponse]:
    for one in (planted.integration, planted.draft, planted.paused):
        page = f"/integrations/{one}"
        yield visitor.send(page, f"{page}/delete", id=MARKUP)
        yield visitor.send(page, f"{page}/delete", id=one)
        for what in ("pause", "resume", "finish"):
            yield visitor.send(page, f"{page}/{what}")
        yield visitor.send(page, f"{page}/delete", id=one, discard="y")


@visits("POST door.try_password", "POST door.sign_out", "POST door.choose_language")
def door(visitor: Visitor, planted: Planted) -> Iterator[TestResponse]:
    yield visitor.send("/activity", "/language", language=SCRIPT, next=f"//{SCRIPT}")
    yield visitor.send("/activity", "/language", language="pt", next="/dead-letters")
    yield visitor.send("/activity", "/sign-out")
    yield visitor.send(f"/sign-in?next={SCRIPT}", password=MARKUP)


def routes(app: Flask) -> set[str]:
    """Every route that answers a person."""
    return {
        f"{method} {rule.endpoint}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not (is_for_programs(rule.rule) or rule.endpoint.endswith("static") or rule.endpoint.startswith("health."))
    }


@pytest.fixture
def planted(stores: Stores) -> Planted:
    return plant(stores)


def test_every_route_is_visited(app: Flask) -> None:
    """Whoever adds a page says here how to get to it."""
    assert routes(app) == VISITS.keys()


@pytest.mark.parametrize("store_connection", ["fakeredis"], indirect=True)
@pytest.mark.parametrize("route", VISITS)
def test_nothing_that_strangers_typed_becomes_part_of_a_page(
    route: str, app: Flask, visitor: Visitor, planted: Planted, caplog: pytest.LogCaptureFixture
) -> None:
    """Not as markup, not as an address, not in a log, not in a cookie, and not in heaps; and no page breaks over it."""
    caplog.set_level(logging.DEBUG)
    for page in VISITS[route](visitor, planted):
        where = f"{page.request.method} {page.request.full_path} {page.status_code}"
        read = Markup(page.text)
        assert read.strange == [], where
        assert read.turned == [], where
        assert page.status_code < 500, where
        assert len(page.data) < MOST_BYTES + page.text.count("data-row ") * MOST_BYTES_OF_A_RULE, where
        typed = "" if any(one in f"{route} {where}" for one in SHOWING) else page.text
        kept = [*read.addresses, read.title, typed, _session(app, visitor), *map(_told, caplog.records)]
        asked = "/activity?who=" in where  # a person wrote this address by hand, and it leads back to itself
        assert [(one, text[:300]) for one in PERSONAL for text in kept if one in text and not asked] == [], where


def _session(app: Flask, visitor: Visitor) -> str:
    cookie = visitor.client.get_cookie("komo_braze")
    reader = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    return str(reader.loads(cookie.value)) if cookie else ""


def _told(record: logging.LogRecord) -> str:
    return f"{record.getMessage()} {vars(record)}"


@pytest.mark.parametrize("store_connection", ["fakeredis"], indirect=True)
def test_what_is_hostile_is_still_shown_as_it_is(visitor: Visitor, planted: Planted) -> None:
    """Escaping must not become hiding: a person reads exactly what was typed."""
    told = words(visitor.open(f"/submissions/{planted.dead}?show=values"))
    for expected in (FIRST_NAME, EMAIL, SCRIPT, pretty(ANSWER), " ".join(LONG.split())):
        assert expected in told, expected
    assert RULES["name"] in words(visitor.open("/"))
    assert "field_199" in told


@pytest.mark.parametrize("store_connection", ["fakeredis"], indirect=True)
def test_the_largest_body_makes_no_large_page_until_somebody_wants_all_of_it(
    visitor: Visitor, stores: Stores, planted: Planted
) -> None:
    """A megabyte in the smallest members is many times that with the spaces and signs of a page."""
    one = arrives(stores, 5, planted.integration, many=["\u05d0"] * 100_000, quotes='"' * 100_000)
    for address in (f"/submissions/{one}", f"/submissions/{one}?show=values"):
        assert len(visitor.open(address).data) < MOST_BYTES

    page = visitor.open(f"/submissions/{one}?show=values")
    (whole, *_) = [link["href"] for link in tags(page, "a") if (link["href"] or "").endswith("all=yes")]
    assert pretty('"' * 100_000) in words(visitor.open(str(whole)))


@pytest.mark.parametrize("store_connection", ["fakeredis"], indirect=True)
def test_forgetting_somebody_ends_well_whatever_they_are_called(
    visitor: Visitor, stores: Stores, planted: Planted
) -> None:
    """The one page about a person that must never name them."""
    begun = visitor.send("/people/forget", "/people/forget", follow=False, submission=planted.dead, sure="yes")
    work(stores, begun.location.rpartition("/")[2])

    page = visitor.open(begun.location)

    assert "Nothing is kept here about that person any more." in words(page)
    assert not any(one in page.text for one in PERSONAL)
