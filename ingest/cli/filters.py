"""Options that say which ones: the same for dead letters and submissions."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any, TypeVar

import click

from schemas.api import MOST_ON_A_PAGE, PAGE
from schemas.dead_letter import REASONS, LetterFilter, SoughtPerson

_F = TypeVar("_F", bound=Callable[..., Any])


def moment(_: click.Context, param: click.Parameter, text: str | None) -> datetime | None:
    """A time in ISO 8601; without an offset UTC."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no time, such as 2026-01-31T09:00:00Z.", param=param) from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    try:
        found.astimezone(UTC)
    except OverflowError:
        raise click.BadParameter(f"{text!r} is before the year 1 or after 9999 in UTC.", param=param) from None
    return found


class Number(click.FloatRange):
    """A number in a range; `nan` is in every range, as click compares."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if not isfinite(found):
            self.fail(f"{value} is no number.", param, ctx)
        return found


def not_blank(_: click.Context, param: click.Parameter, text: str | None) -> str | None:
    """A text that would not match everything by mistake."""
    if text is not None and not text.strip():
        raise click.BadParameter("must not be blank.", param=param)
    return text


def page_options(command: _F) -> _F:
    """`--cursor` and `--limit`."""
    cursor = click.option("--cursor", help="`next` of the page before.")
    limit = click.option("--limit", type=click.IntRange(1, MOST_ON_A_PAGE), default=PAGE, show_default=True)
    return cursor(limit(command))


def search_options(command: _F) -> _F:
    """`--identifier` and `--text`."""
    identifier = click.option(
        "--identifier", metavar="TEXT", callback=not_blank, help="Of the person: id, alias, e-mail or phone number."
    )
    text = click.option("--text", metavar="TEXT", callback=not_blank, help="Stands somewhere in the body.")
    return identifier(text(command))


def letter_options(command: _F) -> _F:
    """Which dead letters; `read_filter` reads them."""
    integration = click.option("--integration", metavar="ID")
    reason = click.option("--reason", type=click.Choice(REASONS))
    since = click.option("--since", callback=moment, metavar="TIME", help="Dead at or after this time.")
    until = click.option("--until", callback=moment, metavar="TIME", help="Dead at or before this time.")
    return integration(reason(since(until(search_options(command)))))


def read_filter(asked: Mapping[str, Any]) -> LetterFilter:
    """What the options of `letter_options` say."""
    return LetterFilter(**{**asked, "identifier": sought(asked["identifier"])})


def sought(text: str | None) -> SoughtPerson | None:
    """Somebody of whom only a value is known."""
    return None if text is None else SoughtPerson(None, text)
