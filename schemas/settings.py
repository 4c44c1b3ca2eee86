"""
The environment, validated like any other input: every mistake is reported together, secrets only as set or not set.

The process that needs a variable names it: `load_settings(os.environ, need=NEEDED_BY_WEB)`.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, validate

#: What each process can't do without; `komo-braze up` and `demo` make these up themselves.
NEEDED_BY_WEB = frozenset({"REDIS_URL", "SECRET_KEY", "ADMIN_PASSWORD", "API_TOKEN"})
NEEDED_BY_WORKER = frozenset({"REDIS_URL", "SECRET_KEY"})
#: What opens doors: no other process has any use for it, and so it should have none of it.
FOR_WEB_ALONE = frozenset({"ADMIN_PASSWORD", "API_TOKEN", "API_READ_TOKEN"})

#: Never shown, in no message and no log line: some hold a password inside a URL.
SECRET_SETTINGS = frozenset(
    {
        "SECRET_KEY",
        "ADMIN_PASSWORD",
        "API_TOKEN",
        "API_READ_TOKEN",
        "REDIS_URL",
        "CELERY_BROKER_URL",
        "BRAZE_PROXY",
        "ALERT_WEBHOOK_URL",
        "SENTRY_DSN",
    }
)

#: Values separated by commas; blanks around them don't count.
LISTED_SETTINGS = frozenset({"SECRET_KEY", "EXTRA_BRAZE_HOSTS"})
STORE_SCHEMES = frozenset({"redis", "rediss", "unix", "sentinel"})
MIN_SECRET_KEY_LENGTH = 32
#: A key of fewer different characters was typed, not drawn.
MIN_SECRET_KEY_VARIETY = 10
#: A clock that is well would be ended sooner.
MIN_WATCHDOG_S = 4


class SettingsError(Exception):
    """The environment can't be used; `sentences` names every mistake in it."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = sentences


@dataclass(frozen=True, slots=True)
class Settings:
    """The validated environment; each field is the variable of the same name in capital letters."""

    #: None: the embedded store (`komo-braze up`, `demo` and the other commands).
    redis_url: str | None = field(repr=False)
    #: None: the same as the store.
    celery_broker_url: str | None = field(repr=False)
    #: Of the store: how many must have a write before anybody is told of it.
    store_replicas: int
    data_dir: Path
    #: Newest first: the first one seals and signs, all of them open. Empty where the process needs none.
    secret_key: tuple[str, ...] = field(repr=False)
    admin_password: str | None = field(repr=False)
    api_token: str | None = field(repr=False)
    api_read_token: str | None = field(repr=False)
    host: str
    port: int
    web_workers: int
    #: Without a slash at its end. None: not told yet; `up` and `demo` use http://127.0.0.1:PORT.
    public_url: str | None
    trusted_proxies: int
    metrics_public: bool
    braze_proxy: str | None = field(repr=False)
    #: Normalised by `origin`: scheme://host[:port] in small letters, the scheme's own port left out.
    extra_braze_hosts: tuple[str, ...]
    alert_webhook_url: str | None = field(repr=False)
    max_waiting: int
    #: None: half of the store's `maxmemory`.
    max_waiting_bytes: int | None
    retention_hours: int
    keep_settled: int
    dead_letter_retention_hours: int
    hold_hours: int
    person_spacing_ms: int
    worker_threads: int
    #: 0: nobody watches.
    watchdog_s: int
    lanes: int
    log_level: str
    #: Where crashes are told; None: nowhere.
    sentry_dsn: str | None = field(repr=False)


def origin(url: str) -> str:
    """
    The scheme, host and port of an http(s) address, in one way of writing them.

    Returns: scheme://host[:port] in small letters; 443 of https and 80 of http are left out.
    Raises: ValueError if it is no http(s) address of a host, or holds a user, a path, a query or a fragment.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is no http:// or https:// address")
    if any(sign.isspace() for sign in parts.netloc):
        raise ValueError("must be written without blanks")
    if "@" in parts.netloc or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError("must be scheme, host and port alone")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in {None, usual} else "")


def _store_url(value: str) -> None:
    try:
        parts = urlsplit(value)
    except ValueError:
        raise ValidationError("must name a host.") from None
    if parts.scheme not in STORE_SCHEMES:
        raise ValidationError("must start with redis://, rediss://, unix:// or sentinel://.")
    if parts.scheme == "unix" and not parts.path.startswith("/"):
        raise ValidationError("must name the socket with its whole path: unix:///run/redis/redis.sock.")
    if parts.scheme == "sentinel" and not parse_qs(parts.query).get("master"):
        raise ValidationError("must name its master: sentinel://host:26379,host2:26379/0?master=mymaster.")
    if parts.scheme != "unix" and not parts.netloc.rpartition("@")[2]:
        raise ValidationError("must name a host.")


def _web_url(value: str) -> None:
    try:
        parts = urlsplit(value)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValidationError("must be an http:// or https:// address.")


def _strong_keys(keys: list[str]) -> None:
    if any(len(key) < MIN_SECRET_KEY_LENGTH or len(set(key)) < MIN_SECRET_KEY_VARIETY for key in keys):
        raise ValidationError(
            f"must hold random keys of at least {MIN_SECRET_KEY_LENGTH} characters; "
            "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'."
        )


def _origins(values: list[str]) -> None:
    try:
        _ = [origin(value) for value in values]
    except ValueError as error:
        raise ValidationError("must be a list like https://rest.example.com,http://127.0.0.1:8001.") from error


def _watchful(seconds: int) -> None:
    if 0 < seconds < MIN_WATCHDOG_S:
        raise ValidationError(f"must be 0, or {MIN_WATCHDOG_S} or more: the clock calls every 2 seconds.")


def _listed(name: str, check: Callable[[list[str]], None]) -> fields.List[str]:
    return fields.List(fields.String(), data_key=name, load_default=list, validate=check)


def _whole(
    name: str, least: int, most: int, default: int | None, *, also: Callable[[int], None] | None = None
) -> fields.Integer:
    told = f"must be a whole number from {least:,} to {most:,}."
    return fields.Integer(
        data_key=name,
        load_default=default,
        validate=[validate.Range(min=least, max=most, error=told), *([also] if also else [])],
        error_messages={"invalid": told, "too_large": told},
    )


def _text(name: str, *checks: Any, default: str | None = None) -> fields.String:
    return fields.String(data_key=name, load_default=default, validate=list(checks))


def _at_least(length: int) -> validate.Length:
    return validate.Length(min=length, error=f"must have at least {length} characters.")


class SettingsSchema(Schema):
    """Environment variables by name; what else stands in the environment is left alone."""

    class Meta:
        unknown = EXCLUDE

    redis_url = _text("REDIS_URL", _store_url)
    celery_broker_url = _text("CELERY_BROKER_URL")
    store_replicas = _whole("STORE_REPLICAS", 0, 10, 0)
    data_dir = _text("DATA_DIR", default="./data")
    secret_key = _listed("SECRET_KEY", _strong_keys)
    admin_password = _text("ADMIN_PASSWORD", _at_least(8))
    api_token = _text("API_TOKEN", _at_least(16))
    api_read_token = _text("API_READ_TOKEN", _at_least(16))
    host = _text("HOST", default="0.0.0.0")  # noqa: S104 -- a container is reached from outside; `demo` binds loopback
    port = _whole("PORT", 1, 65535, 8000)
    web_workers = _whole("WEB_WORKERS", 1, 256, 2)
    public_url = _text("PUBLIC_URL", _web_url)
    trusted_proxies = _whole("TRUSTED_PROXIES", 0, 10, 0)
    metrics_public = fields.Boolean(
        data_key="METRICS_PUBLIC", load_default=False, error_messages={"invalid": "must be 1 or 0."}
    )
    braze_proxy = _text("BRAZE_PROXY", _web_url)
    extra_braze_hosts = _listed("EXTRA_BRAZE_HOSTS", _origins)
    alert_webhook_url = _text("ALERT_WEBHOOK_URL", _web_url)
    max_waiting = _whole("MAX_WAITING", 1, 1_000_000_000, 1_000_000)
    max_waiting_bytes = _whole("MAX_WAITING_BYTES", 1, 2**50, None)
    retention_hours = _whole("RETENTION_HOURS", 1, 8_760, 72)
    keep_settled = _whole("KEEP_SETTLED", 0, 100_000_000, 100_000)
    dead_letter_retention_hours = _whole("DEAD_LETTER_RETENTION_HOURS", 1, 87_600, 720)
    hold_hours = _whole("HOLD_HOURS", 1, 8_760, 24)
    person_spacing_ms = _whole("PERSON_SPACING_MS", 0, 600_000, 2_000)
    worker_threads = _whole("WORKER_THREADS", 1, 256, 16)
    watchdog_s = _whole("WATCHDOG_S", 0, 3_600, 60, also=_watchful)
    lanes = _whole("LANES", 1, 256, 4)
    log_level = fields.String(
        data_key="LOG_LEVEL",
        load_default="INFO",
        validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"], error="must be DEBUG, INFO, WARNING or ERROR."),
    )

    sentry_dsn = _text("SENTRY_DSN", _web_url)

    @post_load
    def _build(self, values: dict[str, Any], **_: Any) -> Settings:
        return Settings(
            **values
            | {
                "data_dir": Path(values["data_dir"]).expanduser(),
                "secret_key": tuple(values["secret_key"]),
                "extra_braze_hosts": tuple(dict.fromkeys(map(origin, values["extra_braze_hosts"]))),
                "public_url": values["public_url"] and values["public_url"].rstrip("/"),
            }
        )


_SCHEMA = SettingsSchema()
#: Every variable's name, in the order of the schema.
SETTING_NAMES = tuple(str(one.data_key) for one in _SCHEMA.fields.values())


def load_settings(environ: Mapping[str, str], *, need: Collection[str] = ()) -> Settings:
    """
    Read the settings out of an environment.

    Args:
        environ: Variables by name; empty or blank ones count as not set, unknown ones are left alone.
        need: Names of variables that must be set for this process: `NEEDED_BY_WEB`, `NEEDED_BY_WORKER` or none.

    Raises: SettingsError with a sentence for every mistake.
    """
    given = {name: environ[name].strip() for name in SETTING_NAMES if environ.get(name, "").strip()}
    sentences = [f"{name} must be set." for name in sorted(set(need) - given.keys())]
    try:
        settings = _SCHEMA.load({name: _prepared(name, value) for name, value in given.items()})
    except ValidationError as error:
        sentences += _sentences(error, given)
    if sentences:
        raise SettingsError(sentences)
    assert isinstance(settings, Settings)  # noqa: S101 -- the schema's post_load says so; for the types alone
    return settings


def shown(settings: Settings) -> dict[str, Any]:
    """The settings by variable name, as logs and the doctor may show them: secrets only as "set" or "not set"."""
    values = {str(one.data_key): getattr(settings, name) for name, one in _SCHEMA.fields.items()}
    return {
        name: ("set" if value else "not set") if name in SECRET_SETTINGS else value for name, value in values.items()
    }


def _prepared(name: str, value: str) -> str | list[str]:
    if name in LISTED_SETTINGS:
        return [part.strip() for part in value.split(",") if part.strip()]
    return value.upper() if name == "LOG_LEVEL" else value


def _sentences(error: ValidationError, given: Mapping[str, str]) -> list[str]:
    messages = error.messages_dict
    return [
        f"{name} {message}" if name in SECRET_SETTINGS else f"{name} is {given.get(name)!r}, but {message}"
        for name in SETTING_NAMES
        for message in messages.get(name, [])
    ]
