"""Lua scripts: one file each beside this one, run by hash and loaded again after a restart of the store."""

import re
from collections.abc import Iterable, Sequence
from hashlib import sha1
from pathlib import Path
from time import perf_counter
from typing import Any

import redis
from redis.client import Pipeline
from redis.exceptions import NoScriptError

from workers.store.client import StoreClient
from workers.store.connect import reaching_the_store
from workers.tally import Tally

#: Stands for a part that has a file of its own, as the store knows no files.
_INCLUDE = re.compile(r"^-- @include (\S+)$", re.MULTILINE)


def script_text(name: str) -> str:
    """A script with its parts in place."""
    text = (Path(__file__).parent / f"{name}.lua").read_text("utf-8")
    return _INCLUDE.sub(lambda part: script_text(part[1]), text)


class Script:
    """
    One of the scripts, over one connection.

    Args:
        tally: Counts how long it takes, on the paths where that matters.
        told: Whether somebody outside acts on what it answers: then as many replicas as are wanted have it first.
    """

    def __init__(self, connection: redis.Redis, name: str, tally: Tally | None = None, *, told: bool = False) -> None:
        self._redis = connection
        self._name = name
        self._tally = tally
        self._told = told
        self._text = script_text(name)
        # How Redis names a script: https://redis.io/docs/latest/commands/evalsha/
        self._hash = sha1(self._text.encode(), usedforsecurity=False).hexdigest()

    def many(self, calls: Sequence[tuple[Sequence[str], Sequence[str | bytes | int | float]]]) -> list[Any]:
        """
        Run one that only reads several times, each with keys and arguments of its own, in one go.

        Raises: StoreUnavailable.
        """
        with reaching_the_store():
            answers = self._in_one_go(calls)
            if any(isinstance(one, NoScriptError) for one in answers):
                self._redis.script_load(self._text)
                answers = self._in_one_go(calls)
            for one in answers:
                if isinstance(one, Exception):
                    raise one
        return answers

    def _in_one_go(self, calls: Sequence[tuple[Sequence[str], Sequence[str | bytes | int | float]]]) -> list[Any]:
        pipe = self._redis.pipeline(transaction=False)
        for keys, args in calls:
            pipe.execute_command("EVALSHA", self._hash, len(keys), *keys, *args)  # type: ignore[no-untyped-call]
        answers: list[Any] = pipe.execute(raise_on_error=False)
        return answers

    def __call__(self, keys: Sequence[str], args: Sequence[str | bytes | int | float]) -> Any:
        """Run it wholly or not at all; raises StoreUnavailable where nobody knows which."""
        command = ("EVALSHA", self._hash, len(keys), *keys, *args)
        started = perf_counter()
        with reaching_the_store():
            try:
                answer = self._run(command)
            except NoScriptError:  # it did not run: the store was restarted, or is another one by now
                self._redis.script_load(self._text)
                answer = self._run(command)
        if self._tally is not None:
            self._tally.script(self._name, perf_counter() - started)
        return answer

    def _run(self, command: tuple[Any, ...]) -> Any:
        if self._told and isinstance(self._redis, StoreClient):
            return self._redis.replicated(*command)
        return self._redis.execute_command(*command)  # type: ignore[no-untyped-call]

    def queue(self, pipe: Pipeline, calls: Iterable[tuple[Sequence[str], Sequence[str | int]]]) -> None:
        """
        Queue runs of it, each with its keys and arguments, behind the text itself: no answer tells a pipeline in time
        that the store was restarted. The text has the first answer.
        """
        pipe.script_load(self._text)
        for keys, args in calls:
            pipe.execute_command("EVALSHA", self._hash, len(keys), *keys, *args)  # type: ignore[no-untyped-call]
