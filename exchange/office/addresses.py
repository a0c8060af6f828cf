"""The addresses from which a key may be used: single ones and networks, IPv4 and IPv6."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Final

MAX_ADDRESSES: Final = 30
"""So many entries on one list, as the dialect has it."""

_REMEMBERED: Final = 4_096
_SHOWN: Final = 64
_NOBODY: Final = (0, 0)


class BadAddress(Exception):
    """No list was made. The message says which entry is wrong, and why."""


class AddressList:
    """At least one network. Whoever is in none of them, or has no address that can be read, is not admitted."""

    __slots__ = ("_networks", "texts")

    def __init__(self, words: tuple[str, ...]) -> None:
        """`words` are like `203.0.113.7`, `203.0.113.0/24`, `2001:db8::/48`. Raises `BadAddress`."""
        if not words:
            raise BadAddress("a list of addresses has at least one.")
        networks = dict.fromkeys(map(_network, words))
        if len(networks) > MAX_ADDRESSES:
            raise BadAddress(f"a key has at most {MAX_ADDRESSES} addresses and networks.")
        self.texts = tuple(_text(network) for network in networks)
        self._networks = tuple((n.version, int(n.netmask), int(n.network_address)) for n in networks)

    def admits(self, address: str) -> bool:
        """Whether `address` is in one of the networks."""
        version, number = _number(address)
        return any(version == kind and number & mask == network for kind, mask, network in self._networks)


_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(word: str) -> _Network:
    shown = repr(word[:_SHOWN])
    try:
        network = ipaddress.ip_network(word, strict=False)
    except ValueError:
        raise BadAddress(f"{shown} is no address or network (203.0.113.7, 203.0.113.0/24, 2001:db8::/48).") from None
    if "%" in word or (isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped is not None):
        raise BadAddress(f"{shown}: write an IPv4 address as such, and none with a zone.")
    if ipaddress.ip_address(word.partition("/")[0]) != network.network_address:
        raise BadAddress(f"{shown} is an address with a network's mask: is {network} meant, or that one address?")
    if not network.prefixlen:
        raise BadAddress(f"{shown} is every address: a key that may be used from anywhere has no list.")
    return network


def _text(network: _Network) -> str:
    """One address as such, a network with its prefix."""
    return str(network.network_address) if network.num_addresses == 1 else str(network)


@lru_cache(maxsize=_REMEMBERED)
def _number(address: str) -> tuple[int, int]:
    """Version and number; an IPv4 address that came in over an IPv6 socket is one all the same."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return _NOBODY
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return parsed.version, int(parsed)
