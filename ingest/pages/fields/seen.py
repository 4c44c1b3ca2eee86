"""Which fields Komo has sent lately, with samples, and which rule each most likely needs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

import orjson

from ingest.pages.fields.shapes import shape_of
from ingest.pages.fields.suggest import Suggestion, can_be_forged, is_secret, suggest
from schemas.paths import SECTIONS, format_path
from schemas.submission import Submission

#: Fields that are told of, samples of each, and characters of a sample.
MOST_FIELDS, SAMPLES, SAMPLE_LENGTH = 400, 3, 80
#: Characters of a label that a button carries.
LONGEST_CALL: Final = 200
#: Levels of an object within a field that are looked into.
_LEVELS: Final = 3
#: Sections whose members are about the person: the others say what card it was, and when.
_PERSONAL: Final = ("fields", "tracked", "extension")
_ORDER: Final = (*_PERSONAL, *(name for name in SECTIONS if name not in (*_PERSONAL, "answers", "raw")), "raw")


@dataclass(frozen=True, slots=True)
class SeenField:
    """One thing that Komo sends: a field, or a question that is answered."""

    #: As a rule names it; empty for a question.
    path: str
    #: What a person reads: the path, or the question.
    label: str
    #: Section and keys; `("question", text)` for a question.
    keys: tuple[str, ...]
    #: Up to SAMPLES different values, cut; none of what is secret.
    samples: tuple[str, ...]
    #: In how many of the submissions it was filled in.
    count: int
    #: A type of schemas.mapping.ValueType.
    kind: str
    suggestion: Suggestion | None
    #: Never to be sent: its samples are not shown either.
    secret: bool = False

    @property
    def call(self) -> str:
        """How a button calls it: by its label, unless that is too long or too odd to come back as it was."""
        is_plain = len(self.label) <= LONGEST_CALL and self.label.isprintable()
        return self.label if is_plain else f"#{blake2b(self.label.encode(), digest_size=8).hexdigest()}"

    @property
    def group(self) -> str:
        """fields, answers, links (what anybody can set in a link), komo or raw."""
        if can_be_forged(self.keys):
            return "links"
        return {"fields": "fields", "question": "answers", "raw": "raw"}.get(self.keys[0], "komo")


@dataclass(slots=True)
class _Values:
    """What was found in one place."""

    count: int = 0
    values: list[Any] = field(default_factory=list)


def seen_fields(
    submissions: Sequence[Submission], *, taken: Iterable[str] = (), everything: bool = False
) -> list[SeenField]:
    """
    Everything in some submissions that a rule can name, form fields and answers first.

    Args:
        submissions: Newest first.
        taken: Attributes that have a rule already, or can't have one.
        everything: Also the raw bodies, member by member.
    """
    found: dict[tuple[str, ...], _Values] = {}
    for submission in submissions:
        for keys, value in _members(submission.sections, everything):
            if len(found) < MOST_FIELDS or keys in found:
                _note(found.setdefault(keys, _Values()), value)
    in_use = set(taken)
    order = {name: place for place, name in enumerate((*_PERSONAL[:1], "question", *_ORDER[1:]))}
    return [_told(keys, found[keys], in_use) for keys in sorted(found, key=lambda keys: order[keys[0]])]


def _members(sections: Mapping[str, Any], everything: bool) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name in _ORDER:
        if name != "raw" or everything:
            yield from _leaves((name,), sections.get(name), _LEVELS)
    for answer in sections.get("answers") or ():
        question = answer.get("question") if isinstance(answer, dict) else None
        if isinstance(question, str) and question.strip():
            yield ("question", question), answer.get("answer")


def _leaves(keys: tuple[str, ...], value: Any, levels: int) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict) and value and levels:
        for key, member in value.items():
            yield from _leaves((*keys, key), member, levels - 1)
    elif len(keys) > 1:
        yield keys, value


def _note(found: _Values, value: Any) -> None:
    if value is None or value in ([], {}) or (isinstance(value, str) and not value.strip()):
        return
    found.count += 1
    found.values.append(value)


def _told(keys: tuple[str, ...], found: _Values, taken: set[str]) -> SeenField:
    path = "" if keys[0] == "question" else format_path(keys)
    shape = shape_of(found.values)
    source = {"field": path} if path else {"question": keys[1]}
    secret = is_secret(keys[-1]) or shape.is_card_number
    samples = () if secret else tuple(_samples(found.values))
    suggestion = suggest(source, keys, shape, taken)
    label = ".".join(keys[1:]) if keys[0] in ("fields", "question") else path
    return SeenField(path, label, keys, samples, found.count, shape.kind, suggestion, secret)


def _samples(values: Sequence[Any]) -> list[str]:
    samples: dict[str, None] = {}
    for value in values:
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        samples.setdefault(text if len(text) <= SAMPLE_LENGTH else f"{text[: SAMPLE_LENGTH - 1]}…")
        if len(samples) == SAMPLES:
            break
    return list(samples)
