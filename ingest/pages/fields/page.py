"""Everything that the page of fields shows, put together from the stored document, a form, and what Komo has sent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from ingest.context import Context
from ingest.pages.directions import apart
from ingest.pages.drawing import iso
from ingest.pages.fields.editing import is_for_all
from ingest.pages.fields.places import control_at, numbered
from ingest.pages.fields.rows import Row, read_rows, rows_of, rules_of, written_twice
from ingest.pages.fields.seen import SeenField, seen_fields
from ingest.pages.fields.trial import Trial, attempt
from ingest.pages.fields.uses import Use, uses_of
from ingest.pages.language import _
from ingest.pages.recent import bodies, newest
from ingest.pages.sentences import in_words as in_sentence
from ingest.preview import PREVIEW_ID
from schemas.attribute_names import STANDARD, STANDARD_TYPES
from schemas.body import UnreadableBody, read_body
from schemas.integration_warnings import warnings_about
from schemas.komo import read_submission
from schemas.problems import Problem
from workers.store.found import Found
from workers.store.integration_record import StoredIntegration

#: The choice that means the pasted sample rather than a submission.
SAMPLE: Final = "sample"
#: Submissions to choose from.
_CHOICES: Final = 15
#: Of a version: nobody saves more often.
_MOST_DIGITS: Final = 15


@dataclass
class FieldsPage:
    """The page, as it is before it becomes HTML."""

    stored: StoredIntegration
    with_: Context
    rows: dict[str, list[Row]]
    #: Of the document that the form was made from.
    version: int
    sample: str = ""
    chosen: str = ""
    everything: bool = False
    #: Control id -> what is wrong there.
    problems: dict[str, list[str]] = field(default_factory=dict)
    #: What is wrong with the whole, in sentences; and steps that have to be done first.
    top: list[str] = field(default_factory=list)
    missing_steps: list[str] = field(default_factory=list)
    #: The row to go on with.
    goes_on: str = ""
    is_changed: bool = False

    @classmethod
    def of_stored(cls, stored: StoredIntegration, with_: Context, **about: Any) -> "FieldsPage":
        """The page as somebody opens it."""
        return cls(stored, with_, rows_of(stored.document), stored.version, **about)

    @classmethod
    def of_form(cls, stored: StoredIntegration, with_: Context, form: MultiDict[str, str]) -> "FieldsPage":
        """The page as somebody has filled it in."""
        version = form.get("version", "")
        number = int(version) if version.isascii() and version.isdecimal() and len(version) <= _MOST_DIGITS else -1
        rows = read_rows((name, text) for name, text in form.items() if "." in name)
        return cls(
            stored, with_, rows, number, sample=form.get("sample", "").strip(), chosen=form.get("submission", ""),
            everything=bool(form.get("everything")), is_changed=True,
        )  # fmt: skip

    @cached_property
    def rules(self) -> dict[str, list[dict[str, Any]]]:
        """The lists of the document, as the rows have them now. Read it when the rows are final."""
        return rules_of(self.rows)

    @cached_property
    def document(self) -> dict[str, Any]:
        return {**self.stored.document, **self.rules}

    @cached_property
    def numbered(self) -> dict[str, list[Row]]:
        return numbered(self.rows)

    @cached_property
    def found(self) -> list[Found]:
        """The newest submissions."""
        return newest(self.stored.integration, self.with_.stores)

    @cached_property
    def _bodies(self) -> list[dict[str, Any]]:
        return list(bodies(self.found))

    @cached_property
    def choices(self) -> list[dict[str, Any]]:
        """Submissions that can be tried: id, event, card and time, nothing of what somebody has typed."""
        told = []
        for one, body in zip(self.found[:_CHOICES], self._bodies, strict=False):
            card = body.get("card_name") or (body["card"].get("name") if isinstance(body.get("card"), dict) else None)
            name = card if isinstance(card, str) else ""
            told.append({"id": one.id, "event": str(one.head[6])[:80], "card": name[:80], "at": iso(one.head[4])})
        return told

    @cached_property
    def sample_body(self) -> dict[str, Any] | None:
        """What was pasted, if the webhook would take it; what is wrong with it goes to its control."""
        if not self.sample:
            return None
        try:
            (first, *_more) = read_body(self.sample.encode())
        except UnreadableBody as error:
            lines = [
                f"{apart(one.pointer)}: {one.detail}" if one.pointer else in_sentence(one.detail)
                for one in error.problems[:5]
            ]
            self.problems["sample"] = [_("This is no body that Komo could post."), *lines]
            return None
        return first.body

    @cached_property
    def seen(self) -> list[SeenField]:
        """What can be mapped."""
        now = datetime.now(UTC)
        every = [self.sample_body] if self.sample_body is not None else []
        submissions = [read_submission(body, id=PREVIEW_ID, received_at=now) for body in [*every, *self._bodies]]
        taken = {str(rule.get("attribute")) for rule in self.rules["attributes"]}
        return seen_fields(submissions, taken=taken | self._forbidden(), everything=self.everything)

    def _forbidden(self) -> set[str]:
        """Attributes by which Braze would find somebody else than the identifiers do: never proposed."""
        kinds = {rule["kind"] for rule in self.stored.document["identifiers"]}
        return {"email", "phone"} if kinds & {"email", "phone"} else set()

    @cached_property
    def uses(self) -> dict[tuple[str, ...], list[Use]]:
        return uses_of(self.document)

    @cached_property
    def proposals(self) -> list[SeenField]:
        """What "map all" takes: what no rule takes yet, and nobody has to think about first."""
        return [one for one in self.seen if is_for_all(one) and self.is_open(one)]

    def is_open(self, one: SeenField) -> bool:
        """
        Whether a field is still proposed: nothing is sent of it yet.

        Whoever is found by the alias of an address can be written to only if the address is an attribute, too.
        """
        lists = {use.list for use in self.uses.get(one.keys, ())}
        attribute = one.suggestion.rule.get("attribute") if one.suggestion else None
        return not lists or (lists == {"identifiers"} and attribute in ("email", "phone"))

    @cached_property
    def tried(self) -> tuple[dict[str, Any] | None, str]:
        """The body that is tried, and the id of its submission."""
        if self.sample_body is not None and self.chosen in ("", SAMPLE):
            return self.sample_body, SAMPLE
        at = next((at for at, one in enumerate(self.found) if one.id == self.chosen), 0)
        return (self._bodies[at], self.found[at].id) if self.found else (None, "")

    @cached_property
    def trial(self) -> Trial | None:
        """None if there is nothing to try."""
        body, submission_id = self.tried
        if body is None:
            return None
        return attempt(
            self.stored, self.rules, self.numbered, body, memory=self.with_.stores.memory,
            submission_id=PREVIEW_ID if submission_id == SAMPLE else submission_id,
            extra_hosts=self.with_.settings.extra_braze_hosts,
        )  # fmt: skip

    def place(self, problems: Iterable[Problem]) -> None:
        """Put each problem at its control; parts that other steps ask for become links, the rest stands on top."""
        for problem in problems:
            control, step = control_at(problem.pointer, self.numbered), _STEPS.get(f"{problem.pointer}/".split("/")[1])
            if control:
                self.problems.setdefault(control, []).append(in_words(problem.detail))
            elif step and self.stored.integration.draft:
                if step not in self.missing_steps:
                    self.missing_steps.append(step)
            else:
                self.top.append(f"{apart(problem.pointer)}: {in_sentence(problem.detail)}")

    def find_twice(self) -> bool:
        """Say where two conditions, or two properties, of one rule have one name: only one of them could be kept."""
        twice = [control for rows in self.rows.values() for row in rows for control in written_twice(row)]
        for control in twice:
            self.problems.setdefault(control, []).append(_("This is here twice. Put everything into one of them."))
        return bool(twice)

    @cached_property
    def notes(self) -> dict[str, list[str]]:
        """Row id -> what is allowed but probably not meant, and what came up while trying."""
        found: dict[str, list[str]] = {}
        if not (self.trial and self.trial.problems) and not self.problems:
            for problem in self._warnings():
                control = control_at(problem.pointer, self.numbered)
                if control:
                    found.setdefault(".".join(control.split(".")[:2]), []).append(in_sentence(problem.detail))
        return found

    def _warnings(self) -> Sequence[Problem]:
        try:
            return list(warnings_about(self.document))
        except (KeyError, ValueError, TypeError, AttributeError):  # it reads valid documents; this one may not be
            return []

    @cached_property
    def attribute_names(self) -> list[str]:
        """To choose from: Braze's own that take one value, and those in use."""
        used = {str(rule["attribute"]) for rule in self.rules["attributes"] if rule.get("attribute")}
        plain = {name for name in STANDARD if "object" not in STANDARD_TYPES[name]}
        return sorted(plain | used)


#: Members of the document that other steps ask for.
_STEPS: Final[Mapping[str, str]] = {"braze": "braze", "identifiers": "people"}


def in_words(detail: str) -> str:
    """What the schema says, where a person who fills in a form would put it differently."""
    return {
        "Missing data for required field.": _("Fill this in."),
        "Field may not be null.": _("Fill this in."),
        "Shorter than minimum length 1.": _("Fill this in."),
        "Length must be between 1 and 255.": _("Write a name of 1 to 255 characters."),
        "Give exactly one of field, question and value.": _("Say which field, question or value it comes from."),
        "'' is not a path: it must start with a name, like card.name or email": _("Choose a field."),
        "A property can't be called ''.": _("Give the property a name."),
        "Give Braze's id of the subscription group, a UUID.": _(
            "Paste the id of the subscription group from Braze; it looks like a2a4b1a0-7d3c-4f6b-9c58-0d1f2e3a4b5c."
        ),
        "Give Braze's id of the campaign or canvas.": _("Paste the id of the campaign or canvas from Braze."),
        "Give a text, number, true, false or null, or a list of them.": _("Write at least one value."),
    }.get(detail, in_sentence(detail))
