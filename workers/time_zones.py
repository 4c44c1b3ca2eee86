"""
Names of time zones → a name of the IANA database. Pure.

Braze takes those and the names that Ruby on Rails has for them, and ignores any other without saying so.
Source: https://www.braze.com/docs/api/objects_filters/user_attributes_object/
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any
from zoneinfo import available_timezones

from workers.flaws import Flawed
from workers.words import MAX_WORDS, plain

#: Distinct spellings remembered.
REMEMBERED = 5_000

#: Zones that Rails calls by the name of their city alone.
#: https://api.rubyonrails.org/classes/ActiveSupport/TimeZone.html
_BY_CITY = (
    "Africa/Cairo Africa/Casablanca Africa/Harare Africa/Monrovia Africa/Nairobi America/Argentina/Buenos_Aires "
    "America/Bogota America/Caracas America/Chihuahua America/La_Paz America/Lima America/Mazatlan "
    "America/Mexico_City America/Monterrey America/Montevideo America/Puerto_Rico America/Santiago "
    "America/Tijuana Asia/Almaty Asia/Baghdad Asia/Baku Asia/Bangkok Asia/Chongqing Asia/Dhaka Asia/Hong_Kong "
    "Asia/Irkutsk Asia/Jakarta Asia/Jerusalem Asia/Kabul Asia/Kamchatka Asia/Karachi Asia/Kathmandu Asia/Kolkata "
    "Asia/Krasnoyarsk Asia/Kuala_Lumpur Asia/Kuwait Asia/Magadan Asia/Muscat Asia/Novosibirsk Asia/Riyadh "
    "Asia/Seoul Asia/Singapore Asia/Srednekolymsk Asia/Taipei Asia/Tashkent Asia/Tbilisi Asia/Tehran Asia/Tokyo "
    "Asia/Ulaanbaatar Asia/Urumqi Asia/Vladivostok Asia/Yakutsk Asia/Yerevan Atlantic/Azores Australia/Adelaide "
    "Australia/Brisbane Australia/Darwin Australia/Hobart Australia/Melbourne Australia/Perth Australia/Sydney "
    "Europe/Amsterdam Europe/Athens Europe/Belgrade Europe/Berlin Europe/Bratislava Europe/Brussels "
    "Europe/Bucharest Europe/Budapest Europe/Copenhagen Europe/Dublin Europe/Helsinki Europe/Istanbul "
    "Europe/Kaliningrad Europe/Lisbon Europe/Ljubljana Europe/London Europe/Madrid Europe/Minsk Europe/Moscow "
    "Europe/Paris Europe/Prague Europe/Riga Europe/Rome Europe/Samara Europe/Sarajevo Europe/Skopje Europe/Sofia "
    "Europe/Stockholm Europe/Tallinn Europe/Vienna Europe/Vilnius Europe/Volgograd Europe/Warsaw Europe/Zagreb "
    "Europe/Zurich Pacific/Auckland Pacific/Fiji Pacific/Guam Pacific/Port_Moresby"
)
#: Its other names; those that it has given to two zones over the years are left out.
_BY_NAME = {
    "Abu Dhabi": "Asia/Muscat",
    "Alaska": "America/Juneau",
    "American Samoa": "Pacific/Pago_Pago",
    "Arizona": "America/Phoenix",
    "Atlantic Time (Canada)": "America/Halifax",
    "Beijing": "Asia/Shanghai",
    "Bern": "Europe/Zurich",
    "Brasilia": "America/Sao_Paulo",
    "Canberra": "Australia/Melbourne",
    "Cape Verde Is.": "Atlantic/Cape_Verde",
    "Central America": "America/Guatemala",
    "Central Time (US & Canada)": "America/Chicago",
    "Chatham Is.": "Pacific/Chatham",
    "Chennai": "Asia/Kolkata",
    "Eastern Time (US & Canada)": "America/New_York",
    "Edinburgh": "Europe/London",
    "Ekaterinburg": "Asia/Yekaterinburg",
    "Georgetown": "America/Guyana",
    "Greenland": "America/Godthab",
    "Guadalajara": "America/Mexico_City",
    "Hanoi": "Asia/Bangkok",
    "Hawaii": "Pacific/Honolulu",
    "Indiana (East)": "America/Indiana/Indianapolis",
    "Islamabad": "Asia/Karachi",
    "Kyiv": "Europe/Kiev",
    "Marshall Is.": "Pacific/Majuro",
    "Mid-Atlantic": "Atlantic/South_Georgia",
    "Midway Island": "Pacific/Midway",
    "Mountain Time (US & Canada)": "America/Denver",
    "Mumbai": "Asia/Kolkata",
    "New Caledonia": "Pacific/Noumea",
    "New Delhi": "Asia/Kolkata",
    "Newfoundland": "America/St_Johns",
    "Nuku'alofa": "Pacific/Tongatapu",
    "Osaka": "Asia/Tokyo",
    "Pacific Time (US & Canada)": "America/Los_Angeles",
    "Pretoria": "Africa/Johannesburg",
    "Quito": "America/Lima",
    "Rangoon": "Asia/Rangoon",
    "Sapporo": "Asia/Tokyo",
    "Saskatchewan": "America/Regina",
    "Solomon Is.": "Pacific/Guadalcanal",
    "Sri Jayawardenepura": "Asia/Colombo",
    "St. Petersburg": "Europe/Moscow",
    "Tokelau Is.": "Pacific/Fakaofo",
    "Wellington": "Pacific/Auckland",
    "West Central Africa": "Africa/Algiers",
}
#: What Rails and Windows write before a name in lists to choose from.
_OFFSET = re.compile(r"\((gmt|utc)[^)]*\) *")


def time_zone(value: Any) -> Any:
    """A name of the IANA database, from it in any case, or from the name that Rails or Windows has for it."""
    found = _time_zone(value) if isinstance(value, str) and len(value) <= MAX_WORDS else None
    return found or Flawed("time_zone_unknown")


@lru_cache(REMEMBERED)
def _time_zone(written: str) -> str | None:
    return _names().get(_OFFSET.sub("", plain(written), count=1))


@cache
def _names() -> Mapping[str, str]:
    from babel.core import get_global

    rails = {zone.rpartition("/")[2].replace("_", " "): zone for zone in _BY_CITY.split()} | _BY_NAME
    known = {name: name for name in available_timezones() if "/" in name or name in ("UTC", "GMT")}
    names = {**get_global("windows_zone_mapping"), **rails, **known}
    return {plain(name): zone for name, zone in names.items() if zone in known}
