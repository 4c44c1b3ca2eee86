"""
E-mail addresses that Braze takes. Pure.

Any other makes Braze refuse the whole object, first name and all.
Source: https://www.braze.com/docs/user_guide/message_building_by_channel/email/email_setup/email_validation/
"""

import re
from functools import cache, lru_cache
from typing import Any

from workers.flaws import Flawed

#: Distinct addresses remembered: the same ones come back with every submission of a person.
REMEMBERED = 20_000

_LOCAL = re.compile(r"[\w\-^+$'&#/!%*=?~`|]+(\.[\w\-^+$'&#/!%*=?~`|]+)*")
_LOCAL_MICROSOFT = re.compile(r"[\w-]+(\.[\w-]+)*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_TOP_LABEL = re.compile(r"[a-z]{2,63}|xn--[a-z0-9-]{1,59}", re.ASCII)
_MICROSOFT = ("msn", "hotmail", "outlook", "live")

#: Braze asks for a top-level domain of ICANN's list, which changes every week. Those of two letters are countries, and
#: these; what people type for `com` and `net` by mistake is no domain. https://data.iana.org/TLD/tlds-alpha-by-domain.txt
_NO_COUNTRIES = frozenset({"ac", "eu", "su", "uk"})
_MISTYPED = frozenset({"con", "cmo", "ocm", "vom", "xom", "cim", "comm", "coom", "coml", "comn", "nte", "ner", "nett"})


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
    return len(labels) > 1 and all(_LABEL.fullmatch(label) for label in labels) and _is_top_level(labels[-1])


def _is_top_level(label: str) -> bool:
    if len(label) == 2:
        return label in _NO_COUNTRIES or label in _countries()
    return _TOP_LABEL.fullmatch(label) is not None and label not in _MISTYPED


@cache
def _countries() -> frozenset[str]:
    from pycountry import countries  # 30 ms that only those pay who meet such a domain

    return frozenset(entry.alpha_2.lower() for entry in countries)
