"""
Braze's standard attributes: what each of them takes. Pure.

A value outside of its format makes Braze refuse the whole object (e-mail, location), clear the field (country) or
do nothing without saying so (time zone), so it never leaves here.
Source: https://www.braze.com/docs/api/objects_filters/user_attributes_object/
"""

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any
from zoneinfo import available_timezones

import orjson
import phonenumbers

from schemas.submission import MISSING
from workers.dates import as_date, as_datetime
from workers.values import Convert, Flawed, boolean, json_object, number, spell, text

#: Characters of `image_url`.
MAX_URL = 1024
#: Distinct values remembered per normaliser: the same ones come back with every submission of a person.
REMEMBERED = 20_000
#: Longer than any phone number that somebody typed with signs between its digits.
MAX_PHONE = 40

# https://www.braze.com/docs/user_guide/message_building_by_channel/email/email_setup/email_validation/
_LOCAL = re.compile(r"[\w\-^+$'&#/!%*=?~`|]+(\.[\w\-^+$'&#/!%*=?~`|]+)*")
_LOCAL_MICROSOFT = re.compile(r"[\w-]+(\.[\w-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_TOP_LABEL = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]{1,59}", re.ASCII)
_MICROSOFT = ("msn", "hotmail", "outlook", "live")

_GENDERS = {
    "M": ("m", "male", "man", "boy"),
    "F": ("f", "female", "woman", "girl"),
    "O": ("o", "other", "another", "x", "non-binary", "nonbinary", "non binary", "diverse"),
    "N": ("n", "n/a", "na", "not applicable"),
    "P": ("p", "prefer not to say", "prefer not to answer", "rather not say", "i'd rather not say", "undisclosed"),
}
_GENDER = {word: letter for letter, words in _GENDERS.items() for word in words}

#: What people write and the ISO list does not.
_COUNTRY_WORDS = {
    "uk": "GB", "great britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "northern ireland": "GB",
    "u.s.": "US", "u.s.a.": "US", "america": "US", "russia": "RU", "turkey": "TR", "holland": "NL",
    "the netherlands": "NL",
    "ivory coast": "CI", "palestine": "PS", "brunei": "BN", "macedonia": "MK", "swaziland": "SZ", "cape verde": "CV",
    "macau": "MO", "burma": "MM", "micronesia": "FM", "the philippines": "PH", "uae": "AE", "korea": "KR",
}  # fmt: skip

#: ISO 639-1.
_LANGUAGES = frozenset(
    re.findall(
        "..",
        "aaabaeafakamanarasavayazbabebgbhbibmbnbobrbscacechcocrcscucvcydadedv"
        "dzeeeleneoeseteufafffifjfofrfygagdglgngugvhahehihohrhthuhyhziaidieig"
        "iiikioisitiujajvkakgkikjkkklkmknkokrkskukvkwkylalblglilnloltlulvmgmh"
        "mimkmlmnmrmsmtmynanbndnengnlnnnonrnvnyocojomorospapiplpsptqurmrnroru"
        "rwsascsdsesgsiskslsmsnsosqsrssstsusvswtatetgthtitktltntotrtstttwtyug"
        "ukuruzvevivowawoxhyiyozazhzu",
    )
)


def email(value: Any) -> Any:
    """An address that Braze accepts, in lower case: it also selects people, and must be the same everywhere."""
    return _email(value) if isinstance(value, str) else Flawed("email_not_valid")


@lru_cache(REMEMBERED)
def _email(value: str) -> Any:
    address = value.strip().lower()
    local, at, host = address.rpartition("@")
    return address if at and _is_local(local, host) and _is_host(host) else Flawed("email_not_valid")


def _is_local(local: str, host: str) -> bool:
    if len(local) > 64 or _LOCAL.fullmatch(local) is None:
        return False
    labels = host.split(".")
    if "gmail" in labels:
        return len(local) > 1
    if any(name in label for label in labels for name in _MICROSOFT):
        return _LOCAL_MICROSOFT.fullmatch(local.partition("+")[0]) is not None
    return True


def _is_host(host: str) -> bool:
    labels = host.split(".")
    return (
        len(labels) > 1
        and all(_LABEL.fullmatch(label) for label in labels)
        and _TOP_LABEL.fullmatch(labels[-1]) is not None
    )


def phone(region: str | None) -> Convert:
    """
    A converter to E.164: ten digits without a plus sign are an American number to Braze, whatever the person meant.

    Args:
        region: ISO alpha-2 code of the country in which national numbers are read; without one they are left out.
    Source: https://www.braze.com/docs/user_guide/message_building_by_channel/sms_mms_and_rcs/message_setup/user_phone_numbers/
    """

    def convert(value: Any) -> Any:
        written = spell(value) if value.__class__ in (str, int) else ""
        return _phone(written, region) if isinstance(written, str) else written

    return convert


@lru_cache(REMEMBERED)
def _phone(written: str, region: str | None) -> Any:
    flawed = Flawed("phone_not_valid")
    if not 3 < len(written) <= MAX_PHONE:
        return flawed
    try:
        parsed = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return flawed
    if not phonenumbers.is_valid_number(parsed):
        return flawed
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def gender(value: Any) -> Any:
    """M, F, O, N or P, from the letter or common English words."""
    found = _GENDER.get(" ".join(value.lower().replace("’", "'").split())) if isinstance(value, str) else None
    return found or Flawed("gender_unknown")


def country(value: Any) -> Any:
    """An ISO 3166-1 alpha-2 code, from it, the alpha-3 code or the English name. Braze clears the field otherwise."""
    found = _countries().get(" ".join(value.lower().split())) if isinstance(value, str) else None
    return found or Flawed("country_unknown")


@cache
def _countries() -> Mapping[str, str]:
    from pycountry import countries  # 30 ms that only those pay who map a country

    codes = {}
    for entry in countries:
        for member in ("alpha_2", "alpha_3", "name", "official_name", "common_name"):
            if hasattr(entry, member):
                codes[getattr(entry, member).lower()] = entry.alpha_2
    return codes | _COUNTRY_WORDS


def language(value: Any) -> Any:
    """A two-letter ISO 639-1 code; what follows it, such as the region of en-AU, is cut off."""
    code = re.split("[-_]", value.strip().lower(), maxsplit=1)[0] if isinstance(value, str) else ""
    return code if code in _LANGUAGES else Flawed("language_unknown")


def time_zone(value: Any) -> Any:
    """A name of the IANA database, in any case. Braze ignores others without saying so."""
    found = _time_zones().get(value.strip().lower()) if isinstance(value, str) else None
    return found or Flawed("time_zone_unknown")


@cache
def _time_zones() -> Mapping[str, str]:
    return {name.lower(): name for name in available_timezones() if "/" in name or name in ("UTC", "GMT")}


def location(value: Any) -> Any:
    """`{"longitude": …, "latitude": …}`; a pair of numbers without names is never guessed at."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return Flawed("location_not_valid")
    if not isinstance(value, dict):
        return Flawed("location_not_valid")
    longitude = number(_first(value, "longitude", "lng", "lon", "long"))
    latitude = number(_first(value, "latitude", "lat"))
    if isinstance(longitude, Flawed) or isinstance(latitude, Flawed) or abs(longitude) > 180 or abs(latitude) > 90:
        return Flawed("location_not_valid")
    return {"longitude": longitude, "latitude": latitude}


def _first(members: Mapping[str, Any], *names: str) -> Any:
    return next((members[name] for name in names if name in members), MISSING)


def image_url(value: Any) -> Any:
    """An address of at most 1024 characters."""
    spelled = spell(value)
    if not isinstance(spelled, str) or not re.fullmatch(r"https?://\S+", spelled) or len(spelled) > MAX_URL:
        return Flawed("image_url_not_valid")
    return spelled


def dob(pattern: str | None) -> Convert:
    """A converter to a date of birth; the placeholder years of databases are not one."""
    read = as_date(pattern)

    def convert(value: Any) -> Any:
        found = read(value)
        return Flawed("date_out_of_range") if isinstance(found, str) and found < "1880" else found

    return convert


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
