"""The sandbox hub's settings, and how they are read from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from urllib.parse import urlsplit


@dataclass(frozen=True)
class HubSettings:
    """Where the hub posts to, and the links that it shows."""

    #: Where the connector takes submissions: http(s)://host:port/webhooks/komo/<integration_id>
    webhook_url: str
    #: Sent as `Authorization: Bearer`; nothing is sent if it is empty.
    webhook_secret: str = field(default="", repr=False)
    #: Shown to the player; `{email}` in it becomes the player's address. No link if empty.
    braze_url: str = ""
    #: Shown to the player; `{submission_id}` in it becomes the id that the connector gave. No link if empty.
    connector_url: str = ""
    #: Signs the session cookie; by default a new one for every start.
    secret_key: str = field(default_factory=token_hex, repr=False)

    @classmethod
    def from_mapping(cls, environ: Mapping[str, str]) -> "HubSettings":
        """
        Read SANDBOX_HUB_WEBHOOK_URL, _WEBHOOK_SECRET, _BRAZE_URL and _CONNECTOR_URL.

        Raises: ValueError with every problem in one sentence each; no value of a secret is in it.
        """
        urls = {name: environ.get(f"SANDBOX_HUB_{name}", "").strip() for name in _URLS}
        problems = [
            f"SANDBOX_HUB_{name} must be an http:// or https:// address." for name in _URLS if not _fits(name, urls)
        ]
        if problems:
            raise ValueError(" ".join(problems))
        return cls(
            webhook_url=urls["WEBHOOK_URL"],
            webhook_secret=environ.get("SANDBOX_HUB_WEBHOOK_SECRET", "").strip(),
            braze_url=urls["BRAZE_URL"],
            connector_url=urls["CONNECTOR_URL"],
        )


_URLS = ("WEBHOOK_URL", "BRAZE_URL", "CONNECTOR_URL")


def _fits(name: str, urls: Mapping[str, str]) -> bool:
    url = urls[name]
    if not url:
        return name != "WEBHOOK_URL"
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.netloc)
