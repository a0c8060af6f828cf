"""A small program for the EVM that returns many balances at once, written out operation by operation.

`eth_call` without a recipient runs its data as the code that creates a contract, and returns what that code returns.
The addresses lie behind the code. Memory: a zero word, a word for each balance, and behind these the call of a token:
selector, address, answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

ADD, MUL, SUB, GT, ISZERO, AND, SHL = (bytes([code]) for code in (0x01, 0x02, 0x03, 0x11, 0x15, 0x16, 0x1B))
BALANCE, CODECOPY, RETURNDATASIZE = (bytes([code]) for code in (0x31, 0x39, 0x3D))
MLOAD, MSTORE, JUMP, JUMPI, GAS, JUMPDEST = (bytes([code]) for code in (0x51, 0x52, 0x56, 0x57, 0x5A, 0x5B))
KECCAK256 = b"\x20"
DUP1, DUP2, DUP3, SWAP1 = (bytes([code]) for code in (0x80, 0x81, 0x82, 0x90))
RETURN, STATICCALL, REVERT = (bytes([code]) for code in (0xF3, 0xFA, 0xFD))

BALANCE_OF: Final = bytes.fromhex("70a08231")
"""What `balanceOf(address)` of a token is called by."""

Part = bytes | str
"""Code; or the name of a place, `:name` where it is and `name` where its address is pushed."""


def digest(addresses: Sequence[str]) -> bytes:
    """Returns a zero word, then one word: keccak-256 of the words of all balances of the chain's own coin."""
    size = 32 * len(addresses)
    ending: list[Part] = [push(size), push(32), KECCAK256, push(32), MSTORE, push(64), push(0), RETURN]
    return _over(addresses, "", ending)


def balances(addresses: Sequence[str], contract: str = "") -> bytes:
    """Returns a zero word, then a word for each address: its balance of a token, or of the chain's own coin.

    Fails as a whole where the token fails, or answers with less than a word, for one of them.
    """
    return _over(addresses, contract, [push(32 * (len(addresses) + 1)), push(0), RETURN])


def _over(addresses: Sequence[str], contract: str, ending: Sequence[Part]) -> bytes:
    """Code that fills memory with balances, and `ending`, which returns something of them."""
    count = len(addresses)
    call = 32 * (count + 1)
    owner, answer = call + 32, call + 64
    one: list[Part] = [push(owner), MLOAD, BALANCE]
    if contract:
        one = [
            *(push(32), push(answer), push(36), push(call + 28), bytes([0x73]) + bytes.fromhex(contract[2:])),
            *(GAS, STATICCALL, push(31), RETURNDATASIZE, GT, AND, "told", JUMPI, push(0), DUP1, REVERT),
            *(":told", push(answer), MLOAD),
        ]
    code = assembled(
        [
            *(bytes([0x63]) + BALANCE_OF, push(call), MSTORE),
            push(count),
            *(":next", DUP1, ISZERO, "end", JUMPI),
            # The k-th address, k being on the stack, into the low 20 bytes of its word.
            *(push(20), push(20), DUP3, MUL, push(20), SWAP1, SUB, "addresses", ADD, push(owner + 12), CODECOPY),
            *one,
            *(DUP2, push(5), SHL, MSTORE),
            *(push(1), SWAP1, SUB, "next", JUMP),
            ":end",
            *ending,
            ":addresses",
        ]
    )
    return code + b"".join(bytes.fromhex(address[2:]) for address in addresses)


def push(number: int) -> bytes:
    """Two bytes on the stack."""
    return b"\x61" + number.to_bytes(2, "big")


def assembled(parts: Sequence[Part]) -> bytes:
    """Code with its places filled in. The last place, if nothing follows it, is where the code ends."""
    places: dict[str, int] = {}
    length = 0
    for part in parts:
        if isinstance(part, str) and part.startswith(":"):
            places[part[1:]] = length
            length += part is not parts[-1]
        else:
            length += 3 if isinstance(part, str) else len(part)
    code = b""
    for part in parts:
        if isinstance(part, bytes):
            code += part
        elif not part.startswith(":"):
            code += push(places[part])
        elif part is not parts[-1]:
            code += JUMPDEST
    return code
