"""Custody for a test's house: two chains in memory, BTC with coins and ETH with accounts and a token, and who pays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from exchange.clock import Clock
from exchange.core import commands as co
from exchange.core.networks import Network
from exchange.core.transfers import DepositState
from exchange.core.units import Amount, AssetId
from exchange.custody.deposits.pool import Pool
from exchange.custody.desk import Desk, Rules
from exchange.custody.memory.chain import MemoryChain
from exchange.custody.memory.world import MemoryWorld, address_of
from exchange.custody.payouts.screening import DenyList
from exchange.custody.payouts.withdrawals import Withdrawals
from exchange.custody.port import Purpose
from exchange.custody.status import ChainStatus, Following
from exchange.custody.store import Store
from exchange.sequencer import Sequencer

OPEN = Rules(allow_list=False, address_wait=0, key_wait=0)  # type: ignore[arg-type]  # micros are ints
"""As in a demo: everything may go anywhere at once."""
NETWORKS = (
    Network(
        asset=AssetId(1),
        name="BTC",
        chain_decimals=8,
        withdrawal_fee=Amount(10_000),
        withdrawal_min=Amount(100_000),
        confirmations=((Amount(0), 2), (Amount(10**9), 6)),
        automatic_limit=Amount(10**8),
        one_person_limit=Amount(10**9),
        deposits_open=True,
        withdrawals_open=True,
    ),
    Network(
        asset=AssetId(3), name="ETH", chain_decimals=6, contract="usdt", withdrawal_min=Amount(100), deposits_open=True
    ),
)
"""Bitcoin both ways; USDT over ETH, which nothing leaves by."""


@dataclass
class Vault:
    """One chain."""

    chain: MemoryChain
    pool: Pool
    status: ChainStatus = field(default_factory=lambda: ChainStatus("x", Following.FOLLOWING))


def vault(store: Store, clock: Clock, name: str) -> Vault:
    world = MemoryWorld(name, accounts=name == "ETH")

    def derive(purpose: Purpose, xpub: str, places: range) -> Iterable[tuple[int, str]]:
        return [(place, address_of(name, f"{xpub} {purpose.name} {place}")) for place in places]

    chain = MemoryChain(world)
    return Vault(chain, Pool(store, name, chain.key_of, derive, clock, 4))


def open_desk(folder: Path, sequencer: Sequencer, clock: Clock, rules: Rules) -> Desk:
    """A desk over a new custody.db."""
    store = Store(folder / "custody.db")
    vaults = {name: vault(store, clock, name) for name in ("BTC", "ETH")}
    chains = {name: one.chain for name, one in vaults.items()}
    asking = Withdrawals(store, sequencer, chains, DenyList(folder / "deny.txt"), clock)
    explorers = {name: f"https://{name.lower()}.example/address/" for name in vaults}
    return Desk(store, sequencer, vaults, asking, clock, rules, explorers)


async def open_ways(desk: Desk, sequencer: Sequencer) -> None:
    """Wallets for deposits, the networks, and a limit of 5 BTC a day."""
    for line in desk.lines.values():
        await line.pool.add_wallet(Purpose.DEPOSIT, "xpub")
    commands: list[co.Command] = [co.SetNetwork(network) for network in NETWORKS]
    commands.append(co.SetTierLimit(0, AssetId(1), Amount(5 * 10**8), Amount(20 * 10**8)))
    for command in commands:
        assert (await sequencer.call(command)).reject is None


async def deposited(desk: Desk, address: str, txid: str, state: DepositState, why: str = "") -> None:
    """Half a bitcoin to that address, as the watcher writes it down."""
    row = {
        "chain": "BTC",
        "key": f"{txid}:0",
        "txid": txid,
        "to_key": desk.lines["BTC"].chain.key_of(address),
        "purpose": Purpose.DEPOSIT,
        "contract": "",
        "amount": "50000000",
        "sender": "somebody",
        "state": state,
        "why": why,
        "height": 7,
        "due": 8,
        "asset": 1,
        "atoms": 50_000_000,
        "seen": 1_700_000_000_000_000,
        "changed": 1_700_000_000_000_000,
    }
    insert = (
        "INSERT INTO incoming (chain, key, txid, to_key, purpose, place, account, contract, amount, coinbase, sender,"
        " state, why, height, due, asset, atoms, seen, changed) SELECT :chain, :key, :txid, :to_key, :purpose, place,"
        " account, :contract, :amount, 0, :sender, :state, :why, :height, :due, :asset, :atoms, :seen, :changed"
        " FROM addresses WHERE key = :to_key"
    )
    await desk.store.write(lambda db: db.execute(insert, row))


def rules(**changed: object) -> Rules:
    """The open rules, some of them otherwise."""
    return msgspec.structs.replace(OPEN, **changed)
