"""EVM addresses: read from a person's hands, written with the checksum of EIP-55."""

from __future__ import annotations

import re
from typing import Final

from eth_utils.address import to_checksum_address

from exchange.custody.port import BadAddress

_SHAPE: Final = re.compile(r"0[xX]([0-9a-fA-F]{40})")
_RESERVED: Final = 2**16
"""Below: precompiled contracts and the zero address, from which nothing comes back."""


def read(text: str) -> str:
    """The address with its checksum. Raises `BadAddress`, in words for the person who sent it.

    Letters all small or all capital carry no checksum and are taken; mixed ones must be right.
    """
    found = _SHAPE.fullmatch(text)
    if found is None:
        raise BadAddress(_what_is_wrong(text))
    digits = found[1]
    written = str(to_checksum_address("0x" + digits.lower()))
    if digits not in {digits.lower(), digits.upper(), written[2:]}:
        raise BadAddress("the capital and small letters of this address do not fit together: it is mistyped")
    if int(digits, 16) < _RESERVED:
        raise BadAddress("nobody owns this address: what is sent there is lost")
    return written


def written(key: str) -> str:
    """A lower-case address with its checksum."""
    return str(to_checksum_address(key))


def _what_is_wrong(text: str) -> str:
    bare = text.strip()
    if bare != text and _SHAPE.fullmatch(bare):
        return "there are spaces around this address"
    if re.fullmatch(r"(?:0[xX])?[0-9a-fA-F]+", bare):
        if bare[:2] not in {"0x", "0X"}:
            return "an address of this network begins with 0x"
        return f"an address of this network has 40 digits after 0x, this one has {len(bare) - 2}"
    if bare.lower().endswith(".eth"):
        return "names are not looked up: give the address itself"
    return "not an address of this network: those are 0x and 40 hexadecimal digits"
