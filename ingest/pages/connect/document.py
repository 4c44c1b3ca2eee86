"""The settings as the JSON document that they are: for whoever keeps them in git, or wants all at once."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import orjson
from flask import Blueprint
from werkzeug.wrappers import Response as AnyResponse
from wtforms import TextAreaField

from ingest.context import context
from ingest.pages.connect.saving import StepForm, save_and_go_on, show_step
from ingest.pages.door import guarded
from ingest.pages.drawing import pretty
from ingest.pages.language import _, later
from schemas.integration_document import READ_ONLY
from schemas.problems import Problem
from workers.store.integration_record import StoredIntegration

blueprint = guarded(Blueprint("settings_json", __name__))


class DocumentForm(StepForm):
    """All of it; problems are listed with their places, because one field stands for everything."""

    PLACES: ClassVar[Mapping[str, str]] = {}

    text = TextAreaField(later("The document"))

    def read(self, integration_id: str) -> dict[str, Any] | None:
        """The document that was typed; None, and it is told why, if it is none of this integration."""
        try:
            found = orjson.loads(self.text.data or "")
        except orjson.JSONDecodeError as error:
            self.top.append(
                _("This is not JSON: %(why)s, at line %(line)d, sign %(column)d.",
                  why=error.msg, line=error.lineno, column=error.colno)
            )  # fmt: skip
            return None
        if not isinstance(found, dict):
            self.top.append(_("This is JSON, but no object: it has to begin with { and end with }."))
            return None
        if found.get("id", integration_id) != integration_id:
            self.tell([Problem("/id", _("The address says %(id)s, and that stays.", id=integration_id))])
            return None
        return found | {"id": integration_id}


@blueprint.get("/integrations/<integration_id>/json")
def show(integration_id: str) -> AnyResponse:
    """The document as it is, without secrets."""
    stored = context().stores.integrations.get(integration_id)
    return show_step(stored, "json", DocumentForm(data={"version": stored.version, "text": as_text(stored)}))


@blueprint.post("/integrations/<integration_id>/json")
def save(integration_id: str) -> AnyResponse:
    """Put another in its place."""
    stored, form = context().stores.integrations.get(integration_id), DocumentForm()
    document = form.read(integration_id) if form.validate() else None
    again = partial(show_step, stored, "json", form)
    return again(422) if document is None else save_and_go_on(stored, "json", form, document, again)


def as_text(stored: StoredIntegration) -> str:
    """What may be shown of it and can be saved again as it stands."""
    shown = {name: value for name, value in stored.shown("").items() if name not in READ_ONLY}
    if not stored.has_key:
        shown["braze"] = {name: value for name, value in shown["braze"].items() if name != "api_key"}
    return pretty(shown)
