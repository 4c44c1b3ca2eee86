"""Where Braze's REST API may be called: the published instances, and what is allowed beside them."""

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

#: Dashboard host to REST host of every published instance; there is no US-09.
#: https://www.braze.com/docs/api/basics/#endpoints
REST_HOST_OF_DASHBOARD = {
    **{f"dashboard-0{n}.braze.com": f"rest.iad-0{n}.braze.com" for n in range(1, 9)},
    "dashboard.us-10.braze.com": "rest.us-10.braze.com",
    "dashboard-01.braze.eu": "rest.fra-01.braze.eu",
    "dashboard-02.braze.eu": "rest.fra-02.braze.eu",
    "dashboard.au-01.braze.com": "rest.au-01.braze.com",
    "dashboard.id-01.braze.com": "rest.id-01.braze.com",
    "dashboard.jp-01.braze.com": "rest.jp-01.braze.com",
    "dashboard.kr-01.braze.com": "rest.kr-01.braze.com",
}
REST_HOSTS = frozenset(REST_HOST_OF_DASHBOARD.values())
#: What Braze calls the places in its addresses, where that is not the same in capital letters.
_PLACES = {"iad": "US", "fra": "EU"}

_DEFAULT_PORTS = {"https": 443, "http": 80}


class Instance(NamedTuple):
    """One of Braze's installations."""

    #: As Braze calls it: US-01.
    name: str
    dashboard_host: str
    rest_host: str


def _instance(dashboard_host: str, rest_host: str) -> Instance:
    place, number = rest_host.split(".")[1].split("-")
    return Instance(f"{_PLACES.get(place, place.upper())}-{number}", dashboard_host, rest_host)


INSTANCES = tuple(_instance(*hosts) for hosts in REST_HOST_OF_DASHBOARD.items())


class UnknownHost(ValueError):
    """The address is not one that a Braze key may be sent to; the text says what to write instead."""


def rest_endpoint(text: str, extra_hosts: Iterable[str] = ()) -> str:
    """
    The REST endpoint meant by what a person wrote: `https://rest.iad-01.braze.com`.

    A missing scheme, a path and a trailing slash are forgiven, and the address of a dashboard becomes the REST endpoint
    of the same instance.

    Args:
        text: An address, as copied from the Braze dashboard or its documentation.
        extra_hosts: `scheme://host:port` entries that are allowed beside the published hosts.
    Returns: `scheme://host`, with `:port` where it is not the scheme's own.
    Raises: UnknownHost.
    Source: https://www.braze.com/docs/api/basics/#endpoints
    """
    parts = _split(text)
    address = _address(parts)
    if address in {_address(_split(extra)) for extra in extra_hosts}:
        return address
    host = (parts.hostname or "").rstrip(".")
    host = REST_HOST_OF_DASHBOARD.get(host, host)
    if host not in REST_HOSTS:
        raise UnknownHost(_advice(host))
    if parts.scheme != "https":
        raise UnknownHost(f"Braze is called over https only: write https://{host}.")
    if parts.port not in (None, 443):
        raise UnknownHost(f"Braze answers on the usual port only: write https://{host}.")
    return f"https://{host}"


def _split(text: str) -> SplitResult:
    text = text.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        parts.port  # noqa: B018 (reading it is what checks it)
    except ValueError:
        raise UnknownHost("This is not the address of a host.") from None
    if parts.username is not None or parts.password is not None:
        raise UnknownHost("An address must not carry a user name or a password.")
    return parts


def _address(parts: SplitResult) -> str:
    port = "" if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"


def _advice(host: str) -> str:
    instance = re.search(r"(iad-\d\d|fra-\d\d|[a-z]{2}-\d\d)", host)
    likely = next((known for known in sorted(REST_HOSTS) if instance and f".{instance[1]}." in known), None)
    if likely:
        return f"{host} is not a REST endpoint of Braze; https://{likely} is probably meant."
    return f"{host or 'This'} is not a REST endpoint that Braze publishes, such as https://rest.iad-01.braze.com."
