"""A house with one market and two accounts, and a desk at its socket: real files, real sockets, the real sequencer."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pyotp
import trio

from exchange.admin.client import AdminClient, connect
from exchange.admin.server import serve_admin
from exchange.admin.wire import Attach
from exchange.backup.keeping import Keeper
from exchange.chain_settings import ChainSettings
from exchange.clock import SystemClock
from exchange.core.commands import Command, ListAsset, ListMarket, OpenAccount, PlaceOrder
from exchange.core.listing import MarketPreset, rules_of
from exchange.core.market import MarketPhase
from exchange.core.orders import OrderType, Side
from exchange.core.performing import Outcome
from exchange.core.units import AccountId, MarketId, Micros, Price, Quantity
from exchange.custody.custody import Custody, open_custody
from exchange.custody.memory.world import MemoryWorld
from exchange.custody.payouts.payments import Payments, open_payments
from exchange.custody.signer.client import SignerClient
from exchange.ledger.journal import Journal
from exchange.ledger.queries import Queries
from exchange.ledger.restore import restore
from exchange.office.approvers import Approvers
from exchange.office.db import open_office
from exchange.office.keys import KeyRing
from exchange.office.operators import Operators, Role
from exchange.office.pending_acts import PendingActs
from exchange.office.trail import Trail
from exchange.office.vault import Vault, create_master_key, read_master_key
from exchange.sequencer import Sequencer
from exchange.settings import Settings

ME = os.getuid()
STRANGER = ME + 1
"""Another user of the machine: whoever we cannot be in a test."""

ALICE, BOB = AccountId(100), AccountId(101)
MARKET = MarketId(1)


class SetClock(SystemClock):
    """The machine's randomness, and a time that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = 1_700_000_010_000_000

    def now(self) -> Micros:
        return Micros(self.time)

    def move(self, seconds: int) -> None:
        self.time += seconds * 1_000_000


@dataclass(frozen=True)
class House:
    """What `exchange.admin.house.House` asks for."""

    folder: Path
    settings: Settings
    clock: SetClock
    sequencer: Sequencer
    queries: Queries
    keyring: KeyRing
    operators: Operators
    trail: Trail
    signer: SignerClient
    custody: Custody
    approvers: Approvers
    pending_acts: PendingActs
    payments: Payments
    keeper: Keeper

    @property
    def socket(self) -> Path:
        return self.folder / "admin.sock"


@asynccontextmanager
async def furnished(
    folder: Path,
    *,
    demo: bool = False,
    idle: int = 1_800,
    worlds: Mapping[str, MemoryWorld] | None = None,
    two_people: bool = False,
) -> AsyncIterator[House]:
    """A house whose sequencer runs; alice and bob have money, BTCUSDT is open. `worlds`: chains in memory.

    Acts need a second operator only where `two_people` says so.
    """
    clock = SetClock()
    if not (folder / "master.key").exists():
        create_master_key(folder / "master.key", clock)
    vault = Vault(read_master_key(folder / "master.key"), clock)
    office = open_office(folder / "office.db")
    journal = Journal(folder / "ledger.db")
    sequencer = Sequencer(restore(journal.connection), journal, clock, queue_limit=1_000, batch_limit=100)
    chains = {name: ChainSettings(family="memory") for name in worlds or {}}
    settings = Settings(demo=demo, admin_idle_limit_seconds=idle, chains=chains, two_person_rule=two_people)
    opened = ExitStack()
    told, signer = msgspec.structs.replace(settings, demo=True), SignerClient(folder / "signer")
    custody = opened.enter_context(open_custody(folder, told, sequencer, clock, worlds))
    house = House(
        folder=folder,
        settings=settings,
        clock=clock,
        sequencer=sequencer,
        queries=Queries(folder / "ledger.db"),
        keyring=KeyRing(office, vault, clock),
        operators=Operators(office, vault, clock),
        trail=Trail(office, clock, folder / "trail.head"),
        signer=signer,
        custody=custody,
        approvers=Approvers(office, clock),
        pending_acts=PendingActs(office, clock),
        payments=open_payments(folder, told, custody, sequencer, signer, clock),
        keeper=Keeper(folder, told, clock),
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(sequencer.run)
        await _furnish(sequencer)
        try:
            yield house
        finally:
            sequencer.close()
    house.signer.end()
    opened.close()
    house.queries.close()
    journal.close()
    office.close()


async def _furnish(sequencer: Sequencer) -> None:
    for asset in (ListAsset("BTC", 8), ListAsset("USDT", 8)):
        await done(sequencer, asset)
    base, quote = await sequencer.read(lambda state: tuple(state.assets.values()))
    preset = MarketPreset(
        symbol="BTCUSDT",
        base="BTC",
        quote="USDT",
        tick="0.01",
        lot="0.00001",
        reference="30000",
        max_price="1000000",
        max_quantity="9000",
        min_notional="5",
        max_notional="9000000",
    )
    await done(sequencer, ListMarket(rules_of(preset, base, quote), MarketPhase.OPEN))
    for name in ("alice", "bob"):
        await done(sequencer, OpenAccount(name))


async def done(sequencer: Sequencer, command: Command) -> Outcome:
    """The outcome of a command that must not be refused."""
    outcome = await sequencer.call(command)
    assert outcome.reject is None, outcome.reject
    return outcome


def order(account: AccountId, side: Side, price: int, quantity: int) -> PlaceOrder:
    """A limit order in ticks of 0.01 and lots of 0.00001."""
    return PlaceOrder(account, MARKET, side, OrderType.LIMIT, Quantity(quantity), Price(price))


@asynccontextmanager
async def served(house: House) -> AsyncIterator[trio.Event]:
    """The desk serves at `house.socket`; setting the event stops it."""
    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        await nursery.start(lambda task_status: serve_admin(house, house.socket, stop=stop, task_status=task_status))
        try:
            yield stop
        finally:
            stop.set()


def enrol(house: House, role: Role = Role.OPERATIONS) -> pyotp.TOTP:
    """Make the user who runs this test an operator; what he has in his authenticator app."""
    totp = pyotp.parse_uri(house.operators.add("ann", ME, role).uri)
    assert isinstance(totp, pyotp.TOTP)
    return totp


def code(house: House, totp: pyotp.TOTP) -> str:
    """The code that the app shows now."""
    return totp.generate_otp(house.clock.now() // 30_000_000)


@asynccontextmanager
async def attached(house: House, role: Role = Role.OPERATIONS) -> AsyncIterator[AdminClient]:
    """A served desk and an operator of that role attached to it."""
    totp = enrol(house, role)
    async with served(house), connect(house.socket) as client:
        await client.call(Attach(code(house, totp)))
        yield client
