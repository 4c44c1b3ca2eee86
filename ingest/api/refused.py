"""The answers that any request to the API may get, whatever it asks for, as its description tells them."""

from typing import Any

from apispec import APISpec, BasePlugin

from schemas.api import ProblemShown

RETRY_AFTER = {
    "Retry-After": {
        "schema": {"type": "integer"}, "required": True, "description": "Seconds; sooner the answer is the same."
    }
}  # fmt: skip
#: Name of the answer among the components -> its status, its words, and whether it says when to ask again.
ANSWERS: dict[str, tuple[int, str, bool]] = {
    "TOO_SLOW": (408, "The body did not come within 20 seconds.", False),
    "TOO_BIG": (413, "The body is bigger than 1 MiB.", False),
    "TOO_MANY": (429, "Too many wrong tokens came from this address; a right one is taken at any time.", True),
    "NOT_NOW": (
        503,
        "The store can't be used, or no thread was free in time. The change may be made all the same.",
        True,
    ),
}
#: Of requests without a body these can't be.
ABOUT_BODIES = frozenset({408, 413})
WITH_BODY = frozenset({"post", "put", "patch"})


class Refused(BasePlugin):
    """Puts them into every operation that does not describe its own."""

    def operation_helper(self, path: str | None = None, operations: dict[str, Any] | None = None, **_: Any) -> None:
        for verb, operation in (operations or {}).items():
            told = operation.setdefault("responses", {})
            for name, (status, _words, _retry) in ANSWERS.items():
                if status not in ABOUT_BODIES or verb in WITH_BODY:
                    told.setdefault(str(status), name)


def describe(spec: APISpec) -> None:
    """Say once what each of them looks like."""
    for name, (_, words, retry) in ANSWERS.items():
        content = {"application/problem+json": {"schema": ProblemShown}}
        spec.components.response(
            name, {"description": words, "content": content} | ({"headers": RETRY_AFTER} if retry else {})
        )
