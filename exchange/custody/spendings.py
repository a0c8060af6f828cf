"""What it takes to pay on each chain of the settings: the family's `Spending`, its rules, and whoever signs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from exchange.chain_settings import ChainSettings
from exchange.custody import derivation
from exchange.custody.deposits.pool import Pool
from exchange.custody.memory.chain import MemoryChain, MemorySpending
from exchange.custody.payouts.desk import Policy
from exchange.custody.port import Chain, Owned, Purpose, Spending
from exchange.custody.rpc import Rpc

_BATCH: Final = 100
"""Withdrawals that one Bitcoin transaction pays at the most."""


def policy_of(settings: ChainSettings, *, demo: bool) -> Policy:
    """A family's rules. In a demo two blocks are final, what chains promise is not waited for, and all is quick."""
    final, retry = (2, 5) if demo else (settings.payout_final_blocks, 600)
    policy = Policy(final_blocks=final, retry_seconds=retry, wait_finalized=not demo)
    if settings.family == "evm":
        return msgspec.structs.replace(policy, replace_after_blocks=10)
    return msgspec.structs.replace(policy, batch=_BATCH)


def spending_of(name: str, settings: ChainSettings, folder: Path, chain: Chain, pool: Pool) -> Spending | None:
    """How a chain is paid on; None while it has no hot wallet."""
    hot = next((one for one in pool.watched.values() if one.purpose is Purpose.HOT), None)
    if hot is None:
        return None
    if isinstance(chain, MemoryChain):
        return MemorySpending(chain, hot.address)
    login = folder / settings.rpc_credentials_file if settings.rpc_credentials_file else None
    rpc = Rpc(settings.rpc_url, login_file=login, timeout_seconds=settings.rpc_timeout_seconds)
    if settings.family == "evm":
        from exchange.custody.evm.spending import EvmSpending  # noqa: PLC0415  # only who has such a chain loads it

        return EvmSpending(name, settings.chain_id, rpc, hot, settings.fee_ceiling)
    from exchange.custody.bitcoin.networks import NETWORKS  # noqa: PLC0415  # the same
    from exchange.custody.bitcoin.spending import BitcoinSpending  # noqa: PLC0415

    network, ceiling = NETWORKS[settings.parameters], settings.fee_ceiling * 1_000
    return BitcoinSpending(name, network, rpc, _public_keys(pool), ceiling)


def _public_keys(pool: Pool) -> Callable[[Owned], bytes]:
    """The public key of an address of ours, from its wallet's; read now, since drafts are made in another thread."""
    branches: dict[Purpose, derivation.Xpub] = {
        wallet.purpose: derivation.read_xpub(wallet.xpub).child(derivation.branch_of(wallet.purpose))
        for wallet in pool.wallets()
        if wallet.purpose in {Purpose.DEPOSIT, Purpose.HOT, Purpose.CHANGE}
    }
    return lambda owned: branches[owned.purpose].child_key(owned.index)
