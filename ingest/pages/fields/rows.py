"""
Rules as rows of a form, and back, without losing what a form can't show.

A row carries the rule that it was made of. Only a control that somebody changed writes to it, so constants keep their
types, and whatever has no control stays as it was. Pure.

Controls are called `<list>.<row>.<control>`, those of conditions and properties `<list>.<row>.when.<part>.<control>`;
the order of the rows is that in which a form sends them.
"""

import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from json import dumps
from typing import Any, Final

import orjson

from ingest.pages.fields.parts import Part, parts_after, parts_of, twice_among
from ingest.pages.fields.texts import same, show_source, source_of
from schemas.attribute_names import STANDARD_DATES
from schemas.body import is_deeper

Rule = dict[str, Any]

#: The lists of a document that have an editor.
LISTS: Final = ("attributes", "subscriptions", "events", "sends")
#: What a new row starts from: where a choice has no empty option, its first.
STARTERS: Final[Mapping[str, Rule]] = {
    "attributes": {},
    "subscriptions": {"kind": "email", "when_yes": "opted_in"},
    "events": {},
    "sends": {"kind": "campaign"},
}
#: Control to what it shows where its member is absent. `source` and `what` stand for field, question and value.
CONTROLS: Final[Mapping[str, Mapping[str, str]]] = {
    "attributes": {
        "source": "field", "what": "", "attribute": "", "type": "", "operation": "set", "format": "", "separator": "",
        "on_null": "skip", "on_empty": "skip",
    },
    "subscriptions": {
        "field": "", "kind": "", "group_id": "", "when_yes": "", "when_no": "", "double_opt_in": "",
    },
    "events": {"name": "", "for_each": ""},
    "sends": {"kind": "", "id": ""},
}  # fmt: skip
#: Which member of a rule holds its properties.
PROPERTIES: Final[Mapping[str, str]] = {"events": "properties", "sends": "trigger_properties"}
#: What a form leaves out when it is not ticked.
BOXES: Final = frozenset({"double_opt_in", "absent"})
#: Members that are null, rather than left out, where nothing is chosen.
_NULLABLE: Final = frozenset({"when_yes", "when_no"})
#: Levels of a rule: no rule has a tenth of them, and what is much deeper can't be written as JSON again.
MOST_DEEP: Final = 64
#: They may be blank at either end; everything else that is typed is trimmed.
_VERBATIM: Final = frozenset({"separator"})

_NAME: Final = re.compile(r"(\w+)\.(\w{1,40})\.(?:(when|properties)\.(\w{1,40})\.)?(\w+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Row:
    """One rule as it stands in a form."""

    #: One of LISTS.
    list: str
    #: Names the row within its list, as long as the form lives.
    key: str
    #: The rule that it was made of.
    base: Rule
    #: Control to text.
    typed: Mapping[str, str]
    when: tuple[Part, ...] = ()
    properties: tuple[Part, ...] = field(default=())

    @property
    def id(self) -> str:
        """What the names of all its controls start with."""
        return f"{self.list}.{self.key}"

    @property
    def base_text(self) -> str:
        """The rule as the form carries it: plain letters only, so that no browser changes it."""
        return dumps(self.base)


def row_of(name: str, key: str, rule: Rule) -> Row:
    """A rule as a row of the list of this name."""
    properties = rule.get(PROPERTIES[name]) if name in PROPERTIES else None
    return Row(
        name, key, rule, _shown(name, rule), parts_of("when", rule.get("when")), parts_of("properties", properties)
    )


def rows_of(document: Mapping[str, Any]) -> dict[str, list[Row]]:
    """All rows of a document by the name of their list."""
    return {name: [row_of(name, str(at), rule) for at, rule in enumerate(document.get(name) or ())] for name in LISTS}


def read_rows(form: Iterable[tuple[str, str]]) -> dict[str, list[Row]]:
    """The rows that a form has sent, with what was typed into them; what is not ours is passed over."""
    sent: dict[tuple[str, str], dict[tuple[str, str], dict[str, str]]] = {}
    for name, text in form:
        match = _NAME.fullmatch(name)
        if match and match[1] in LISTS:
            row = sent.setdefault((match[1], match[2]), {})
            row.setdefault((match[3] or "", match[4] or ""), {})[match[5]] = text
    rows: dict[str, list[Row]] = {name: [] for name in LISTS}
    for (name, key), groups in sent.items():
        base = _read_base(groups.get(("", ""), {}).get("rule"))
        if base is not None:
            rows[name].append(_read_row(name, key, base, groups))
    return rows


def rule_of(row: Row) -> Rule:
    """The rule that a row stands for: its own, with what was changed."""
    rule, shown = deepcopy(row.base), _shown(row.list, row.base)
    changed = {name: text for name, text in row.typed.items() if name in shown and not same(text, shown[name])}
    if not changed.keys().isdisjoint({"source", "what"}):
        _put_source(rule, row.typed["source"], row.typed["what"])
    for name in changed.keys() - {"source", "what"}:
        _put(rule, name, changed[name])
    _drop_misfits(row, rule, changed.keys())
    _put_parts(rule, "when", "when", row.when)
    if row.list in PROPERTIES:
        _put_parts(rule, PROPERTIES[row.list], "properties", row.properties)
    return rule


def is_blank(row: Row) -> bool:
    """Whether nobody has filled in anything yet: such a row means no rule."""
    return rule_of(row) == STARTERS[row.list]


def rules_of(rows: Mapping[str, Iterable[Row]]) -> dict[str, list[Rule]]:
    """The lists of a document; blank rows are left out."""
    return {name: [rule_of(row) for row in rows[name] if not is_blank(row)] for name in LISTS}


def written_twice(row: Row) -> list[str]:
    """Names of the controls whose path or name another condition or property of the rule has already."""
    found = [f"{row.id}.when.{key}.path" for key in twice_among("when", row.when)]
    return found + [f"{row.id}.properties.{key}.name" for key in twice_among("properties", row.properties)]


def _shown(name: str, rule: Rule) -> dict[str, str]:
    """What the controls of a rule show."""
    shown = {}
    for control, absent in CONTROLS[name].items():
        value = rule.get(control)
        shown[control] = ("on" if value else "") if control in BOXES else value if isinstance(value, str) else absent
    if "source" in shown:
        shown["source"], shown["what"] = show_source(rule)
    return shown


def _read_base(text: str | None) -> Rule | None:
    try:
        base = orjson.loads(text or "")
    except orjson.JSONDecodeError:
        return None
    return base if isinstance(base, dict) and not is_deeper(base, MOST_DEEP) else None


def _read_row(name: str, key: str, base: Rule, groups: Mapping[tuple[str, str], Mapping[str, str]]) -> Row:
    own, shown = groups.get(("", ""), {}), _shown(name, base)
    typed = {control: own.get(control, "" if control in BOXES else text) for control, text in shown.items()}
    members = {"when": base.get("when"), "properties": base.get(PROPERTIES[name]) if name in PROPERTIES else None}
    read = {
        kind: tuple(
            Part.read(kind, part, member, typed_in)
            for (of, part), typed_in in groups.items() if of == kind
        )
        for kind, member in members.items()
    }  # fmt: skip
    return Row(name, key, base, typed, read["when"], read["properties"])


def _put_source(rule: Rule, kind: str, text: str) -> None:
    found = source_of(kind, text)
    for member in ("field", "question", "value"):
        rule.pop(member, None)
    rule |= found


def _put(rule: Rule, name: str, text: str) -> None:
    text = text if name in _VERBATIM else text.strip()
    if name in BOXES:
        rule[name] = bool(text)
    elif text:
        rule[name] = text
    elif name in _NULLABLE:
        rule[name] = None
    else:
        rule.pop(name, None)


def _drop_misfits(row: Row, rule: Rule, changed: Iterable[str]) -> None:
    """What belonged to a type or kind that somebody has changed, unless they have typed it just now."""
    touched = set(changed)
    if "type" in touched:
        kind = rule.get("type")
        is_date = kind in ("date", "datetime") or (kind is None and rule.get("attribute") in STANDARD_DATES)
        drop_unless(rule, "format", is_date or "format" in touched)
        drop_unless(rule, "separator", kind == "array" or "separator" in touched)
    if row.list == "subscriptions" and "kind" in touched and rule.get("kind") != "group":
        drop_unless(rule, "group_id", "group_id" in touched)
        drop_unless(rule, "double_opt_in", "double_opt_in" in touched and rule.get("double_opt_in"))


def drop_unless(rule: Rule, member: str, keep: object) -> None:
    if not keep:
        rule.pop(member, None)


def _put_parts(rule: Rule, member: str, kind: str, parts: tuple[Part, ...]) -> None:
    found = rule.get(member)
    before = found if isinstance(found, dict) else {}  # anything else stays, and the document's check speaks of it
    after = parts_after(kind, before, parts)
    if list(after.items()) != list(before.items()) or not same_types(after, before):
        rule[member] = after


def same_types(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal also where Python calls 1, 1.0 and true the same."""
    return dumps(one, sort_keys=True) == dumps(other, sort_keys=True)
