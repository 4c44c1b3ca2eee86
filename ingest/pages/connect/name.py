"""The first step: what an integration is called, its part of the address, and where phone numbers come from."""

import re
import unicodedata
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from flask import Blueprint, Response, flash, redirect, render_template
from phonenumbers import SUPPORTED_REGIONS
from werkzeug.wrappers import Response as AnyResponse
from wtforms import SelectChoice, SelectField, StringField
from wtforms.validators import DataRequired, Length

from ingest.context import context
from ingest.pages.connect.frame import frame, next_address
from ingest.pages.connect.saving import BY, StepForm, refuse, save_and_go_on, show_step
from ingest.pages.door import guarded
from ingest.pages.language import _, country_names, later
from schemas.problems import InvalidDocument
from workers.errors import Conflict
from workers.store.integration_record import Saved

first = guarded(Blueprint("connect", __name__))
blueprint = guarded(Blueprint("settings_name", __name__))

MOST_OF_AN_ID = 63
#: It is the address of this very page.
NOT_FREE = "new"


class NameForm(StepForm):
    """What can be changed later."""

    PLACES: ClassVar[Mapping[str, str]] = {"/name": "name", "/default_region": "region"}

    name = StringField(
        later("Name"), validators=[DataRequired(later("Give it a name.")), Length(max=200, message=later("Too long."))]
    )
    region = SelectField(later("Country of phone numbers"), validate_choice=False)

    def __init__(self, **about: Any) -> None:
        super().__init__(**about)
        none = SelectChoice("", _("None: only numbers with a country code"))
        self.region.choices = [none, *(SelectChoice(*one) for one in _countries())]

    def changes(self) -> dict[str, Any]:
        """Members of the document."""
        return {"name": (self.name.data or "").strip(), "default_region": self.region.data or None}


class NewForm(NameForm):
    """With the part of the address, which stays as it is."""

    PLACES: ClassVar[Mapping[str, str]] = {**NameForm.PLACES, "/id": "address"}

    address = StringField(later("Part of the address"))


@first.get("/integrations/new")
def new() -> AnyResponse:
    """Ask for a name."""
    return _ask(NewForm(), 200)


@first.post("/integrations/new")
def start() -> AnyResponse:
    """Keep a draft under that name and go on to Komo."""
    form = NewForm()
    integration_id = (form.address.data or "").strip() or suggest_id(form.name.data or "")
    if not form.validate():
        return _ask(form, 422)
    try:
        saved = _save_new({"id": integration_id, **form.changes()})
    except InvalidDocument as error:
        form.tell(error.problems)
        return _ask(form, 422)
    except Conflict:
        refuse(form.address, _("This part is taken: choose another."))
        return _ask(form, 422)
    flash(_("Saved. You can leave at any time and go on later."))
    return redirect(next_address(saved.stored, "name"), 303)


@blueprint.get("/integrations/<integration_id>/name")
def show(integration_id: str) -> AnyResponse:
    """The same for later."""
    stored = context().stores.integrations.get(integration_id)
    document = stored.document
    region = document.get("default_region") or ""
    form = NameForm(data={"version": stored.version, "name": document["name"], "region": region})
    return show_step(stored, "name", form)


@blueprint.post("/integrations/<integration_id>/name")
def save(integration_id: str) -> AnyResponse:
    """Save name and country."""
    stored, form = context().stores.integrations.get(integration_id), NameForm()
    again = partial(show_step, stored, "name", form)
    return (
        save_and_go_on(stored, "name", form, stored.document | form.changes(), again) if form.validate() else again(422)
    )


def suggest_id(name: str) -> str:
    """An id made of a name, as the page's script makes it too; empty if none of its signs can be in one."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:MOST_OF_AN_ID].strip("-")


def _ask(form: NewForm, status: int) -> AnyResponse:
    base = f"{context().public_url.rstrip('/')}/webhooks/komo/"
    return Response(render_template("pages/connect/new.html", form=form, base=base, **frame(None, "name")), status)


def _save_new(document: dict[str, Any]) -> Saved:
    """Raises: Conflict if the id is taken."""
    if document["id"] == NOT_FREE:
        raise Conflict
    return context().stores.integrations.save_draft(document, by=BY, only_new=True)


def _countries() -> list[tuple[str, str]]:
    """In the reader's language and its order, as well as that can be told without a library for it."""
    names = country_names()
    found = [(code, names.get(code, code)) for code in SUPPORTED_REGIONS]
    return sorted(found, key=lambda one: unicodedata.normalize("NFKD", one[1]).encode("ascii", "ignore").lower())
