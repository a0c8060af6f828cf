"""Which family a chain belongs to, and what is built for it: its nodes, and how its addresses come from public keys.

A new family is one file that satisfies `port.Chain`, and one branch here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from exchange.chain_settings import ChainSettings
from exchange.custody import derivation
from exchange.custody.deposits.pool import Derive
from exchange.custody.deposits.watcher import Contracts
from exchange.custody.memory.chain import MemoryChain
from exchange.custody.memory.world import MemoryWorld, address_of
from exchange.custody.port import Chain, Purpose
from exchange.custody.rpc import Rpc
from exchange.custody.treasury.cold import is_address


class Built(msgspec.Struct, frozen=True):
    """A chain's nodes and its derivation; `second` is None where no second node is named. `rpcs` are to be closed."""

    chain: Chain
    second: Chain | None
    derive: Derive
    rpcs: tuple[Rpc, ...] = ()


def build(
    name: str, settings: ChainSettings, folder: Path, contracts: Contracts, worlds: Mapping[str, MemoryWorld]
) -> Built:
    """What the settings of a chain name. Files with credentials are looked for in `folder`."""
    if settings.family == "memory":
        world = worlds.get(name) or MemoryWorld(name)
        return Built(MemoryChain(world), None, memory_derivation(name))
    first = _rpc(settings.rpc_url, settings.rpc_credentials_file, folder, settings)
    second = None
    if settings.second_rpc_url:
        second = _rpc(settings.second_rpc_url, settings.second_rpc_credentials_file, folder, settings)
    found = _evm if settings.family == "evm" else _bitcoin
    built = found(name, settings, first, second, contracts)
    return msgspec.structs.replace(built, rpcs=(first,) if second is None else (first, second))


def _rpc(url: str, login: str, folder: Path, settings: ChainSettings) -> Rpc:
    file = folder / login if login else None
    return Rpc(url, login_file=file, timeout_seconds=settings.rpc_timeout_seconds)


def _evm(name: str, settings: ChainSettings, first: Rpc, second: Rpc | None, contracts: Contracts) -> Built:
    from exchange.custody.evm.chain import Evm  # noqa: PLC0415  # only who has such a chain loads its libraries

    other = None if second is None else Evm(name, settings.chain_id, second, contracts)
    return Built(Evm(name, settings.chain_id, first, contracts), other, _derivation(derivation.EVM))


def _bitcoin(name: str, settings: ChainSettings, first: Rpc, second: Rpc | None, _contracts: Contracts) -> Built:
    from exchange.custody.bitcoin.chain import BitcoinChain  # noqa: PLC0415  # the same
    from exchange.custody.bitcoin.networks import NETWORKS  # noqa: PLC0415

    network = NETWORKS.get(settings.parameters)
    if network is None:
        message = f"parameters are one of {', '.join(NETWORKS)}, not {settings.parameters!r}"
        raise ValueError(message)
    other = None if second is None else BitcoinChain(name, network, second)
    return Built(BitcoinChain(name, network, first), other, _derivation(settings.parameters))


def _derivation(form: str) -> Derive:
    """Addresses from an account's public key. What is COLD may be one plain address, its key elsewhere."""

    def derive(purpose: Purpose, xpub: str, places: range) -> Iterable[tuple[int, str]]:
        if purpose in {Purpose.WARM, Purpose.COLD} and is_address(form, xpub):
            return [(0, xpub)] if 0 in places else []
        return derivation.addresses(form, derivation.read_xpub(xpub), derivation.branch_of(purpose), places)

    return derive


def memory_derivation(name: str) -> Derive:
    """Of the in-memory family: any text serves as a public key."""

    def derive(purpose: Purpose, xpub: str, places: range) -> Iterable[tuple[int, str]]:
        return [(place, address_of(name, f"{xpub} {purpose.name} {place}")) for place in places]

    return derive
