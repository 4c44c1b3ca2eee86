"""Formats of values that Braze knows by name: e-mail, phone, country, language, time zone, time. Pure."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import available_timezones

import phonenumbers

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#: https://www.braze.com/docs/user_guide/channels/email/email_setup/email_validation
_EMAIL = re.compile(
    r"(?P<local>(?!\.)[\w.\-^+$'&#/!%*=?~`|]{1,64}(?<!\.))" + rf"@(?P<host>(?:{_LABEL}\.)+)(?P<last>{_LABEL})"
)
_STRICT_HOST = re.compile(r"msn|hotmail|outlook|live", re.IGNORECASE)
_STRICT_LOCAL = re.compile(r"[\w-]+(?:\.[\w-]+)*(?:\+.*)?")

#: Names that ICANN will never delegate, so no address ends in them. https://www.rfc-editor.org/rfc/rfc6761
#: (The list of delegated names itself changes weekly and is not kept here.)
NEVER_TOP_LEVEL = frozenset({"example", "invalid", "local", "localhost", "onion", "test", "internal"})

#: ISO 3166-1 alpha-2.
_COUNTRY_CODES = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO
    JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR
    MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO
    RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV
    TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"""
COUNTRIES = frozenset(_COUNTRY_CODES.split())

#: ISO 639-1.
_LANGUAGE_CODES = """
    aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en
    eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv
    ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne
    ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st
    su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"""
LANGUAGES = frozenset(_LANGUAGE_CODES.split())

TIME_ZONES = frozenset(available_timezones())

_COLON_MILLIS = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d):(\d{3})(.*)")


@lru_cache(maxsize=65_536)
def is_email(value: str) -> bool:
    """Whether Braze takes this text as an e-mail address."""
    parts = _EMAIL.fullmatch(value)
    if parts is None or parts["last"].isdigit() or parts["last"].lower() in NEVER_TOP_LEVEL:
        return False
    host = (parts["host"] + parts["last"]).lower()
    if host == "gmail.com" and len(parts["local"]) < 2:
        return False
    return not _STRICT_HOST.search(host) or _STRICT_LOCAL.fullmatch(parts["local"]) is not None


@lru_cache(maxsize=65_536)
def is_phone(value: str) -> bool:
    """
    Whether this is a valid number in E.164.

    Source: https://www.braze.com/docs/user_guide/channels/sms_mms_and_rcs/message_setup/user_phone_numbers
    """
    if not value.startswith("+") or not value[1:].isascii() or not value[1:].isdigit():
        return False
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(value))
    except phonenumbers.NumberParseException:
        return False


def read_time(value: object) -> datetime | None:
    """
    An aware datetime out of ISO 8601 or `yyyy-MM-dd'T'HH:mm:ss:SSSZ`; None where it is neither. No zone means UTC.

    Source: https://www.braze.com/docs/api/objects_filters/event_object/
    """
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return _read_colon_millis(value)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _read_colon_millis(value: str) -> datetime | None:
    parts = _COLON_MILLIS.fullmatch(value)
    return read_time(f"{parts[1]}.{parts[2]}{parts[3]}") if parts else None


def looks_like_time(value: str) -> bool:
    """
    Whether Braze takes this text of a custom attribute as a point in time.

    Source: https://www.braze.com/docs/api/objects_filters/user_attributes_object/
    """
    if len(value) < 10 or len(value) > 40 or not value[:2].isdigit():
        return False
    if value[4] == "-" and value[7] == "-":
        return read_time(value) is not None
    if len(value) == 10 and value[2] == "/" and value[5] == "/":
        return read_time(f"{value[6:]}-{value[:2]}-{value[3:5]}") is not None
    return False


def is_date(value: object) -> bool:
    """Whether this is `YYYY-MM-DD`."""
    return isinstance(value, str) and len(value) == 10 and value[4] == "-" == value[7] and read_time(value) is not None


def iso(at: float) -> str:
    """An epoch second as ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
