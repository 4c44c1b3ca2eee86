"""A store full of what the public may type, and what Braze may answer: markup, other directions, odd signs, heaps."""

from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from typing import Any

import orjson

from schemas.integration import Integration
from tests.factories import a_document
from tests.ingest.pages.komo import arrives
from tests.letters import bury
from workers.store import Stores
from workers.store.keys import own

SCRIPT = "<script>alert(1)</script>"
PICTURE = '"><img src=x onerror=alert(2)>'
#: Turns everything behind it around until something ends it; the tail says how far that may reach.
TAIL = "gnorw"
TURNED = f"\u202e{TAIL}"
HEBREW, ARABIC = "כרטיס הקיץ", "مركز الصيف"
ODD = "a\u0000b \u001b[31mred\u001b[0m \U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f1f5\U0001f1f9"
MARKUP = f"{SCRIPT}{PICTURE}{TURNED}"

#: What people have typed: in a masked page none of it may be found.
FIRST_NAME, PHONE, ANSWER = f"Zebedee{SCRIPT}", "+61491570156", f"quokka {PICTURE} {HEBREW}"
EMAIL, MEMBER = "zebedee@wombat.example", "wombat-4711"
PERSONAL = ("Zebedee", "zebedee@", "491570156", "quokka", "wombat")
LONG, LONG_KEY = "ten thousand " * 770, f"key {HEBREW} " + "k" * 480

RULES: dict[str, Any] = {
    "id": "hostile", "name": f"{MARKUP} {HEBREW}"[:200],
    "identifiers": [
        {"kind": "user_alias", "field": "email", "alias_label": f"label {SCRIPT}"},
        {"kind": "external_id", "field": f'fields["{SCRIPT}"]'},
    ],
    "attributes": [
        {"field": "first_name", "attribute": f"name {SCRIPT}{TURNED}"},
        {"field": f'fields["{LONG_KEY}"]', "attribute": ARABIC},
        {"question": f"{SCRIPT} {HEBREW}?", "attribute": "favourite"},
        {"value": f"{MARKUP} {ODD}", "attribute": "constant", "when": {"card.name": [MARKUP, None]}},
        {"field": "born", "attribute": f"born{TURNED}", "type": "date"},
    ],
    "subscriptions": [{"field": "optin", "kind": "email", "when_yes": "opted_in", "when_no": None}],
    "events": [
        {"name": f"played {MARKUP}", "properties": {f"card {SCRIPT}": "card.name", "prize": "prize.name"}},
        {"name": "answered", "for_each": "answers", "properties": {"what": "question"}},
    ],
    "sends": [{"kind": "campaign", "id": "b3c5ccd1-1df7-4fd9-a5c7", "trigger_properties": {PICTURE: "card.name"}}],
    "accept": {"site_ids": [], "card_ids": [], "events": [f"never {MARKUP}"], "when": {}},
}  # fmt: skip
#: What Komo may post; every event is one that the rules do not filter.
BODY: dict[str, Any] = {
    "event": f"never {MARKUP}", "card_id": f"c {PICTURE}", "card_name": MARKUP, "site_id": f"s {SCRIPT}",
    "site_name": f"{ARABIC} {TURNED}", "prize_name": f"{SCRIPT} {HEBREW}", "email": EMAIL, "first_name": FIRST_NAME,
    "mobile": PHONE, "member_id": MEMBER, "born": f"quokka {SCRIPT}", "odd": ODD, "long": f"quokka {LONG}",
    LONG_KEY: ANSWER, SCRIPT: f"wombat {SCRIPT}", PICTURE: f"wombat {ARABIC}", HEBREW: f"quokka {ARABIC}{TURNED}",
    "deep": None, f"question {SCRIPT}": ANSWER,
    **{f"field_{number} {SCRIPT if number % 9 else HEBREW}": f"quokka {PICTURE} {number}" for number in range(200)},
}  # fmt: skip
#: The other way in which Komo tells, with questions.
PLAYED: dict[str, Any] = {
    "id": None, "event": None, "site_id": None, "site_name": None, "card_id": None, "card_name": None, "email": EMAIL,
    "trigger": f"never {MARKUP}", "card": {"id": PICTURE, "name": f"{HEBREW} {TURNED}", "type": SCRIPT},
    "site": {"id": SCRIPT, "name": MARKUP},
    "answers": [{"question": f"{SCRIPT} {HEBREW}?", "answer": ANSWER}, {"question": "q" * 9_000, "answer": "quokka"}],
}  # fmt: skip
BRAZE_SAYS = f"<html><body onload=alert(3)><h1>No</h1>{MARKUP} No date.</body></html>"[:500]

#: Braze may quote what it was sent.
ANSWERED = f"{BRAZE_SAYS} The name {FIRST_NAME} is no name."


@dataclass(frozen=True)
class Planted:
    """Addresses of what was planted."""

    integration: str
    draft: str
    paused: str
    waits: str
    played: str
    dead: str
    jobs: tuple[str, str]

    @property
    def submissions(self) -> tuple[str, ...]:
        return self.waits, self.played, self.dead


def plant(stores: Stores) -> Planted:
    """Fill an empty store."""
    stores.integrations.save(a_document(**RULES), by=f"api {MARKUP}")
    stores.integrations.save_draft({"id": "draft", "name": RULES["name"]}, by="page")
    stores.integrations.save(a_document(**RULES | {"id": "paused", "name": f"{HEBREW} {TURNED}"}), by="page")
    waits = arrives(stores, 1, "hostile", **BODY, deeper=_nested(28))
    played = arrives(stores, 2, "hostile", **PLAYED)
    for integration_id in ("draft", "paused"):
        arrives(stores, 3, integration_id, **BODY)
    stores.connection.hset(
        f"{own(_integration(stores, 'paused'))}:state", mapping={"paused": "braze", "paused_because": BRAZE_SAYS}
    )
    lane = f"{own(_integration(stores, 'hostile'))}:lane:"
    tried: dict[Any, Any] = {"paused_because": BRAZE_SAYS, "problem": BRAZE_SAYS, "problem_of": PICTURE}
    stores.connection.hset(f"{lane}campaign", mapping=tried)
    return Planted("hostile", "draft", "paused", waits, played, _bury(stores), _jobs(stores))


def _nested(levels: int) -> Any:
    return {f"<b>{levels}": _nested(levels - 1)} if levels else f"quokka {MARKUP}"


def _integration(stores: Stores, integration_id: str) -> Integration:
    return stores.integrations.get(integration_id).integration


def _bury(stores: Stores) -> str:
    attempts = [
        {"at": 1_795_435_200_000, "status": status, "answer": ANSWERED, "duration_ms": 12, "objects": 2}
        for status in (503, 400)
    ]
    details = {
        "status": 400, "answer": ANSWERED, "number": 2, "attempts": attempts,
        "warnings": [f"name {SCRIPT}{TURNED}: not_a_date", f"{ARABIC}: too_long"],
    }  # fmt: skip
    body = {"id": "k9", **BODY}
    return bury(stores.connection, _integration(stores, "hostile"), MEMBER, 9, details=details, raw=orjson.dumps(body))


def _jobs(stores: Stores) -> tuple[str, str]:
    """One that is over and one that was never begun, both about somebody."""
    letters = {"filter": {"text": "quokka", "identifier": {"kind": "email", "value": EMAIL, "alias_label": None}}}
    over = stores.jobs.keep_finished("discard", letters, {"skipped": {"gone": 1}}, by=MARKUP, matched=3)
    asked = stores.jobs.create("forget", {"kind": "email", "value": EMAIL}, by="page")
    stores.connection.hset(f"komo:job:{over.id}", mapping={"state": "failed", "why": MARKUP})
    return over.id, asked.id


class Markup(HTMLParser):
    """Reads a page, and collects what only somebody else can have put there."""

    #: What our templates are made of.
    KNOWN = frozenset({
        "a", "aside", "bdi", "blockquote", "body", "br", "button", "circle", "code", "datalist", "dd", "desc",
        "details", "div", "dl", "dt", "fieldset", "figcaption", "figure", "form", "g", "h1", "h2", "h3", "head",
        "header", "html", "img", "input", "label", "legend", "li", "line", "link", "main", "meta", "meter", "nav",
        "noscript", "ol", "option", "p", "path", "pre", "progress", "q", "rect", "script", "section", "select",
        "span", "strong", "summary", "svg", "table", "tbody", "td", "template", "text", "textarea", "th", "thead",
        "time", "title", "tr", "ul", "use",
    })  # fmt: skip
    ADDRESSES = ("href", "src", "action", "formaction", "data-refresh", "data-preview", "xlink:href")
    _VOID = frozenset({"br", "img", "input", "link", "meta", "use", "path", "rect", "line", "circle"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.strange: list[str] = []
        self.addresses: list[str] = []
        self.title = ""
        #: Of our own words, those that stand behind a sign that turns them around.
        self.turned: list[str] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag not in self.KNOWN or (tag == "img" and found.get("src") != "/static/icon.svg"):
            self.strange.append(f"<{tag} {found}>")
        if tag == "script" and not (found.get("src") or "").startswith(("/static/", "/api/docs/assets/")):
            self.strange.append(f"<{tag} {found}>")
        self.strange += [f"{tag} {name}" for name in found if name.startswith("on") or name in ("style", "srcdoc", "x")]
        self.addresses += [value or "" for name, value in found.items() if name in self.ADDRESSES]
        for name in ("aria-label", "title", "alt"):
            self._look_for_turned(f"{tag} {name}", found.get(name) or "", is_apart=False)
        if tag not in self._VOID:
            self._open.append((tag, found))

    def handle_endtag(self, tag: str) -> None:
        while self._open and tag not in self._VOID and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        tag, found = self._open[-1] if self._open else ("", {})
        if tag == "title":
            self.title += data
        if tag == "script" and data.strip():
            self.strange.append(data)
        if tag != "textarea":
            self._look_for_turned(tag, data, is_apart=tag == "bdi" or "dir" in found)

    def _look_for_turned(self, where: str, text: str, *, is_apart: bool) -> None:
        before, turned, rest = text.partition("\u202e")
        while turned:
            is_inside = is_apart or before.count("\u2068") > before.count("\u2069")
            behind = rest.partition("\u2069")[0].strip().removeprefix(TAIL).strip('"… ')
            own_words = behind and not behind.startswith((HEBREW[:1], "?")) and not is_hostile(behind)
            if not is_inside or own_words:
                self.turned.append(f"{where}: {text[:200]!r}")
            more, turned, rest = rest.partition("\u202e")
            before += more


def is_hostile(text: str) -> bool:
    """Whether a text is of those that are planted here, and not our own words."""
    planted = orjson.dumps([RULES, BODY, PLAYED, BRAZE_SAYS, ANSWERED]).decode()
    return orjson.dumps(text).decode()[1:-1] in planted or unescape(text) in planted
