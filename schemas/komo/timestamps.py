"""When something happened, out of whatever Komo or the author of a workflow wrote for it."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

#: Nothing of Komo's is older; what looks older is a default value or a broken clock.
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)

#: How far the clock of a browser or server may be ahead of ours and still be believed.
AHEAD: Final = timedelta(minutes=5)

#: As seconds this is the year 5138, as milliseconds 1973: no believable time is read the wrong way.
_MILLISECONDS_FROM: Final = 1e11

#: Fewer digits than this are a date like 20260203, not an epoch time.
_EPOCH_DIGITS: Final = 9


def read_moment(value: Any, received_at: datetime) -> tuple[datetime, str | None]:
    """
    The moment that a timestamp means, or the time of receipt where it can't be believed.

    Args:
        value: ISO 8601 text with any fraction and offset (none means UTC), or epoch seconds or milliseconds as number
            or text. The legacy events show `2000-01-01T00:00:00.000Z`; for workflows it is the author's choice.
        received_at: Aware, UTC.

    Returns: The moment (aware, UTC), and the name of a warning if it is the time of receipt.
    Source: https://developers.komo.tech/webhook-events/cards
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return received_at, "occurred_at_absent"
    try:
        moment = _parse(value)
    except (ValueError, OverflowError, OSError):
        return received_at, "occurred_at_unreadable"
    if moment < EARLIEST:
        return received_at, "occurred_at_before_2000"
    if moment - received_at > AHEAD:
        return received_at, "occurred_at_in_the_future"
    return moment, None


def _parse(value: Any) -> datetime:
    if isinstance(value, str):
        text = value.strip()
        if text[4:5] != "-" and _is_epoch(text):
            return _from_epoch(float(text))
        moment = datetime.fromisoformat(text[:-1] + "Z" if text[-1] == "z" else text)
        if moment.tzinfo is UTC:
            return moment
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_epoch(value)
    raise ValueError


def _is_epoch(text: str) -> bool:
    whole, _, fraction = text.partition(".")
    return whole.isdecimal() and len(whole) >= _EPOCH_DIGITS and (fraction.isdecimal() or not fraction)


def _from_epoch(number: float) -> datetime:
    return datetime.fromtimestamp(number / 1000 if abs(number) >= _MILLISECONDS_FROM else number, UTC)
