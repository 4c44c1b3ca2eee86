"""
Tells a Sentry of crashes, where `SENTRY_DSN` is set: what kind, where in the code, and ids; nothing that anybody typed.

Of the library's own collecting nothing is used: an event is made here of the line that goes into the log, so the text
of an error, the request, values of variables and breadcrumbs never get into one.
"""

import atexit
import logging
import re
from importlib.util import find_spec
from typing import Any

from schemas.settings import Settings, SettingsError
from workers.logs import REQUEST_ID

#: Fields of a line that go along: ids, and what kind of thing they are of.
TOLD = ("integration", "submission", "job", "task", "task_id", "lane", "kind", "request_id")
#: Members of an event that may leave; what else the library adds stays here.
LEAVES = ("event_id", "timestamp", "platform", "level", "logger", "message", "tags", "exception", "release", "sdk")
#: Seconds for what has not been sent when the process ends.
FLUSH_S = 2.0
_EVENT_NAME = re.compile(r"[a-z_]+\.[a-z_]+")


def look_for_the_library(settings: Settings) -> None:
    """Raises: SettingsError in one sentence, if crashes are to be told and the library for that is not installed."""
    if settings.sentry_dsn and find_spec("sentry_sdk") is None:
        raise SettingsError(["SENTRY_DSN is set, but sentry-sdk is not installed: pip install 'komo-braze[sentry]'."])


def start_telling(dsn: str | None, process: str) -> None:
    """
    Tell of every error in the log from now on; to be called after `start_logging`.

    Args:
        process: `web`, `worker` or `clock`.
    """
    if not dsn:
        return
    import sentry_sdk

    # Left alone, `send_default_pii` is False; to say so is deprecated.
    sentry_sdk.init(
        dsn, before_send=_scrubbed, default_integrations=False, auto_enabling_integrations=False, max_breadcrumbs=0,
        include_local_variables=False, include_source_context=False,
        max_request_body_size="never", auto_session_tracking=False, send_client_reports=False,
    )  # fmt: skip
    logging.getLogger().addHandler(_Teller(process))
    atexit.register(flush)


def flush() -> None:
    """Wait a moment for what has not been sent yet."""
    if any(isinstance(one, _Teller) for one in logging.getLogger().handlers):
        import sentry_sdk

        sentry_sdk.flush(FLUSH_S)


class _Teller(logging.Handler):
    def __init__(self, process: str) -> None:
        super().__init__(logging.ERROR)
        self._process = process

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(("sentry_sdk", "urllib3")):
            import sentry_sdk

            sentry_sdk.capture_event(as_event(record, self._process))  # type: ignore[arg-type]


def as_event(record: logging.LogRecord, process: str) -> dict[str, Any]:
    """What Sentry is told of a line in the log."""
    told: dict[str, Any] = {"request_id": REQUEST_ID.get()} | vars(record)
    name = record.msg if isinstance(record.msg, str) and _EVENT_NAME.fullmatch(record.msg) else record.name
    if isinstance(record.args, dict) and "exc" in record.args:  # Celery's own words quote the error
        name, told = "task.failed", {"task": record.args.get("name"), "task_id": record.args.get("id")}
    tags = {field: str(told[field])[:200] for field in TOLD if told.get(field) not in (None, "")}
    event = {"level": record.levelname.lower(), "logger": record.name, "message": name,
             "tags": tags | {"process": process}}  # fmt: skip
    if record.exc_info and record.exc_info[0]:
        kind = record.exc_info[0]
        event["exception"] = {"values": [
            {"type": kind.__name__, "module": kind.__module__, "value": name, "stacktrace": {"frames": _frames(record)}}
        ]}  # fmt: skip
    return event


def _frames(record: logging.LogRecord) -> list[dict[str, Any]]:
    frames, trace = [], record.exc_info[2] if record.exc_info else None
    while trace is not None:
        code = trace.tb_frame.f_code
        module = trace.tb_frame.f_globals.get("__name__", "")
        frames.append({"function": code.co_name, "module": module, "filename": code.co_filename.rpartition("/")[2],
                       "lineno": trace.tb_lineno})  # fmt: skip
        trace = trace.tb_next
    return frames


def _scrubbed(event: Any, _: Any) -> Any:
    return {name: event[name] for name in LEAVES if name in event}
