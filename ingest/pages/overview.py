"""The first page: how each integration is doing, and whether everything that it needs is alive."""

from flask import Blueprint, render_template

from ingest.context import context
from ingest.pages.door import guarded

blueprint = guarded(Blueprint("overview", __name__))


@blueprint.get("/")
def show() -> str:
    """All integrations."""
    return render_template("pages/overview.html", integrations=context().stores.integrations.every()[:25])
