"""What a rule has several of, conditions and properties, as small rows within its row. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ingest.pages.fields.texts import read_wanted, same, show_source, show_wanted, source_of

#: A path and what it is compared with, or a property's name and its source.
Pair = tuple[str, Any]
_NOTHING: Mapping[str, Pair] = {"when": ("", []), "properties": ("", "")}


@dataclass(frozen=True, slots=True)
class Part:
    """One condition (`path`, `values`, `absent`) or property (`name`, `source`, `what`, `type` and its options)."""

    #: Digits: its place among those that the rule came with.
    key: str
    typed: Mapping[str, str]

    @classmethod
    def read(cls, kind: str, key: str, member: Any, sent: Mapping[str, str]) -> "Part":
        """The part of this key, as a form has sent it."""
        shown = _shown(kind, _before(kind, key, member))
        return cls(key, {name: sent.get(name, "" if name == "absent" else text) for name, text in shown.items()})


def parts_of(kind: str, member: Any) -> tuple[Part, ...]:
    """The parts of a rule's member, `when` or `properties`."""
    return tuple(Part(str(at), _shown(kind, pair)) for at, pair in enumerate(_pairs(member)))


def blank_part(kind: str, key: str) -> Part:
    """One that is to be filled in."""
    return Part(key, _shown(kind, _NOTHING[kind]))


def parts_after(kind: str, member: Any, parts: Iterable[Part]) -> dict[str, Any]:
    """The member as the parts have it now. Where two have one name the first counts: see `twice_among`."""
    found: dict[str, Any] = {}
    for name, value in _filled(kind, member, parts):
        found.setdefault(name, value)
    return found


def twice_among(kind: str, parts: Iterable[Part]) -> list[str]:
    """Keys of the parts whose path or name an earlier one has."""
    seen: set[str] = set()
    found = []
    for part in parts:
        name = part.typed["path" if kind == "when" else "name"].strip()
        if name and name in seen:
            found.append(part.key)
        seen.add(name)
    return found


def _filled(kind: str, member: Any, parts: Iterable[Part]) -> Iterator[Pair]:
    write = _condition if kind == "when" else _property
    for part in parts:
        before = _before(kind, part.key, member)
        shown = _shown(kind, before)
        changed = {name for name, text in part.typed.items() if not same(text, shown[name])}
        if not changed and not part.key.isdecimal():
            continue
        after = write(before, part.typed, changed) if changed else before
        if after is not None:
            yield after


def _condition(before: Pair, typed: Mapping[str, str], changed: set[str]) -> Pair | None:
    path, wanted = before
    if "path" in changed:
        path = typed["path"].strip()
    if not changed.isdisjoint({"values", "absent"}):
        wanted = read_wanted(typed["values"], bool(typed["absent"]))
    return None if not path and wanted in ([], "") else (path, wanted)


def _property(before: Pair, typed: Mapping[str, str], changed: set[str]) -> Pair | None:
    name, source = before
    if "name" in changed:
        name = typed["name"].strip()
    if changed - {"name"}:
        source = _changed_source(source, typed, changed)
    return None if not name and source in ("", {"field": ""}) else (name, source)


def _changed_source(source: Any, typed: Mapping[str, str], changed: set[str]) -> Any:
    members = dict(source) if isinstance(source, Mapping) else {"field": source}
    if not changed.isdisjoint({"source", "what"}):
        for member in ("field", "question", "value"):
            members.pop(member, None)
        members |= source_of(typed["source"], typed["what"])
    for option in ("type", "format", "separator"):
        if option in changed:
            members[option] = typed[option] if option == "separator" else typed[option].strip()
    if "type" in changed:
        _drop(members, "format", typed["type"] not in ("date", "datetime") and "format" not in changed)
        _drop(members, "separator", typed["type"] != "array" and "separator" not in changed)
    for option in ("type", "format", "separator"):
        _drop(members, option, option in changed and members.get(option) == "")
    return members["field"] if members.keys() == {"field"} and not isinstance(source, Mapping) else members


def _drop(members: dict[str, Any], option: str, is_unwanted: bool) -> None:
    if is_unwanted:
        members.pop(option, None)


def _shown(kind: str, pair: Pair) -> dict[str, str]:
    if kind == "when":
        values, absent = show_wanted(pair[1])
        return {"path": pair[0], "values": values, "absent": "on" if absent else ""}
    source, what = show_source(pair[1])
    options: Mapping[str, Any] = pair[1] if isinstance(pair[1], Mapping) else {}
    texts = {name: str(options.get(name) or "") for name in ("type", "format", "separator")}
    return {"name": pair[0], "source": source, "what": what, **texts}


def _before(kind: str, key: str, member: Any) -> Pair:
    """What a part was made of; nothing, if somebody has added it."""
    pairs = _pairs(member)
    return pairs[int(key)] if key.isdecimal() and int(key) < len(pairs) else _NOTHING[kind]


def _pairs(member: Any) -> list[Pair]:
    return list(member.items()) if isinstance(member, Mapping) else []
