"""Addresses whose keys are not on this machine: an operator sealed their extended public key, or one address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from exchange.custody.derivation import EVM, addresses, read_xpub
from exchange.custody.signer.bitcoin import script_of
from exchange.custody.signer.evm import lower_case
from exchange.custody.signer.judged import No
from exchange.custody.signer.rules import Rules

FIRST: Final = 1_000
"""So many addresses of an extended public key are known as ours."""


def cold_keys(rules: Rules, cold: Mapping[str, Sequence[str]]) -> dict[str, frozenset[str]]:
    """Per chain, what the chain knows the cold addresses by."""
    return {
        name: frozenset(
            key_of(chain.form, address) for said in cold.get(name, ()) for address in cold_addresses(chain.form, said)
        )
        for name, chain in rules.items()
    }


def cold_addresses(form: str, said: str, count: int = FIRST) -> list[str]:
    """The addresses of an extended public key's branch 0, or the one address that was said. Raises `BadXpub`."""
    if is_address(form, said):
        return [said]
    return [address for _, address in addresses(form, read_xpub(said), 0, range(count))]


def is_address(form: str, said: str) -> bool:
    """Whether it is one plain address of that network."""
    try:
        key_of(form, said)
    except No:
        return False
    return True


def key_of(form: str, address: str) -> str:
    """What the chain itself knows an address by. Raises `No`."""
    return lower_case(address) if form == EVM else script_of(form, address).hex()
