"""Addresses of Bitcoin's family and the scripts they stand for. What is not certainly payable is refused in words."""

from __future__ import annotations

from typing import Final

from embit import base58, bech32

from exchange.custody.bitcoin.networks import NETWORKS, Network
from exchange.custody.port import BadAddress

_LONGEST: Final = 90
_PREFIXES: Final = {network.prefix for network in NETWORKS.values()}
_VERSIONS: Final = {version for network in NETWORKS.values() for version in (network.to_key, network.to_script)}


def normal(network: Network, text: str) -> str:
    """The address as we write it: bech32 in lower case. Raises `BadAddress`."""
    script_of(network, text)
    return text.lower() if _is_bech32(text) else text


def script_of(network: Network, text: str) -> bytes:
    """The scriptPubKey that an address of this very network stands for. Raises `BadAddress`."""
    if not text or len(text) > _LONGEST + 60 or not text.isascii() or not text.isprintable() or " " in text:
        raise BadAddress("This is not an address: it has the wrong length, or characters that no address has.")
    begin, name = network.refused
    if begin and text.lower().startswith(begin):
        raise BadAddress(f"This is {name}; it is not supported.")
    return _witness(network, text) if _is_bech32(text) else _legacy(network, text)


def _is_bech32(text: str) -> bool:
    return text.lower().rpartition("1")[0] in _PREFIXES


def _witness(network: Network, text: str) -> bytes:
    """A witness program: version 0 of 20 or 32 bytes, or taproot. Later versions are anybody's to spend today."""
    prefix = text.lower().rpartition("1")[0]
    if prefix != network.prefix:
        raise BadAddress(f"This is an address of another network: it begins with {prefix}1, not {network.prefix}1.")
    if text not in {text.lower(), text.upper()} or len(text) > _LONGEST:
        raise BadAddress("This address mixes small and capital letters, or is too long; something was mistyped.")
    try:
        version, program = bech32.decode(prefix, text)
    except (ValueError, IndexError, TypeError):
        version, program = None, None
    if version is None or program is None:
        raise BadAddress("The checksum of this address is wrong: a character was mistyped or is missing.")
    if version > 1 or (version == 1 and len(program) != 32):
        raise BadAddress(f"Addresses of witness version {version} are not supported: their coins would be nobody's.")
    return bytes((0x50 + version if version else 0, len(program), *program))


def _legacy(network: Network, text: str) -> bytes:
    try:
        content = bytes(base58.decode_check(text))
    except (ValueError, KeyError, IndexError):
        raise BadAddress("This is not an address: its checksum is wrong, or characters were mistyped.") from None
    version, body = content[:1], content[1:]
    if len(body) == 20 and version == network.to_key:
        return b"\x76\xa9\x14" + body + b"\x88\xac"
    if len(body) == 20 and version == network.to_script:
        return b"\xa9\x14" + body + b"\x87"
    if len(body) == 20 and version in _VERSIONS:
        raise BadAddress("This is an address of another network.")
    raise BadAddress("This is not an address of a kind that is known here.")


def dust(network: Network, script: bytes) -> int:
    """Outputs of less than this are not passed on by nodes: what spending them would cost, by the nodes' reckoning."""
    witness = len(script) in {22, 34} and script[0] in {0x00, 0x51}
    size = 8 + 1 + len(script) + (32 + 4 + 1 + 107 // 4 + 4 if witness else 32 + 4 + 1 + 107 + 4)
    return size * network.dust_rate // 1_000
