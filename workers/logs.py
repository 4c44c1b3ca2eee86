"""One JSON line per fact, with a fixed name; ids and numbers in fields. Never answers, addresses or keys."""

import json
import logging
import re
import sys
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import orjson

#: Of the web request that is being answered; "" outside of one.
REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
#: What every record carries anyway; the rest was put in as a field.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


#: The key of a webhook address, in whatever a web server or a library has to say about a URL.
_URL_KEY = re.compile(r"([?&]key=)[^&\s\"']+")


class JsonLines(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        milliseconds = int(record.msecs)
        line: dict[str, Any] = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        line = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{milliseconds:03d}Z",
            "level": record.levelname.lower(),
            "event": _URL_KEY.sub(r"\1[key]", record.getMessage()),
        } | {name: value for name, value in line.items() if name not in ("at", "level", "event")}
        if request_id := REQUEST_ID.get():
            line["request_id"] = request_id
        if isinstance(record.args, Mapping):
            _tell_task(line, record.args)
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["trace"] = _places(record)
        return _dumps(line)


def _tell_task(line: dict[str, Any], told: Mapping[str, Any]) -> None:
    """Celery's own lines quote the error, its trace and the arguments, and so what a person has typed."""
    line.pop("data", None)
    if "exc" in told:
        line |= {"event": "task.failed", "task": str(told.get("name")), "task_id": str(told.get("id"))}


def _dumps(line: dict[str, Any]) -> str:
    try:
        return orjson.dumps(line, default=str).decode()
    except TypeError:  # half a surrogate pair, or a number beyond 64 bits: a line must not get lost over that
        return json.dumps(line, default=str)


def _places(record: logging.LogRecord) -> list[str]:
    """Where it happened, without the values: an error's text may quote what a person has typed."""
    places, trace = [], record.exc_info[2] if record.exc_info else None
    while trace is not None:
        places.append(f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return places


def start_logging(level: str) -> None:
    """Send everything at or above `level` to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Celery says "received" and "succeeded" of every wake-up call; what matters is said by the steps themselves.
    for name in ("urllib3", "kombu", "amqp", "celery.worker.strategy", "celery.app.trace", "celery.beat"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
