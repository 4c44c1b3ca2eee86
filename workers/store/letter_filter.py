"""Which dead letters somebody means. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from schemas.dead_letter import LetterFilter, SoughtPerson
from schemas.integration import Integration
from schemas.mapping import IdentifierRule
from schemas.person import Person
from schemas.submission import Submission
from workers.errors import BadIdentifier
from workers.identify import identify
from workers.store.letters import Letter
from workers.store.text_search import holds_text

EPOCH = datetime.fromtimestamp(0, UTC)


def matcher(wanted: LetterFilter, integration: Integration) -> Callable[[Letter], bool]:
    """Whether a letter of this integration meets every condition, but for the times: those bound what is read."""
    tests: list[Callable[[Letter], bool]] = []
    if wanted.reason is not None:
        tests.append(lambda letter: letter.why == wanted.reason)
    if wanted.identifier is not None:
        tests.append(_is_about(wanted.identifier, integration))
    if wanted.text is not None:
        tests.append(_says(wanted.text))
    return lambda letter: all(test(letter) for test in tests)


def normalised(kind: str, value: str, alias_label: str | None, integration: Integration) -> str | None:
    """What `identify` makes of a value under an identifier rule of this kind; None if it is unusable."""
    rule = IdentifierRule(kind, ("fields", "value"), alias_label)  # type: ignore[arg-type]
    sections: Mapping[str, Any] = {"fields": {"value": value}}
    try:
        person = identify(Submission("", "", EPOCH, EPOCH, sections), replace(integration, identifiers=(rule,)))
    except BadIdentifier:
        return None
    return person.value if person else None


def _is_about(sought: SoughtPerson, integration: Integration) -> Callable[[Letter], bool]:
    @cache
    def value_of(kind: str, alias_label: str | None) -> str | None:
        return normalised(kind, sought.value, alias_label, integration)

    def is_about(letter: Letter) -> bool:
        person: Person | None = letter.person
        return (
            person is not None
            and sought.kind in (None, person.kind)
            and sought.alias_label in (None, person.alias_label)
            and value_of(person.kind, person.alias_label) == person.value
        )

    return is_about


def _says(text: str) -> Callable[[Letter], bool]:
    folded = text.casefold()

    def says(letter: Letter) -> bool:
        answers = [letter.details.get("answer"), *(one.get("answer") for one in letter.details.get("attempts") or ())]
        words = [letter.why, letter.why.replace("_", " "), *(str(answer) for answer in answers if answer)]
        return any(folded in one.casefold() for one in words) or holds_text(letter.body, text)

    return says
