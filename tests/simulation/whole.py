"""The whole house in one loop and out of one seed: traders, chains, payouts, timers; crashes and starts in between.

Everything is what the server runs, put together by its own composition root, but that it has no sockets: traders call
the endpoints, chains are in memory, and threads and time are simulated (`scheduler`).
"""

from __future__ import annotations

import gc
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import trio

from exchange.api.auth import Caller
from exchange.api.endpoints import countdown, orders
from exchange.api.endpoints.sizing import NewOrder
from exchange.api.errors import Refused
from exchange.api.parameters import ClientId, Count, Decimal, Symbol
from exchange.api.rooms import Rooms
from exchange.app import LEDGER, House, init_folder, offline, open_house
from exchange.chain_settings import ChainSettings
from exchange.core import audit
from exchange.core import commands as co
from exchange.core.networks import Network
from exchange.core.orders import OrderType, Side, TimeInForce
from exchange.core.performing import Outcome
from exchange.core.postings import FEES, FIRST_TRADER, split_key
from exchange.core.transfers import WithdrawalState
from exchange.core.units import AccountId, Amount, AssetId, BalanceKey
from exchange.custody.memory.world import MemoryWorld
from exchange.custody.payouts.withdrawals import NotAsked, Wanted
from exchange.custody.port import Purpose
from exchange.custody.proof.reconciling import open_reconciler
from exchange.furnish import list_presets
from exchange.ledger.journal import Journal
from exchange.ledger.reconcile import verify
from exchange.serving import rooms_of
from exchange.settings import Settings
from exchange.timers import Timers
from tests.api.house import ATOMS, PRESETS
from tests.faults.promises import Promised, check, promise
from tests.simulation import scheduler
from tests.simulation.scheduler import SimulatedClock, pause

BTC: Final = AssetId(1)
ALICE, BOB = AccountId(100), AccountId(101)
SYMBOLS: Final = (Symbol("BTCUSDT"), Symbol("ETHUSDT"))
KINDS: Final = (OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.MARKET, OrderType.STOP_LOSS_LIMIT)
LIVES: Final = 3
FATAL: Final[tuple[tuple[type, ...], ...]] = (
    (),
    (co.PlaceOrder, co.CancelOrder),
    (co.ReportDeposit,),
    (co.RequestWithdrawal,),
    (co.MoveWithdrawal, co.SettleInside),
)
"""A process dies when one of these is answered; or at any moment."""
SWEPT_AFTER: Final = 50
"""A sequencer freezes what is there when it starts, so that nobody looks at it again: here that would add up."""
CAPITAL: Final = 10 * ATOMS
"""What the hot wallet begins with."""
CHAIN: Final = ChainSettings(
    family="memory",
    poll_milliseconds=300,
    stale_after_seconds=10**9,
    reconcile_every_blocks=3,
    address_pool=5,
    first_block=1,
)
SETTINGS: Final = Settings(demo=True, chains={"BTC": CHAIN}, weight_limit_per_minute=0)
NETWORK: Final = Network(
    asset=BTC,
    name="BTC",
    chain_decimals=8,
    withdrawal_fee=Amount(10_000),
    withdrawal_min=Amount(100_000),
    confirmations=((Amount(0), 2),),
    automatic_limit=Amount(10**12),
    one_person_limit=Amount(10**12),
    deposits_open=True,
    withdrawals_open=True,
)


async def furnish(folder: Path, dice: random.Random) -> None:
    """A folder that every seed begins with a copy of: markets, two traders with money, and a way in and out."""
    clock = SimulatedClock(dice)
    init_folder(folder, clock, "demo = true\n")
    async with offline(folder, Settings(demo=True), clock) as house:
        await list_presets(house.sequencer, PRESETS)
        commands: list[co.Command] = [co.OpenAccount("alice"), co.OpenAccount("bob")]
        for account in (ALICE, BOB):
            commands += [
                co.Credit(account, AssetId(asset), Amount(amount * ATOMS), f"start {account} {asset}")
                for asset, amount in ((2, 1_000), (3, 10_000_000))
            ]
        commands += [co.SetNetwork(NETWORK), co.SetTierLimit(0, BTC, Amount(10**12), Amount(10**12))]
        for command in commands:
            outcome = await house.sequencer.call(command)
            assert outcome.reject is None, (command, outcome)


class Crash(Exception):
    """The process is gone."""


class World:
    """One seed's folder and chain, and what was promised in all its lives."""

    def __init__(self, folder: Path, template: Path, dice: random.Random) -> None:
        shutil.copytree(template, folder)
        self.folder = folder
        self.dice = dice
        self.clock = SimulatedClock(dice)
        self.chain = MemoryWorld("BTC")
        self.chain.mine(3)
        self.promises: list[Promised] = []
        self.acts = 0
        self.crashes = 0
        self._fatal: tuple[type, ...] = ()
        self._answers_left = 0
        self._doomed = trio.Event()
        self.digest = ""
        """The journal's last hash, in the end."""

    async def run(self) -> None:
        """Live, crash and live again, then come to rest."""
        for life in range(LIVES):
            try:
                await self._live(last=life == LIVES - 1)
            except BaseExceptionGroup as group:
                if group.split(Crash)[1] is not None:
                    raise
                self.crashes += 1
        path = self.folder / LEDGER
        verify(path, lambda done, total: None)
        journal = Journal(path)
        self.digest = journal.last_hash.hex()
        journal.close()

    async def _live(self, *, last: bool) -> None:
        """One life: what `app.serve` starts, less the doors; and those who come in."""
        with open_house(self.folder, SETTINGS, self.clock, {"BTC": self.chain}) as house:
            journal = house.sequencer._journal
            self._doomed = trio.Event()
            check(self.promises, journal.connection, house.sequencer.state)
            self._note_promises(house)
            async with trio.open_nursery() as outer:
                await outer.start(house.sequencer.run)
                rooms, timers = rooms_of(house), Timers(house.sequencer, house.clock)
                await timers.catch_up()
                await house.payments.recover()
                await self._capital(house)
                async with trio.open_nursery() as nursery:
                    reconciler = open_reconciler(house.folder / LEDGER, house.custody, house.sequencer, house.clock)
                    for run in (timers.run, house.custody.run, house.payments.run, reconciler.run):
                        nursery.start_soon(run)
                    nursery.start_soon(self._audit, house)
                    if not last:
                        nursery.start_soon(self._die)
                    await self._busy(Life(self, house, rooms))
                    if not last:
                        await trio.sleep_forever()
                    await self._rest(house)
                    nursery.cancel_scope.cancel()
                house.sequencer.close()

    async def _capital(self, house: House) -> None:
        """Wallets, and coins for the hot one, if this is the first life."""
        pool = house.custody.lines["BTC"].pool
        if any(one.purpose is Purpose.HOT for one in pool.watched.values()):
            return
        for purpose in (Purpose.DEPOSIT, Purpose.HOT, Purpose.CHANGE):
            await pool.add_wallet(purpose, "seed")
        hot = next(one for one in pool.watched.values() if one.purpose is Purpose.HOT)
        self.chain.pay(hot.address, *[CAPITAL // 10] * 10)
        self.chain.mine(2)

    def _note_promises(self, house: House) -> None:
        """Whoever is answered by the sequencer may rely on it."""
        submit = house.sequencer.submit

        def noted(command: co.Command, reply: Callable[[Outcome], None]) -> bool:
            def tell(outcome: Outcome) -> None:
                self.promises.append(promise(outcome))
                reply(outcome)
                if isinstance(command, self._fatal):
                    self._answers_left -= 1
                    if not self._answers_left:
                        self._doomed.set()

            return submit(command, tell)

        house.sequencer.submit = noted  # type: ignore[method-assign]
        house.sequencer.subscribe(lambda committed: self.promises.append(Promised(seq=committed.last)))

    async def _die(self) -> None:
        """Sooner or later; mostly right when somebody is being answered of something that moves money."""
        self._fatal, self._answers_left = self.dice.choice(FATAL), self.dice.randint(1, 4)
        with trio.move_on_after(pause(self.dice, 250)):
            await self._doomed.wait()
        raise Crash

    async def _audit(self, house: House) -> None:
        """What must always be true is true at every moment at which anybody may look."""
        while True:
            await trio.sleep(0.2)
            wrong = list(audit.violations(house.sequencer.state))
            assert not wrong, wrong

    async def _busy(self, life: Life) -> None:
        """Everybody does something, some things at the same moment."""
        async with trio.open_nursery() as nursery:
            for account in (ALICE, BOB):
                for _ in range(2):
                    nursery.start_soon(life.trade, account)
            nursery.start_soon(life.move_money)
            nursery.start_soon(life.mine)

    async def _rest(self, house: House) -> None:
        """Blocks come until nothing is on its way; then the chain has what the ledger says, to the last unit."""
        for _ in range(60):
            await self._look(house)
            self.chain.mine()
            await trio.sleep(1)
            if not await house.sequencer.read(lambda state: [one for one in state.withdrawals.values() if one.holds]):
                break
        self.chain.mine(4)
        await trio.sleep(4)
        state = house.sequencer.state
        assert not list(audit.violations(state))
        assert not state.payouts_shut, state.payouts_shut
        assert {one.state for one in state.withdrawals.values()} <= {WithdrawalState.FINAL, WithdrawalState.REJECTED}
        self._counted(house)

    async def _look(self, house: House) -> None:
        """The operators: whoever a reorganisation froze goes on, and what waits for a word is refused."""
        for account in (ALICE, BOB):
            await house.sequencer.call(co.SetAccountFrozen(account, False, "looked at"))
        state = house.sequencer.state
        for one in [one for one in state.withdrawals.values() if one.state is WithdrawalState.RISK_HELD]:
            await house.payments.withdrawals.reject(one.key, "nobody knows that address")

    def _counted(self, house: House) -> None:
        """What is on our addresses is what people and the house have of that asset."""
        db = house.custody.store.reader
        ours = [str(one) for (one,) in db.execute("SELECT address FROM addresses")]
        on_chain = sum(self.chain.balance(one) for one in ours)
        network = sum(one.fee for mint in self.chain.best for one in mint.transactions.values() if one.claims)
        owed = 0
        for key, amount in house.sequencer.state.balances.items():
            account, asset, _ = split_key(BalanceKey(key))
            if asset == BTC and (account >= FIRST_TRADER or account == FEES):
                owed += amount
        costs = sum(amount for asset, amount in house.sequencer.state.costs.values() if asset == BTC)
        assert on_chain == owed + CAPITAL + costs - network, (on_chain, owed, costs, network)


class Life:
    """Who comes in during one life, and what they do."""

    def __init__(self, world: World, house: House, rooms: Rooms) -> None:
        self._world = world
        self._dice = world.dice
        self._house = house
        self._rooms = rooms

    async def trade(self, account: AccountId) -> None:
        """A trader's connection: one request after the other."""
        caller = Caller(account, "", frozenset())
        mine: list[tuple[Symbol, str]] = []
        for _ in range(self._dice.randint(2, 10)):
            await trio.sleep(pause(self._dice, 12))
            self._world.acts += 1
            act = self._dice.choices([self._place, self._cancel, self._cancel_all, self._count_down], [12, 6, 1, 1])[0]
            try:
                await act(caller, mine)
            except Refused:
                continue  # too little money, nothing there to cancel: an answer like any other

    async def _place(self, caller: Caller, mine: list[tuple[Symbol, str]]) -> None:
        dice, symbol = self._dice, self._dice.choice(SYMBOLS)
        name = self._world.clock.token(12)
        around = 30_000 if symbol == SYMBOLS[0] else 2_000
        kind = dice.choices(KINDS, [8, 2, 2, 1])[0]
        wish: dict[str, Any] = {"side": dice.choice(list(Side)), "type": kind}
        wish["quantity"] = Decimal(f"0.{dice.randint(1, 9)}")
        if kind is not OrderType.MARKET:
            wish["price"] = Decimal(str(around + dice.randint(-3, 3)))
        if kind in {OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT}:
            wish["time_in_force"] = dice.choices(list(TimeInForce), [8, 1, 1])[0]
        if kind is OrderType.STOP_LOSS_LIMIT:
            wish["stop_price"] = Decimal(str(around + dice.randint(-4, 4)))
        mine.append((symbol, name))
        await orders.place(self._rooms, caller, NewOrder(symbol=symbol, new_client_order_id=ClientId(name), **wish))

    async def _cancel(self, caller: Caller, mine: list[tuple[Symbol, str]]) -> None:
        if mine:
            symbol, name = mine.pop(self._dice.randrange(len(mine)))
            request = orders.CancelRequest(symbol=symbol, orig_client_order_id=ClientId(name))
            await orders.cancel(self._rooms, caller, request)

    async def _cancel_all(self, caller: Caller, mine: list[tuple[Symbol, str]]) -> None:
        await orders.cancel_all(self._rooms, caller, orders.OneMarket(self._dice.choice(SYMBOLS)))

    async def _count_down(self, caller: Caller, mine: list[tuple[Symbol, str]]) -> None:
        request = countdown.CountdownRequest(self._dice.choice(SYMBOLS), Count(self._dice.choice([0, 100, 300])))
        await countdown.countdown_cancel_all(self._rooms, caller, request)

    async def move_money(self) -> None:
        """Deposits to both, and withdrawals of what alice has."""
        pool = self._house.custody.lines["BTC"].pool
        for _ in range(self._dice.randint(2, 8)):
            await trio.sleep(pause(self._dice, 15))
            self._world.acts += 1
            atoms = self._dice.randint(1, 3) * ATOMS // 2
            if self._dice.random() < 0.6:
                address = await pool.address_for(self._dice.choice([ALICE, BOB]), BTC)
                self._world.chain.pay(address, *[atoms] * self._dice.randint(1, 2))
                continue
            inside = self._dice.random() < 0.2
            stranger = self._world.chain.address(self._world.clock.token(8))
            address = await pool.address_for(BOB, BTC) if inside else stranger
            wanted = Wanted(account=ALICE, asset=BTC, network="BTC", address=address, atoms=Amount(atoms // 2))
            try:
                await self._house.payments.withdrawals.ask(wanted)
            except NotAsked:
                continue  # she has less

    async def mine(self) -> None:
        """Blocks, now and then in place of the newest."""
        for _ in range(self._dice.randint(2, 6)):
            await trio.sleep(pause(self._dice, 40))
            if self._dice.random() < 0.15:
                self._world.chain.reorg(1)
            else:
                self._world.chain.mine()


def simulate(folder: Path, seed: int) -> World:
    """Live one seed on the copy of a furnished folder `template` in `folder`."""

    async def main(dice: random.Random) -> World:
        world = World(folder / str(seed), folder / "template", dice)
        await world.run()
        return world

    try:
        return scheduler.run(main, seed)
    finally:
        shutil.rmtree(folder / str(seed))
        if seed % SWEPT_AFTER == 0:
            gc.unfreeze()
            gc.collect()


def make_template(folder: Path) -> None:
    """The folder that all seeds begin with, the same each time."""

    async def main(dice: random.Random) -> None:
        await furnish(folder / "template", dice)

    scheduler.run(main, 0)
