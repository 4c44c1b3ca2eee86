"""How a step is saved: only its own members of the document change, and every problem is told at its field."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from flask import Response, flash, redirect, render_template
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as AnyResponse
from wtforms import Field, HiddenField

from ingest.context import context, wake_up
from ingest.pages.connect.frame import address_of, frame, next_address
from ingest.pages.directions import apart
from ingest.pages.language import _
from ingest.pages.sentences import in_words
from schemas.problems import InvalidDocument, Problem
from workers.errors import Conflict, StaleVersion
from workers.store.integration_record import Saved, StoredIntegration

#: How the audit calls whoever saved.
BY = "page"
#: Of a version: nobody saves more often.
MOST_DIGITS = 15


class StepForm(FlaskForm):
    """A form that was made from one version of a document."""

    #: JSON pointer of a member, and the name of the field that stands for it and for whatever is inside.
    PLACES: ClassVar[Mapping[str, str]] = {}

    version = HiddenField()

    def __init__(self, **about: Any) -> None:
        super().__init__(**about)
        #: What is wrong with the whole.
        self.top: list[str] = []
        #: An address that helps with it, and its words.
        self.top_link: tuple[str, str] | None = None

    @property
    def made_from(self) -> int:
        """The version; whatever is none of ours matches nothing."""
        text = (self.version.data or "").strip()
        return int(text) if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS else -1

    def field_at(self, pointer: str) -> Field | None:
        """The field that stands for a place in the document."""
        found = max((place for place in self.PLACES if f"{pointer}/".startswith(f"{place}/")), key=len, default=None)
        return self[self.PLACES[found]] if found else None

    def tell(self, problems: Iterable[Problem]) -> None:
        """Put each problem at its field, and what has none on top."""
        for problem in problems:
            field = self.field_at(problem.pointer)
            if field is None:
                self.top.append(f"{apart(problem.pointer) or '/'}: {in_words(problem.detail)}")
            else:
                refuse(field, in_words(problem.detail))


def refuse(field: Field, why: str) -> None:
    """Say at a field what is wrong with it."""
    if why not in field.errors:
        field.errors = [*field.errors, why]


def try_to_save(stored: StoredIntegration, form: StepForm, document: dict[str, Any]) -> Saved | int:
    """
    Save a document over the version that the form was made from; a draft stays one.

    Returns: What it came to, or the status with which the form, that knows what is wrong, is shown again.
    Raises: StoreUnavailable; UnknownIntegration.
    """
    integrations = context().stores.integrations
    try:
        if stored.draft:
            return integrations.save_draft(document, by=BY, if_match=form.made_from)
        saved = integrations.save(document, by=BY, if_match=form.made_from)
    except InvalidDocument as error:
        form.tell(error.problems)
        return 422
    except StaleVersion:
        return _tell_stale(stored, form)
    except Conflict as error:
        form.top.append(in_words(str(error)))
        return 409
    wake_up(stored.id)
    return saved


def save_and_go_on(
    stored: StoredIntegration, step: str, form: StepForm, document: dict[str, Any], again: Callable[[int], AnyResponse]
) -> AnyResponse:
    """
    The answer to a step's form, once it is known what the document would be.

    Args:
        again: Shows the form with what is wrong, under a status.
    """
    saved = try_to_save(stored, form, document)
    if isinstance(saved, int):
        return again(saved)
    flash(_("Saved."))
    return redirect(next_address(stored, step), 303)


def show_step(stored: StoredIntegration, step: str, form: StepForm, status: int = 200, **more: Any) -> AnyResponse:
    """A step's page, from `pages/connect/<step>.html`."""
    return Response(render_template(f"pages/connect/{step}.html", form=form, **frame(stored, step), **more), status)


def _tell_stale(stored: StoredIntegration, form: StepForm) -> int:
    now = context().stores.integrations.get(stored.id)
    form.version.data = str(now.version)
    form.top.append(
        _(
            "Somebody saved these settings in between. What you typed is still here, and not saved: look at what has "
            "changed, then save again."
        )
    )
    form.top_link = (address_of(stored, "json"), _("The settings as they are now"))
    return 412
