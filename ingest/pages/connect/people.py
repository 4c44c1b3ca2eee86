"""The fourth step: how Braze finds the person that a submission is about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

from flask import Blueprint, request
from werkzeug.wrappers import Response as AnyResponse
from wtforms import FieldList, Form, FormField, SelectChoice, SelectField, StringField

from ingest.context import context
from ingest.pages.connect.saving import StepForm, save_and_go_on, show_step
from ingest.pages.door import guarded
from ingest.pages.language import _, later
from ingest.pages.recent import as_mappings_see, newest
from ingest.pages.sentences import in_words
from schemas.integration import Integration
from schemas.integration_warnings import warnings_about
from schemas.mapping import IdentifierRule
from schemas.paths import format_path, parse_path
from schemas.submission import Submission
from workers.errors import BadIdentifier
from workers.identify import identify
from workers.store.integration_record import StoredIntegration

blueprint = guarded(Blueprint("settings_people", __name__))

KINDS = {
    "external_id": later("Your own customer number (external_id)"),
    "user_alias": later("An alias: a second name of a profile (user_alias)"),
    "email": later("The e-mail address (email)"),
    "phone": later("The phone number (phone)"),
    "braze_id": later("Braze's own number of a profile (braze_id)"),
}
MOST_RULES = 20
MOST_SUGGESTED = 60
#: What forms often call the fields that name a person, for as long as nothing has arrived.
COMMON = ("email", "mobile", "phone", "member_id", "customer_id", "contact.id", "profile.id", "user.id")
#: Paths under which these ids are found, beside the fields.
IDS = (("contact", "id"), ("profile", "id"), ("user", "id"))


@dataclass(frozen=True, slots=True)
class Count:
    """What a rule, or all of them, would make of the submissions that were looked at."""

    identified: int
    unusable: int
    of: int


class RuleForm(Form):
    """One rule, a row."""

    kind = SelectField(later("As what Braze knows them"), choices=[SelectChoice(*one) for one in KINDS.items()])
    field = StringField(later("Field"), render_kw={"list": "known-fields", "autocomplete": "off", "dir": "auto"})
    label = StringField(later("Label of the alias"))


class PeopleForm(StepForm):
    """Rules in the order in which they are tried."""

    PLACES: ClassVar[Mapping[str, str]] = {}

    rules = FieldList(FormField(RuleForm), max_entries=MOST_RULES)

    def given(self) -> list[tuple[Any, dict[str, Any]]]:
        """Rows that name a field, each with the rule that it means."""
        return [(row, _rule(row.data)) for row in self.rules if (row.data["field"] or "").strip()]

    def field_at(self, pointer: str) -> Any:
        """The place in the list is that among the rows that name a field."""
        steps = pointer.split("/")
        if len(steps) < 3 or steps[1] != "identifiers" or not steps[2].isdecimal():
            return None
        row = self.given()[int(steps[2])][0].form
        return {"kind": row.kind, "alias_label": row.label}.get(steps[-1], row.field)

    def rearrange(self) -> bool:
        """Do what a button in the list asks for; False if none was pressed."""
        rows: list[dict[str, Any]] = [dict(row.data) for row in self.rules]
        pressed = next((name for name in ("add", "remove", "up", "down") if name in request.form), None)
        if pressed is None:
            return False
        at = request.form[pressed]
        if pressed == "add" and len(rows) < MOST_RULES:
            rows.append({"kind": "user_alias", "field": "", "label": "email"})
        elif at.isascii() and at.isdecimal() and len(at) < 4 and int(at) < len(rows):
            _move(rows, pressed, int(at))
        self.rules.process(None, rows)
        return True


@blueprint.get("/integrations/<integration_id>/people")
def show(integration_id: str) -> AnyResponse:
    """The rules, and what they would make of what has arrived lately."""
    stored = context().stores.integrations.get(integration_id)
    rows = [
        {"kind": rule["kind"], "field": rule["field"], "label": rule.get("alias_label", "")}
        for rule in stored.document["identifiers"]
    ]
    first = [{"kind": "user_alias", "field": "email", "label": "email"}]
    return _page(stored, PeopleForm(data={"version": stored.version, "rules": rows or first}))


@blueprint.post("/integrations/<integration_id>/people")
def save(integration_id: str) -> AnyResponse:
    """Save the rules, or only change the rows."""
    stored, form = context().stores.integrations.get(integration_id), PeopleForm()
    if form.rearrange():
        return _page(stored, form)
    if not form.validate():
        return _page(stored, form, 422)
    rules = [rule for _row, rule in form.given()]
    if not rules:
        form.top.append(_("Give one rule at least: without it nobody can be found in Braze."))
        return _page(stored, form, 422)
    document = {**stored.document, "identifiers": rules}
    return save_and_go_on(stored, "people", form, document, partial(_page, stored, form))


def _page(stored: StoredIntegration, form: PeopleForm, status: int = 200) -> AnyResponse:
    stores = context().stores
    seen = as_mappings_see(newest(stored.integration, stores))
    rules = [_parsed(_rule(row.data)) for row in form.rules]
    ledger = stores.ledger.read(stored.integration)
    whole = [rule for rule in rules if rule]
    return show_step(
        stored, "people", form, status,
        counts=[_count(seen, stored.integration, [rule]) if rule and seen else None for rule in rules],
        total=_count(seen, stored.integration, whole) if whole and seen else None,
        known_fields=_fields(seen), waiting=ledger["waiting"] + ledger["held"], can_add=len(rules) < MOST_RULES,
        hold_hours=context().settings.hold_hours, cautions=_cautions(stored),
    )  # fmt: skip


def _rule(row: Mapping[str, Any]) -> dict[str, Any]:
    """A rule of the document; only an alias has a label."""
    kind, field = row["kind"] or "", (row["field"] or "").strip()
    label = {"alias_label": (row["label"] or "").strip()} if kind == "user_alias" else {}
    return {"kind": kind, "field": field, **label}


def _parsed(rule: Mapping[str, Any]) -> IdentifierRule | None:
    try:
        path = parse_path(rule["field"])
    except ValueError:
        return None
    return IdentifierRule(rule["kind"], path, rule.get("alias_label")) if rule["kind"] in KINDS else None


def _count(seen: Sequence[Submission], integration: Integration, rules: Sequence[IdentifierRule]) -> Count:
    tried, identified, unusable = replace(integration, identifiers=tuple(rules)), 0, 0
    for one in seen:
        try:
            identified += identify(one, tried) is not None
        except BadIdentifier:
            unusable += 1
    return Count(identified, unusable, len(seen))


def _fields(seen: Sequence[Submission]) -> list[str]:
    """Paths that may name a person: fields of what has arrived, most frequent first, and ids; else the usual ones."""
    found: dict[str, int] = {}
    for one in seen:
        paths = [("fields", key) for key in one.sections["fields"]] + [path for path in IDS if path[0] in one.sections]
        for path in paths:
            text = format_path(path)
            found[text] = found.get(text, 0) + 1
    frequent = sorted(found, key=lambda text: (-found[text], text))
    return frequent[:MOST_SUGGESTED] if frequent else list(COMMON)


def _cautions(stored: StoredIntegration) -> list[str]:
    found = warnings_about({"attributes": [], "events": [], **stored.document})
    return [in_words(one.detail) for one in found if one.pointer.startswith("/identifiers/")]


def _move(rows: list[dict[str, Any]], what: str, at: int) -> None:
    if what == "remove":
        del rows[at]
        return
    other = at + (1 if what == "down" else -1)
    if 0 <= other < len(rows):
        rows[at], rows[other] = rows[other], rows[at]
