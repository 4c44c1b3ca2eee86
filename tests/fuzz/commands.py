"""The command line in this process: whatever is typed, an exit status and a sentence, never a traceback."""

import io
import os
import random
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import orjson

from ingest.cli.main import run
from tests.fuzz.mutate import json_of, text_of
from tests.fuzz.parsers import BODIES, DOCUMENTS
from tests.fuzz.run import Target

#: Without those that start processes, ask a person, or write files of any name.
COMMANDS = (
    "integrations list", "integrations show seeded", "integrations pause seeded", "integrations resume seeded",
    "integrations delete draft --yes", "integrations apply FILE", "submissions list --integration seeded --limit 5",
    "submissions list --since 2026-01-31T09:00:00Z --state dead --cursor 1-1.2.a.b", "submissions show a",
    "submissions send FILE --integration seeded", "dead-letters list --reason refused --limit 3 --text x",
    "dead-letters show a", "dead-letters replay --all --dry-run --rate 5", "dead-letters discard a",
    "people export --kind email --value a@example.com", "jobs list", "jobs show a", "jobs stop a", "secrets",
)  # fmt: skip


def commands(environ: Mapping[str, str], directory: Path) -> Target:
    """
    Args:
        environ: Of the commands.
        directory: For the files that they read.
    """
    file = directory / "typed.json"

    def draw_command(draw: random.Random) -> tuple[list[str], bytes]:
        words = draw.choice(COMMANDS).split()
        typed = words[:2] + [text_of(word, draw) if draw.random() < 0.3 else word for word in words[2:]]
        typed = [str(file) if word == "FILE" else word.replace("\x00", "") for word in typed]
        if draw.random() < 0.3:
            typed.insert(
                draw.randint(1, len(typed)), draw.choice(("--json", "--help", "--limit", "--cursor", "--", ""))
            )
        return typed, orjson.dumps(json_of(draw.choice((*BODIES, *DOCUMENTS)), draw))

    def check_command(given: tuple[list[str], bytes]) -> None:
        typed, content = given
        file.write_bytes(content)
        before = dict(os.environ)
        os.environ.update(environ)
        said = io.StringIO()
        try:
            with redirect_stdout(io.TextIOWrapper(io.BytesIO(), write_through=True)), redirect_stderr(said):
                status = run(typed)
        finally:
            os.environ.clear()
            os.environ.update(before)
        assert status in (0, 1, 2), status
        assert "should not have happened" not in said.getvalue(), said.getvalue()[:500]
        assert not status or said.getvalue().strip()

    return Target("command line", draw_command, check_command)
