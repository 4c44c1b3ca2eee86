"""The management API as a page: what its description says, with Swagger UI, which may also call it."""

from pathlib import Path

import flask_swagger_ui
from flask import Blueprint, render_template

#: Open to everybody, as the description itself is. Swagger UI comes from its package, so that nobody else is asked.
blueprint = Blueprint(
    "api_docs",
    __name__,
    url_prefix="/api/docs",
    static_folder=Path(flask_swagger_ui.__file__).parent / "dist",
    static_url_path="/assets",
)


@blueprint.get("", strict_slashes=False)
def show() -> str:
    """Every route, with what it takes and answers."""
    return render_template("pages/api_docs.html")
