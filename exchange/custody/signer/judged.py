"""What a draft would do, read back from its bytes: the same words for every family of chains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from exchange.custody.port import Purpose
from exchange.custody.signing import Signed

Place = tuple[Purpose, int]

FURTHEST: Final = 10_000_000
"""Highest index of an address that is signed for: coins must stay where a search finds them."""


class No(Exception):
    """It is not signed; why, in words for an operator. Never holds a secret."""


class Output(msgspec.Struct, frozen=True):
    """One movement that a transaction makes.

    `to` is what the chain itself knows the recipient by: a scriptPubKey in hexadecimal, or a lower-case address.
    `ours` is its place when the signer has derived it itself, COLD for an address that an operator sealed.
    """

    to: str
    contract: str
    amount: int
    ours: Place | None = None


class Reading(msgspec.Struct, frozen=True):
    """A decoded draft: what it spends (`inputs`, by our own derivation), what it moves, what the network gets at most.

    `sign` makes the signed transaction; calling it twice gives the same bytes.
    """

    identity: str
    inputs: frozenset[Purpose]
    outputs: tuple[Output, ...]
    claims: tuple[str, ...]
    fee: int
    sign: Callable[[], Signed]
