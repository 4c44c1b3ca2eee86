"""The management API under /api/v1: one blueprint per noun, described by its own OpenAPI document."""

from typing import Any

from flask import Flask
from flask_smorest import Api

from ingest.api import dead_letters, integrations, jobs, people, submissions
from ingest.api.refused import Refused, describe
from schemas.api import ProblemShown

END = r"\Z"

_CONFIG = {
    "API_TITLE": "Komo to Braze",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.0.3",
    "OPENAPI_URL_PREFIX": "/api/v1",
    "OPENAPI_JSON_PATH": "openapi.json",
    "API_SPEC_OPTIONS": {
        "info": {
            "description": "Integrations, their ledgers, what became of each submission, and what to do about it."
        },
        "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
        "security": [{"bearer": []}],
    },
}


class _Api(Api):  # type: ignore[misc]  # flask-smorest has no types
    """flask-smorest without its own way of showing errors."""

    ERROR_SCHEMA = ProblemShown
    DEFAULT_RESPONSE_CONTENT_TYPE = "application/json"

    def _register_error_handlers(self) -> None:
        """`ingest.problems` has them all."""

    def _register_responses(self) -> None:
        """Its shared responses are all errors, and ours are not plain JSON."""
        usual, self.DEFAULT_RESPONSE_CONTENT_TYPE = self.DEFAULT_RESPONSE_CONTENT_TYPE, "application/problem+json"
        super()._register_responses()
        self.DEFAULT_RESPONSE_CONTENT_TYPE = usual


def register_api(app: Flask) -> None:
    """Put the management API and its description into the app; `ingest.context.keep` comes first."""
    app.config.update(_CONFIG)
    api = _Api(app, spec_kwargs={"extra_plugins": [Refused()]})
    describe(api.spec)
    api.ma_plugin.converter.add_attribute_function(_pattern)
    for noun in (integrations, submissions, dead_letters, people, jobs):
        api.register_blueprint(noun.blueprint)


def _pattern(_: Any, __: Any, *, ret: dict[str, Any], **___: Any) -> dict[str, str]:
    """Python's way of saying "from here to the very end" means something else to the readers of the description."""
    return {"pattern": f"^{ret['pattern'].removesuffix(END)}$"} if "pattern" in ret else {}
