"""Which rules take a field, so that a person sees at a glance what is sent and what is not. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ingest.pages.fields.rows import PROPERTIES
from schemas.paths import ELEMENT, parse_element_path, parse_path


class Use(NamedTuple):
    """One place where a field is used."""

    #: identifiers, attributes, subscriptions, events or sends.
    list: str
    #: Of the attribute, event or message; the kind of identifier or consent.
    name: str


def uses_of(document: Mapping[str, Any]) -> dict[tuple[str, ...], list[Use]]:
    """Section and keys of a field, or `("question", text)`, to where its value goes."""
    found: dict[tuple[str, ...], list[Use]] = defaultdict(list)
    for name, member in _NAMED.items():
        for rule in document.get(name) or ():
            for keys in _sources(name, rule):
                use = Use(name, str(rule.get(member) or ""))
                if use not in found[keys]:
                    found[keys].append(use)
    return dict(found)


_NAMED: Mapping[str, str] = {
    "identifiers": "kind", "attributes": "attribute", "subscriptions": "kind", "events": "name", "sends": "id",
}  # fmt: skip


def _sources(name: str, rule: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    parse = parse_element_path if rule.get("for_each") else parse_path
    sources: list[Any] = [rule] if name not in PROPERTIES else list((rule.get(PROPERTIES[name]) or {}).values())
    for source in sources:
        path = source if isinstance(source, str) else source.get("field")
        if isinstance(path, str):
            try:
                keys = parse(path)
            except ValueError:
                continue
            if keys[0] != ELEMENT:
                yield keys
        elif isinstance(source, Mapping) and isinstance(source.get("question"), str):
            yield "question", source["question"]
