"""Every sentence of the pages is there in every language, whole, and as the pages read it."""

import re
import shlex
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_keywords
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po

from ingest.pages.language import LANGUAGES

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "ingest" / "translations"
OTHERS = sorted(set(LANGUAGES) - {"en"})
_GAP = re.compile(r"%\(\w+\)[sd]")


def _methods() -> list[tuple[str, str]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return [(one["pattern"].removeprefix("ingest/"), one["method"]) for one in settings["tool"]["babel"]["mappings"]]


def _keywords() -> dict[str, Any]:
    """Those that `make messages` knows."""
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    command = next(shlex.split(line) for line in recipe.splitlines() if "pybabel -q extract" in line)
    own = [after for one, after in pairwise(command) if one == "-k"]
    return {**DEFAULT_KEYWORDS, **parse_keywords(own)}


def _said() -> set[Any]:
    found = extract_from_dir(ROOT / "ingest", _methods(), keywords=_keywords())
    return {message for _, _, message, _, _ in found}


def _catalog(language: str) -> Catalog:
    with (FOLDER / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def _texts(said: Any) -> tuple[str, ...]:
    return tuple(said) if isinstance(said, tuple | list) else (said,)


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_left_in_english(language: str) -> None:
    """After a change of a text: `make messages`, and then the translation."""
    catalog = _catalog(language)

    missing = [said for said in _said() if not (found := catalog.get(said)) or not all(_texts(found.string))]

    assert missing == []


@pytest.mark.parametrize("language", OTHERS)
def test_no_translation_loses_a_value(language: str) -> None:
    """A gap that is missing, or has another name, shows nothing or ends in an error."""
    for message in _catalog(language):
        wanted = {*_GAP.findall(" ".join(_texts(message.id)))}
        for text in _texts(message.string):
            assert {*_GAP.findall(text)} - {"%(num)d"} == wanted - {"%(num)d"}, text


@pytest.mark.parametrize("language", OTHERS)
def test_no_guess_is_shown(language: str) -> None:
    """What a tool has guessed says something else."""
    assert [message.id for message in _catalog(language) if message.id and message.fuzzy] == []


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_read_is_what_is_written(language: str) -> None:
    """The pages read the compiled file; `make messages` makes it."""
    with (FOLDER / language / "LC_MESSAGES" / "messages.mo").open("rb") as file:
        compiled = {_texts(message.id): _texts(message.string) for message in read_mo(file) if message.id}

    written = {_texts(one.id): _texts(one.string) for one in _catalog(language) if one.id}
    assert compiled == written
