"""In which language somebody reads, and that they read no other."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
import redis
from flask import Flask

from ingest.pages.language import spoken
from ingest.problems import is_for_programs
from tests.ingest.pages.komo import arrives, connect
from tests.letters import bury
from tests.visitor import Visitor
from workers.store import Stores

#: Words that hardly any English sentence does without, and no Portuguese one has.
ENGLISH = re.compile(
    r"\b(?:about|after|again|and|are|before|been|by|can|cannot|could|does|every|from|has|have|how|if|into|is|its?|"
    r"needs?|not|nothing|of|only|or|other|so|than|that|the|their|them|then|there|these|they|this|to|until|was|what|when|"
    r"where|which|who|why|will|with|without|would|yes|you|your)\b",
    re.IGNORECASE,
)
#: What is the same in every language: code, and what people have typed.
_OTHERS = ("code", "pre", "textarea", "bdi", "script", "style", "template")
#: Elements without an end.
_VOID = ("br", "col", "hr", "img", "input", "link", "meta", "source", "wbr")
#: Texts that stand in attributes.
_SPOKEN = ("alt", "aria-label", "data-ask", "data-lost", "data-words", "placeholder", "title")


class _Listener(HTMLParser):
    """Hears what the pages themselves say."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._others: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.said += [found[name] or "" for name in _SPOKEN if name in found and not self._others]
        is_other = tag in _OTHERS or "dir" in found or found.get("lang", "pt-BR") != "pt-BR"
        if tag not in _VOID and (is_other or self._others):
            self._others.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._others and tag in self._others:
            while self._others.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self._others:
            self.said.append(" ".join(data.split()))


def english(html: str) -> list[str]:
    """Texts of a page that somebody who chose Portuguese would not read in it."""
    listener = _Listener()
    listener.feed(html)
    return [said for said in listener.said if ENGLISH.search(said)]


@pytest.fixture
def leitora(visitor: Visitor) -> Visitor:
    """Somebody who is signed in and reads Portuguese."""
    assert visitor.send("/", "/language", language="pt").status_code == 200
    return visitor


@pytest.fixture
def places(stores: Stores, store_connection: redis.Redis) -> list[dict[str, str]]:
    """What may stand in the addresses of pages: an integration with everything, a draft, something unknown."""
    connect(stores)
    integration = stores.integrations.get("summer-hub").integration
    letter = bury(store_connection, integration, why="refused", details={"status": 400, "answer": "Nope"})
    held = arrives(stores, 1, email=None, contact_id="c-9")
    waiting = arrives(stores, 2)
    stores.integrations.save_draft({"id": "winter-hub", "name": "Winter hub"}, by="page")
    job = stores.jobs.create("replay", {"filter": {"integration": "summer-hub"}, "rate": 5}, by="page")
    return [
        {"integration_id": "summer-hub", "submission_id": letter, "job_id": job.id},
        {"integration_id": "winter-hub", "submission_id": held, "job_id": "none"},
        {"integration_id": "none", "submission_id": waiting, "job_id": job.id},
        {"integration_id": "none", "submission_id": "none", "job_id": "none"},
    ]


def _addresses(app: Flask, places: list[dict[str, str]]) -> set[str]:
    """Of every page, with every thing it may be about."""
    rules = [one for one in app.url_map.iter_rules() if "GET" in (one.methods or ()) and "path:" not in one.rule]
    pages = [one.rule for one in rules if not is_for_programs(one.rule) and not one.endpoint.startswith("health.")]
    assert len(pages) > 15
    return {page.replace("<", "{").replace(">", "}").format(**place) for page in pages for place in places}


def test_the_listener_hears_english_where_there_is_some(stranger: Visitor) -> None:
    """Else the tests below would find nothing, whatever the pages say."""
    page = stranger.open("/sign-in").text

    assert english(page.replace('<html lang="en"', '<html lang="pt-BR"'))


def test_no_page_speaks_two_languages(app: Flask, leitora: Visitor, places: list[dict[str, str]]) -> None:
    """A text that nobody marked for translation is English in the middle of a sentence."""
    heard = {}
    for address in sorted(_addresses(app, places)):
        page = leitora.open(address)
        assert '<html lang="pt-BR"' in page.text or "part" in address, address
        heard[address] = english(page.text)

    assert {address: said for address, said in heard.items() if said} == {}


@pytest.mark.parametrize(
    ("address", "filled"),
    [
        ("/integrations/new", {"name": "", "address": "Not an id"}),
        ("/integrations/summer-hub/json", {"document": "{}"}),
        ("/integrations/summer-hub/json", {"document": "no"}),
        ("/integrations/summer-hub/braze", {"dashboard": "https://example.org", "requests": "many"}),
        ("/integrations/summer-hub/komo", {"methods": None}),
        ("/integrations/summer-hub/people", {"do": "save", "rules-0-field": "1.2"}),
        ("/people/forget", {"value": ""}),
    ],
)
def test_what_is_wrong_is_told_in_the_same_language(
    leitora: Visitor, places: list[dict[str, str]], address: str, filled: dict[str, Any]
) -> None:
    """Where somebody is stuck, another language helps least."""
    page = leitora.send(address, **filled)

    assert english(page.text) == []


def test_a_reader_of_screens_is_told_which_portuguese_it_is() -> None:
    """They sound different enough to be hard to follow."""
    assert spoken("pt") == "pt-BR"
    assert spoken("en") == "en"
