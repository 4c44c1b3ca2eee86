"""
Braze's standard attributes: what each of them takes. Pure.

A value outside of its format makes Braze refuse the whole object (e-mail, location), clear the field (country) or
do nothing without saying so (time zone), so it never leaves here.
Source: https://www.braze.com/docs/api/objects_filters/user_attributes_object/
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import Any

import orjson

from schemas.date_format import parts
from schemas.submission import MISSING
from workers.countries import country
from workers.dates import as_datetime, date_of, reader
from workers.emails import email as email
from workers.flaws import Convert, Flawed
from workers.genders import gender
from workers.languages import language
from workers.numbers import number
from workers.phones import phone as phone
from workers.time_zones import time_zone
from workers.values import boolean, json_object, spell, text

#: Characters of `image_url`.
MAX_URL = 1024
#: Nobody who plays a card was born before; it is the placeholder year of a database.
FIRST_BIRTH = "1880"
#: Distinct birthdays remembered per pattern, and distinct addresses of images.
REMEMBERED = 5_000

_PAIR = re.compile(r"([+-]?\d{1,2}(?:\.\d{1,20})?)\s*[,;\s]\s*([+-]?\d{1,3}(?:\.\d{1,20})?)", re.ASCII)
_ADDRESS = re.compile(r"https?://[^\s/?#\\<>\"]+\.[^\s/?#\\<>\"]+([/?#][^\s<>\"\\]*)?", re.IGNORECASE)
#: As forms, maps and browsers call them.
_LATITUDE = ("latitude", "lat", "Latitude", "Lat", "LAT")
_LONGITUDE = ("longitude", "lng", "lon", "long", "Longitude", "Lng", "Lon", "Long", "LNG", "LON")


def location(value: Any) -> Any:
    """
    `{"longitude": …, "latitude": …}`, from an object with names for them, a GeoJSON point, or the text "lat, long".

    A list of two numbers is left out, as some write the longitude first, and so is 0, 0, which is an empty value of
    something else.
    """
    if isinstance(value, str):
        value = _written_location(value)
    found = _coordinates(value) if isinstance(value, dict) else None
    if found is None:
        return Flawed("location_not_valid")
    longitude, latitude = number(found[0]), number(found[1])
    if isinstance(longitude, Flawed) or isinstance(latitude, Flawed) or abs(longitude) > 180 or abs(latitude) > 90:
        return Flawed("location_not_valid")
    if not longitude and not latitude:
        return Flawed("location_not_valid")
    return {"longitude": longitude, "latitude": latitude}


def _written_location(written: str) -> Any:
    pair = _PAIR.fullmatch(written.strip())
    if pair is not None:
        return {"latitude": pair[1], "longitude": pair[2]}
    try:
        return orjson.loads(written)
    except orjson.JSONDecodeError:
        return None


def _coordinates(members: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """Longitude and latitude as they stand there."""
    pair = members.get("coordinates")
    if members.get("type") == "Point" and isinstance(pair, list) and len(pair) >= 2:
        return pair[0], pair[1]  # https://www.rfc-editor.org/rfc/rfc7946#section-3.1.1
    for inner in (members, *(members.get(name) for name in ("coordinates", "coords", "location"))):
        if isinstance(inner, dict):
            longitude, latitude = _first(inner, _LONGITUDE), _first(inner, _LATITUDE)
            if longitude is not MISSING and latitude is not MISSING:
                return longitude, latitude
    return None


def _first(members: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((members[name] for name in names if name in members), MISSING)


def image_url(value: Any) -> Any:
    """A web address of at most 1024 characters."""
    return _image_url(value) if isinstance(value, str) else Flawed("image_url_not_valid")


@lru_cache(REMEMBERED)
def _image_url(written: str) -> Any:
    spelled = spell(written)
    if not isinstance(spelled, str) or len(spelled) > MAX_URL or _ADDRESS.fullmatch(spelled) is None:
        return Flawed("image_url_not_valid")
    return spelled


def dob(pattern: str | None) -> Convert:
    """
    A converter to a date of birth. Its day is never shifted, and never guessed:

    a time in UTC beside the date is midnight somewhere else, so that the birthday may be the day before or after;
    a two-digit year may be of either century where both are an age of somebody living;
    without a day or a month it is no birthday, and the first of January is one.
    """
    named = {part.name for part in parts(pattern)} if pattern else {"day", "month"}
    if "day" not in named or named.isdisjoint(("month", "month_name")):
        return lambda _: Flawed("date_of_birth_incomplete")
    read = reader(pattern, _century_of_birth)

    @lru_cache(REMEMBERED)
    def convert_text(written: str) -> Any:
        found = read(written.strip())
        if found is None:
            return Flawed("not_a_date")
        if _may_be_shifted(found):
            return Flawed("date_of_birth_has_a_time")
        converted = date_of(found)
        return Flawed("date_out_of_range") if converted.__class__ is str and converted < FIRST_BIRTH else converted

    return lambda value: convert_text(value) if isinstance(value, str) else Flawed("not_a_date")


def _may_be_shifted(birth: datetime) -> bool:
    return birth.utcoffset() == timedelta(0) and birth.time() != time.min


def _century_of_birth(year: int) -> int | None:
    if year >= 30:
        return 1900
    return 2000 if year < 20 else None


_PLAIN: Mapping[str, Convert] = {
    "first_name": text,
    "last_name": text,
    "home_city": text,
    "email": email,
    "gender": gender,
    "country": country,
    "language": language,
    "time_zone": time_zone,
    "current_location": location,
    "image_url": image_url,
    "email_open_tracking_disabled": boolean,
    "email_click_tracking_disabled": boolean,
    "facebook": json_object,
    "twitter": json_object,
}
_TIMES = ("date_of_first_session", "date_of_last_session", "marked_email_as_spam_at")
_BUILT: Mapping[str, Callable[[str | None, str | None], Convert]] = {
    "phone": lambda region, _: phone(region),
    "dob": lambda _, pattern: dob(pattern),
    **dict.fromkeys(_TIMES, lambda _, pattern: as_datetime(pattern)),
}


def standard(attribute: str, *, region: str | None, pattern: str | None) -> Convert | None:
    """The converter of a standard attribute, whatever type was declared for it; None for any other name."""
    if attribute in _BUILT:
        return _BUILT[attribute](region, pattern)
    return _PLAIN.get(attribute)
