"""Sentences of other layers in the reader's language."""

import ast
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError, fields, validate

from ingest.pages import sentences
from ingest.pages.sentences import TEMPLATES, in_words
from schemas.integration import read_document
from schemas.problems import InvalidDocument
from tests.factories import a_document

ROOT = Path(__file__).parents[3]
#: Files whose sentences people read on pages.
SOURCES = [
    "ingest/connection.py", "schemas/attribute_names.py", "schemas/braze_hosts.py", "schemas/date_format.py",
    "schemas/integration.py", "schemas/integration_checks.py", "schemas/integration_document.py",
    "schemas/integration_warnings.py", "schemas/paths.py", "schemas/rule_documents.py", "schemas/rule_fields.py",
    "workers/braze/attribute_types.py", "workers/braze/probe.py", "workers/notice.py", "workers/outcome.py",
    "workers/send_outcome.py", "workers/store/integration_changes.py", "workers/store/integration_saves.py",
    "workers/store/integrations.py", "workers/store/standing.py",
]  # fmt: skip
#: What looks like a sentence there, and is none that anybody is told.
NO_SENTENCES = {"no such key", "max input length exceeded", "no readable answer", "12 holds 12", "12 of 12 submissions"}


@pytest.fixture
def translated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A language in which every sentence that has a translation stands in brackets."""

    def foreign(text: str, **values: Any) -> str:
        return f"[{text % values if values else text}]"

    monkeypatch.setattr(sentences, "_", foreign)


def _texts(node: ast.AST) -> Iterator[str]:
    """Every text of a file but docstrings and descriptions, with `12` in place of values."""
    body = getattr(node, "body", None)
    first = body[0] if isinstance(body, list) and body else None
    docstring = first if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) else None
    for child in ast.iter_child_nodes(node):
        if child is docstring or (isinstance(child, ast.keyword) and child.arg == "metadata"):
            continue
        if isinstance(child, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "12" for part in child.values)
        elif isinstance(child, ast.Constant) and isinstance(child.value, str):
            yield child.value.replace("{}", "12")
        else:
            yield from _texts(child)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.usefixtures("translated")
def test_every_sentence_that_is_made_there_is_known(source: str) -> None:
    """Otherwise half of a page would stay in English, and nobody would notice."""
    told = {text for text in _texts(ast.parse((ROOT / source).read_text())) if text.count(" ") >= 2}

    assert [text for text in sorted(told - NO_SENTENCES) if in_words(text) == text] == []


@pytest.mark.usefixtures("translated")
def test_what_marshmallow_says_by_itself_is_known() -> None:
    """It has sentences of its own, and changes them with its versions."""
    kinds: list[type[fields.Field[Any]]] = [fields.String, fields.Integer, fields.Float, fields.List, fields.Dict]
    told = {str(text) for kind in kinds for base in kind.__mro__
            for text in getattr(base, "default_error_messages", {}).values()}  # fmt: skip
    for check, wrong in [
        (validate.Range(1, 10), 11), (validate.Length(1, 2), "abc"), (validate.Length(max=2), "abc"),
        (validate.Length(min=2), "a"), (validate.OneOf(["a", "b"]), "c"), (validate.Regexp("a"), "b"),
    ]:  # fmt: skip
        with pytest.raises(ValidationError) as error:
            check(wrong)
        told.add(str(error.value.messages[0]))

    assert [text for text in sorted(told) if in_words(text) == text and "utf-8" not in text] == []


@pytest.mark.usefixtures("translated")
def test_a_document_full_of_mistakes_is_told_in_the_readers_language() -> None:
    """That is where most of these sentences are read."""
    document = a_document(
        rest_endpoint="https://dashboard.example.org",
        identifiers=[{"kind": "user_alias", "field": "url.utm_source"}, {"kind": "phone", "field": "1phone"}],
        attributes=[
            {"field": "fields.a", "question": "b", "attribute": "external_id"},
            {"attribute": "email", "field": "email", "type": "colour"},
            {"attribute": "a.b", "field": "x", "operation": "increment", "on_null": "clear"},
        ],
        events=[{"name": " ", "properties": {"x": 7}}, {"name": "ok", "for_each": "cards.x"}],
        sends=[{"kind": "transactional", "id": "!"}], max_age_hours=0, nonsense=1,
    )  # fmt: skip

    with pytest.raises(InvalidDocument) as error:
        read_document(document)

    told = [problem.detail for problem in error.value.problems]
    assert len(told) > 10
    assert [text for text in told if in_words(text) == text] == []


@pytest.mark.usefixtures("translated")
def test_a_sentence_within_a_sentence_is_told_too_and_a_name_never() -> None:
    """A hub may be called anything, also `nothing`."""
    assert in_words("profile has no mail; did you mean email?") == "[profile has no mail; [did you mean email?]]"
    assert in_words("Braze has nothing, which is another attribute to it: is that meant?").startswith(
        "[Braze has nothing,"
    )


@given(st.text() | st.text("%()s{}[].: a").map(lambda text: f"Braze has {text} new ("))
def test_what_nobody_knows_stays_as_it_is(text: str) -> None:
    """Braze's words, and a person's reasons for a pause, are shown as they were written."""
    app = Flask("nobody")
    with app.app_context():
        assert text in TEMPLATES or in_words(text) == text


def test_an_english_reader_reads_the_sentence_itself(app: Flask) -> None:
    """Filling a template again must lose nothing, not even a percent sign."""
    told = "100% was paused by a person. What arrives is kept until somebody resumes it."
    with app.test_request_context():
        assert in_words(told) == told
        assert app.jinja_env.from_string("{{ told|told }}").render(told=told) == told


def test_a_hostile_sentence_costs_no_time() -> None:
    """Names of hubs and words of others stand in them, and one may fit a template in thousands of ways."""
    hostile = f"a{' has ' * 60}{' new ' * 60}{' (' * 150}). See why, mend it."

    began = time.perf_counter()
    assert in_words(hostile) == hostile
    assert time.perf_counter() - began < 0.05
