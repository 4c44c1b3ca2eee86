"""What is printed, logged or shown by a debugger names no secret: no field that holds one is in a repr."""

import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from importlib import import_module

import ingest
import schemas
import workers

#: How a field is called that may hold a secret.
SECRET = re.compile(r"(^|_)(key|secret|password|token)s?$")
#: Called so, and yet none.
NONE = {
    ("schemas.date_format.Part", "token"),  # of a format: DD
    ("workers.pack._Piece", "key"),  # what stands for an object of a request
    ("ingest.pages.connect.bodies.Body", "key"),  # of a choice
    ("ingest.pages.connect.frame.Step", "key"),  # of a step of the setup
    ("ingest.pages.fields.parts.Part", "key"),  # of a part of a form
    ("ingest.pages.fields.rows.Row", "key"),  # of a row of a form
    ("ingest.pages.fields.seen.SeenField", "keys"),  # names of members
    ("ingest.pages.fields.seen.SeenField", "secret"),  # whether it sounds like one
    ("ingest.sandbox.hub.cards.FormField", "key"),  # name of a field
}
#: These start something as they are imported.
STARTED = {"workers.app", "workers.tasks", "ingest.cli.__main__"}


def shapes() -> Iterator[type]:
    """Every dataclass and named tuple of the project."""
    for package in (schemas, workers, ingest):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name not in STARTED:
                for one in vars(import_module(found.name)).values():
                    if isinstance(one, type) and one.__module__ == found.name:
                        yield one


def shown_secrets(shape: type) -> set[tuple[str, str]]:
    """Its fields that sound like secrets and stand in its repr."""
    if is_dataclass(shape):
        names = [field.name for field in fields(shape) if field.repr and shape.__dataclass_params__.repr]  # type: ignore[attr-defined]
    else:
        names = list(getattr(shape, "_fields", ()))
    return {(f"{shape.__module__}.{shape.__qualname__}", name) for name in names if SECRET.search(name)}


def test_no_secret_stands_in_a_repr() -> None:
    """Assertions, debuggers and somebody's print would tell it; what only sounds like one is listed above."""
    assert {one for shape in shapes() for one in shown_secrets(shape)} == NONE


def test_a_secret_that_is_shown_is_found() -> None:
    """A search that can't find anything proves nothing."""

    @dataclass
    class Leaky:
        api_key: str

    assert {name for _, name in shown_secrets(Leaky)} == {"api_key"}
