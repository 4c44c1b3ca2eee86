"""
Keeps a key from a machine inside our own network that DNS has given one of Braze's names.

What counts is the other end of the connection that is used: a look-up of our own could be told something else.
"""

import ipaddress
import logging
import socket

from schemas.braze_hosts import REST_HOSTS

log = logging.getLogger("komo_braze")

#: Gateways from IPv6 carry an IPv4 address in its last 32 bits: https://www.rfc-editor.org/rfc/rfc6052
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class PrivateAddress(OSError):
    """One of Braze's published names led to an address that is none of the public internet; nothing was sent there."""


def refuse_private(sock: socket.socket, host: str) -> socket.socket:
    """
    Let go of a connection that one of Braze's published names has led into a private network.

    Other names are the operator's own choice: EXTRA_BRAZE_HOSTS, BRAZE_PROXY, ALERT_WEBHOOK_URL.

    Args:
        sock: Connected; not a byte has been sent over it.
        host: The name that it was made for.

    Raises: PrivateAddress; the connection is closed then.
    """
    if host.lower().rstrip(".") not in REST_HOSTS or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return sock
    try:
        address = str(sock.getpeername()[0])
        if is_public(address):
            return sock
    except OSError:
        sock.close()
        raise
    sock.close()
    log.warning("braze.address_refused", extra={"host": host, "address": address})
    raise PrivateAddress(f"{host} leads to {address}, which is no address of the public internet; look at the DNS")


def is_public(address: str) -> bool:
    """Whether an IP address, as a socket tells it, is one of the public internet."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(str(inner))
    return found.is_global and not found.is_multicast
