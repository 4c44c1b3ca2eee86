"""In which language somebody reads: what they chose, else what their browser asks for."""

from pathlib import Path
from typing import Any

from flask import Flask, has_request_context, request, session
from flask_babel import Babel, format_decimal, get_locale, gettext, lazy_gettext, ngettext

#: Each language in its own name.
LANGUAGES = {"en": "English", "pt": "Português"}
#: What browsers and screen readers are told, where it says more than the name here.
_SPOKEN = {"pt": "pt-BR"}


def speak(app: Flask) -> None:
    """Let templates and views speak it."""
    app.config.setdefault("BABEL_TRANSLATION_DIRECTORIES", str(Path(__file__).parents[1] / "translations"))
    Babel(app, default_locale="en", default_timezone="UTC", locale_selector=_language)
    app.context_processor(lambda: {"languages": LANGUAGES, "language": str(get_locale() or "en")})
    app.add_template_filter(spoken, "spoken")


def _language() -> str:
    if not has_request_context():
        return "en"
    chosen = session.get("language") if session else None
    return chosen if chosen in LANGUAGES else request.accept_languages.best_match(list(LANGUAGES), "en")


def spoken(language: str) -> str:
    """One of LANGUAGES as a `lang` attribute names it: the Portuguese is that of Brazil, and has to be read so."""
    return _SPOKEN.get(language, language)


def _(text: str, **values: Any) -> str:
    """A sentence in the reader's language; `%(name)s` in it stands for a value."""
    return str(gettext(text, **values))


def many(one: str, more: str, num: int, **values: Any) -> str:
    """The same with a number in it, `%(num)d`, which decides between two forms."""
    return str(ngettext(one, more, num, **values))


def later(text: str) -> Any:
    """A sentence that is put into the reader's language when it is shown: for what is made once, such as labels."""
    return lazy_gettext(text)


def number(value: float) -> str:
    """12,345 as the reader's language writes it."""
    return str(format_decimal(value, format="#,##0.##"))


def country_names() -> dict[str, str]:
    """By ISO code of two letters, in the reader's language."""
    locale = get_locale()
    return dict(locale.territories) if locale else {}
