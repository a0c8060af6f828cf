"""Whose address pays for a request: the peer's own or, behind the operator's proxy, that of whom it speaks for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

FORWARDED: Final = "X-Forwarded-For"
_LONGEST: Final = 45
"""Characters of the longest IPv6 address as text."""


def client_address(peer: str, forwarded: Iterable[str], proxy: str) -> str:
    """`forwarded` are the values of all `X-Forwarded-For` headers; nobody but `proxy` ("": none) is believed.

    Proxies append whom they were called by, so the last address is the one that our own proxy has seen.
    """
    if not proxy or peer != proxy:
        return peer
    return ",".join(forwarded).rpartition(",")[2].strip()[:_LONGEST] or peer
