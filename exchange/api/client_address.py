"""Whose address pays for a request: the peer's own or, behind the operator's proxy, that of whom it speaks for.

And what is counted as one address: whoever has a line of IPv6 has 2**64, and could take another for each request.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

FORWARDED: Final = "X-Forwarded-For"
_LONGEST: Final = 45
"""Characters of the longest IPv6 address as text."""


def client_address(peer: str, forwarded: Iterable[str], proxy: str) -> str:
    """`forwarded` are the values of all `X-Forwarded-For` headers; nobody but `proxy` ("": none) is believed.

    Proxies append whom they were called by, so the last address is the one that our own proxy has seen.
    """
    peer = plain(peer)
    if not proxy or peer != plain(proxy):
        return peer
    return plain(",".join(forwarded).rpartition(",")[2].strip()[:_LONGEST]) or peer


@lru_cache(maxsize=4_096)
def plain(address: str) -> str:
    """The one way to write an address: an IPv4 one that came in over an IPv6 socket as such.

    What is no address stays as it is.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


@lru_cache(maxsize=4_096)
def line_of(address: str) -> str:
    """The name under which limits count an address, written as by `plain`: of IPv6 its /64, all others as they are."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.IPv6Network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        return address
