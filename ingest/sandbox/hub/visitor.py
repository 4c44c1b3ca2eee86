"""Who plays, on which page, and what a form told: the shapes that the bodies are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from .cards import CONSENT


@dataclass(frozen=True)
class Visitor:
    """
    Whoever plays, as Komo knows them: four ids that are spaces of their own, and what this session captured.

    `profile_id` only exists for people who have signed in to the hub.
    """

    session_id: str
    contact_id: str
    user_id: str
    profile_id: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """What a browser tells of the page it shows; only shape C carries it."""

    host: str = "play.example.com"
    path: str = "/"
    query: str = ""
    url: str = "https://play.example.com/"
    referrer: str = ""
    languages: tuple[str, ...] = ("en-AU", "en")
    user_agent: str = "Mozilla/5.0"


@dataclass(frozen=True)
class Entry:
    """A filled-in form: its two ids and its fields, every value a string."""

    id: str
    submission_id: str
    fields: Mapping[str, str]


def known_by(visitor: Visitor, fields: Mapping[str, str]) -> Visitor:
    """The visitor with what a form told: every field that is not empty, except the consent, becomes an attribute."""
    told = {key: value for key, value in fields.items() if value and key != CONSENT.key}
    return replace(visitor, attributes={**visitor.attributes, **told})
