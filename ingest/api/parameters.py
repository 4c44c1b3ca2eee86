"""Changes are asked for in the body: parameters in the address of a request that has one would be overlooked."""

from flask import request

from schemas.problems import InvalidDocument, Problem, pointer

WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def refuse_parameters() -> None:
    """
    Before every request.

    Raises: InvalidDocument. Whoever writes `POST /dead-letters/replay?dry_run=true` wants to change nothing.
    """
    if request.method in WITH_BODY and request.args:
        told = "is no parameter here: what is asked for stands in the body."
        raise InvalidDocument(Problem(pointer(name), told) for name in request.args)
