"""The environment: mistakes have been told before, here is what is weak."""

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from ingest.doctor.finding import Finding, ok, warning
from schemas.settings import NEEDED_BY_WEB, Settings

SETTINGS = "settings"
#: A password that few would guess in a year of wrong ones from many addresses.
GOOD_PASSWORD_LENGTH, GOOD_PASSWORD_VARIETY = 12, 6
#: Whoever guesses begins with these.
EXPECTED_WORDS = ("komo", "braze", "admin", "password", "welcome", "qwerty", "12345")


def check_settings(settings: Settings, *, embedded: bool) -> Iterator[Finding]:
    """
    Args:
        embedded: Whether the store is that of the data directory, where `up` makes up what is missing.
    """
    found = [
        *_public_url(settings), *_proxies(settings), *_metrics(settings), *_password(settings), *_tokens(settings),
        *_plain(settings), *_web(settings, embedded=embedded),
    ]  # fmt: skip
    yield from found or [ok(SETTINGS, "Every setting can be used.")]


def _public_url(settings: Settings) -> Iterator[Finding]:
    url = urlsplit(settings.public_url or "")
    if not settings.public_url:
        yield warning(
            SETTINGS, "PUBLIC_URL is not set: addresses that are shown lead to this machine alone.",
            "Set it to the address by which Komo reaches the web process.",
        )  # fmt: skip
    elif is_local(url.hostname or ""):
        yield warning(
            SETTINGS, f"PUBLIC_URL leads to this machine alone ({url.netloc}): Komo can't post there.",
            "Set it to the address by which the internet reaches the web process.",
        )  # fmt: skip
    elif url.scheme != "https":
        yield warning(
            SETTINGS, "PUBLIC_URL is not https: submissions and secrets of the webhook travel in the clear.",
            "Put a proxy with TLS in front, and set PUBLIC_URL to its https:// address.",
        )  # fmt: skip


def _proxies(settings: Settings) -> Iterator[Finding]:
    if (settings.public_url or "").startswith("https://") and not settings.trusted_proxies:
        yield warning(
            SETTINGS, "PUBLIC_URL is https, and TRUSTED_PROXIES is 0: everybody who signs in seems to be the proxy.",
            "Set TRUSTED_PROXIES to the number of proxies in front of the web process, which speaks plain HTTP itself.",
        )  # fmt: skip


def _metrics(settings: Settings) -> Iterator[Finding]:
    if settings.metrics_public:
        yield warning(
            SETTINGS, "METRICS_PUBLIC is 1: whoever reaches the web process can read its metrics.",
            "Leave it out and give the collector a token, or keep /metrics from the internet in the proxy.",
        )  # fmt: skip


def _password(settings: Settings) -> Iterator[Finding]:
    password = settings.admin_password or ""
    said = next((word for word in EXPECTED_WORDS if word in password.lower()), "")
    if password and (len(password) < GOOD_PASSWORD_LENGTH or len(set(password)) < GOOD_PASSWORD_VARIETY or said):
        yield warning(
            SETTINGS, "ADMIN_PASSWORD can be guessed: it opens everything, and whoever reaches the pages may try.",
            f"Take {GOOD_PASSWORD_LENGTH} random characters or more, without {', '.join(EXPECTED_WORDS)} in them.",
        )  # fmt: skip


def _tokens(settings: Settings) -> Iterator[Finding]:
    given: dict[str, list[str | None]] = {
        "ADMIN_PASSWORD": [settings.admin_password],
        "API_TOKEN": [settings.api_token],
        "API_READ_TOKEN": [settings.api_read_token],
        "SECRET_KEY": [*settings.secret_key],
    }
    all_of_them = [value for values in given.values() for value in values if value]
    names = [name for name, values in given.items() if any(one and all_of_them.count(one) > 1 for one in values)]
    if names:
        yield warning(
            SETTINGS, f"{' and '.join(names)} are the same: whoever has one of them has the others.",
            "Give each a value of its own; a token that may only read is none if it is API_TOKEN as well.",
        )  # fmt: skip


def _plain(settings: Settings) -> Iterator[Finding]:
    """What leaves this machine without TLS."""
    plain = [one for one in settings.extra_braze_hosts if one.startswith("http://")]
    plain = [one for one in plain if not is_local(urlsplit(one).hostname or "")]
    if plain:
        yield warning(
            SETTINGS, f"EXTRA_BRAZE_HOSTS allows {', '.join(plain)}: keys and people's data would travel in the clear.",
            "Write https:// there.",
        )  # fmt: skip


def _web(settings: Settings, *, embedded: bool) -> Iterator[Finding]:
    given = {"ADMIN_PASSWORD": settings.admin_password, "API_TOKEN": settings.api_token}
    missing = [name for name in sorted(NEEDED_BY_WEB) if name in given and not given[name]]
    if missing and not embedded:
        yield warning(
            SETTINGS, f"{' and '.join(missing)} not set here: a web process would not start with this environment.",
            "Run this command with the environment of the web process.",
        )  # fmt: skip


def is_local(host: str) -> bool:
    """Whether this name leads to the machine that asks."""
    try:
        return ip_address(host).is_loopback or ip_address(host).is_unspecified
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
