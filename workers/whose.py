"""Whose a submission is that is kept here, as far as it says so."""

from datetime import UTC, datetime
from typing import Any

from schemas.arrival import packed_marks
from schemas.integration import Integration
from schemas.komo import person_marks, read_submission
from schemas.person import Person
from schemas.submission import Submission
from workers.errors import BadIdentifier
from workers.identify import identify
from workers.store.letter_filter import normalised

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def person_of(asked: dict[str, Any], integration: Integration) -> Person | None:
    """Whom an identifier means under an integration's default region; None if it is unusable there."""
    kind, label = asked["kind"], asked.get("alias_label")
    value = normalised(kind, asked["value"], label, integration)
    return None if value is None else Person(kind, value, label if kind == "user_alias" else None)


def read_body(body: dict[str, Any]) -> Submission:
    """A body as far as it says whom it is about; times do not matter."""
    return read_submission(body, id="", received_at=_EPOCH)


def marks_of(submission: Submission) -> set[bytes]:
    """Digests of the ids, each of its own kind, that Komo has for whoever made the submission."""
    return {mark.encode() for mark in packed_marks(person_marks(submission.sections))}


def named_now(submission: Submission, integration: Integration) -> Person | None:
    """Whom the rules name that are current now."""
    try:
        return identify(submission, integration)
    except BadIdentifier:
        return None


def writes(submission: Submission, person: Person, integration: Integration) -> bool:
    """
    Whether a form's field holds the e-mail or phone by which a person is known.

    A draft may not say yet which field that is. Other ids are too short to be told from what else stands in a form.
    """
    if (person.alias_label or person.kind).lower() not in ("email", "phone"):
        return False
    written = (value for value in submission.sections["fields"].values() if isinstance(value, str))
    return any(normalised(person.kind, one, person.alias_label, integration) == person.value for one in written)


def is_own(named_then: Person | None, submission: Submission, integration: Integration, person: Person) -> bool:
    """
    Whether a submission names a person: when it was accepted, by the rules of now, or in a draft by what was typed.

    Args:
        named_then: Whom the rules named at acceptance.
    """
    named = (named_then, named_now(submission, integration))
    return person in named or (integration.draft and writes(submission, person, integration))


def is_unnamed(named_then: Person | None, submission: Submission, integration: Integration) -> bool:
    """Whether it names nobody, so that only the ids it carries can say whose it is."""
    return named_then is None and named_now(submission, integration) is None
