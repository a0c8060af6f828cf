"""What `exchange demo` puts into its folder, once, and tells whoever started it, each time."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Final

import msgspec
import trio

from exchange.app import LEDGER, FolderMissing, House, dashboard_command, init_folder, offline
from exchange.clock import SystemClock
from exchange.core import commands as co
from exchange.core.listing import Presets
from exchange.core.rejects import Reject
from exchange.core.units import AccountId, Amount
from exchange.custody.memory.world import MemoryWorld
from exchange.demo.chained import CONFIRMATIONS, Chained, chains, described
from exchange.demo.flow import Flow
from exchange.demo.former_chains import part_with
from exchange.demo.maker import HouseMaker
from exchange.demo.show import show
from exchange.furnish import list_presets, read_presets
from exchange.office.keys import Scope
from exchange.serving import Doors
from exchange.settings import DEFAULT_FILE, Settings, SettingsError, example, load, with_ports

LOOPBACK: Final = "127.0.0.1"
TRADERS: Final = ("alice", "bob")
MAKER: Final = "house-maker"
FLOW_ACCOUNTS: Final = 20
RECORDED: Final = "BTCUSD"

# What each gets, in whole units.
_TRADER_FUNDS: Final = {"BTC": 100, "ETH": 1_000, "USDT": 10_000_000}
_MAKER_FUNDS: Final = {"BTC": 10_000, "ETH": 100_000, "USDT": 1_000_000_000}
_FLOW_FUNDS: Final = {"BTC": 50_000, "USD": 10_000_000}

_ALL: Final = frozenset({Scope.READ, Scope.TRADE, Scope.WITHDRAW})
_EASY: Final = {"withdrawal_allow_list": False, "new_address_wait_hours": 0, "new_key_wait_hours": 0}
"""Money that is made up may leave at once, and go anywhere."""


class Trader(msgspec.Struct, frozen=True):
    """A trader who may be told his own secret, since his money is made up."""

    name: str
    api_key: str
    secret: str


class Demo:
    """One run of the demo over one folder."""

    def __init__(
        self,
        folder: Path,
        *,
        bare: bool,
        flow: bool,
        speed: int,
        as_json: bool,
        chains: bool = False,
        mining: bool = True,
    ) -> None:
        """`bare`: no house maker either. `speed`: how much faster than recorded the flow runs.

        `chains`: with blockchains of its own, `mining` a block on each every two seconds.
        """
        self.folder = folder
        self.bare = bare
        self.flow = flow
        self.speed = speed
        self.as_json = as_json
        self.chains = chains
        self.mining = mining
        self.chained: Chained | None = None
        self.traders: list[Trader] = []
        self.maker: Trader | None = None

    def settings(self, http_port: int | None, fast_port: int | None, weight_limit: int | None) -> Settings:
        """The folder's settings, in demo mode, and what the command line says otherwise. Raises `SettingsError`."""
        given = msgspec.structs.replace(load(self.folder), demo=True, **_EASY)
        if given.host != LOOPBACK:
            raise SettingsError(
                f"{self.folder / DEFAULT_FILE}: a demo is for this machine alone, so its host is {LOOPBACK} and not"
                f" {given.host}. Nothing was started."
            )
        if weight_limit is not None:
            given = msgspec.structs.replace(given, weight_limit_per_minute=weight_limit)
        return with_ports(given, http_port, fast_port)

    def prepare(self, settings: Settings) -> None:
        """Create what is missing; what is there stays as it is. Raises `FolderMissing` for a folder of real money."""
        if any((self.folder / name).exists() for name in (LEDGER, DEFAULT_FILE)) and not load(self.folder).demo:
            raise FolderMissing(
                f"{self.folder} is not a demo's folder: its {DEFAULT_FILE} does not say `demo = true`. Nothing was"
                " changed. Give `exchange demo` a folder of its own with --dir."
            )
        if not (self.folder / LEDGER).exists():
            init_folder(self.folder, SystemClock(), f"{example()}\ndemo = true\n")
        trio.run(self._furnish, settings)

    async def _furnish(self, settings: Settings) -> None:
        async with offline(self.folder, settings, SystemClock()) as house:
            with resources.as_file(resources.files("exchange.demo") / "markets.toml") as presets:
                await list_presets(house.sequencer, self._wanted(read_presets(presets)))
            self.traders = [await self._trader(house, name, _TRADER_FUNDS) for name in TRADERS]
            if not self.bare:
                self.maker = await self._trader(house, MAKER, _MAKER_FUNDS)
            if self.flow:
                for number in range(FLOW_ACCOUNTS):
                    await _funded(house, flow_name(number), _FLOW_FUNDS)
            if self.chains:
                await part_with(house)

    @asynccontextmanager
    async def around(self, settings: Settings) -> AsyncIterator[tuple[Settings, Mapping[str, MemoryWorld]]]:
        """The chains, begun anew, and the settings that name them. The house is prepared, and not open."""
        async with chains(self.folder, settings, SystemClock()) as (self.chained, with_chains):
            yield with_chains, self.chained.out.worlds

    def _wanted(self, presets: Presets) -> Presets:
        """All presets, or without the flow those that it does not need."""
        if self.flow:
            return presets
        markets = tuple(market for market in presets.market if market.symbol != RECORDED)
        used = {code for market in markets for code in (market.base, market.quote)}
        return Presets(tuple(asset for asset in presets.asset if asset.code in used), markets)

    async def _trader(self, house: House, name: str, funds: dict[str, int]) -> Trader:
        account = await _funded(house, name, funds)
        living = [key for one in house.keyring.list(account) if (key := house.keyring.find(one.api_key)) is not None]
        old = [key for key in living if key.label == "demo" and Scope.WITHDRAW in key.scopes]
        key = old[-1] if old else house.keyring.create(account, _ALL, "hmac", label="demo", roaming=True).key
        return Trader(name, key.api_key, key.secret.decode())

    async def run(self, house: House, doors: Doors, stop: trio.Event) -> None:
        """House maker and flow, until `stop`; whoever started the demo is told once there is something to look at."""
        async with trio.open_nursery() as nursery:
            if self.maker is not None:
                maker = HouseMaker(doors.http, self.maker.api_key, self.maker.secret, house.clock)
                await nursery.start(maker.run)
            if self.chained is not None:
                await self.chained.furnish(house)
            (self.print_json if self.as_json else self.print_text)(doors)
            if self.chained is not None:
                self._bring_to_life(house, self.chained, nursery)
            if self.flow:
                state = house.sequencer.state
                accounts = [state.names[flow_name(number)] for number in range(FLOW_ACCOUNTS)]
                flow = Flow(house.sequencer, house.queries, accounts, state.symbols[RECORDED], self.speed)
                nursery.start_soon(flow.run)
            await stop.wait()
            nursery.cancel_scope.cancel()

    def _bring_to_life(self, house: House, chained: Chained, nursery: trio.Nursery) -> None:
        """Blocks are mined; people are shown what happens then."""
        if self.mining:
            nursery.start_soon(chained.mine)
            if not self.as_json:
                alice = self.traders[0]
                account = house.sequencer.state.names[alice.name]
                nursery.start_soon(show, house, chained, account, alice.name)

    def print_json(self, doors: Doors) -> None:
        """One line for programs."""
        told = {**msgspec.to_builtins(doors), "accounts": [msgspec.to_builtins(trader) for trader in self.traders]}
        if self.chained is not None:
            told["chains"] = described(self.chained.out)
        print(json.dumps(told), flush=True)

    def print_text(self, doors: Doors) -> None:
        """The same for people."""
        alice = self.traders[0]
        keys = "\n".join(f"  {t.name:<6} key {t.api_key}\n         secret {t.secret}" for t in self.traders)
        market = "two empty books" if self.bare else "BTCUSDT and ETHUSDT (quoted by a house maker)"
        flow = f", BTCUSD (orders of a day in 2015, {self.speed} times as fast)" if self.flow else ""
        print(
            f"""
The exchange is open: {market}{flow}.

  main door  {doors.http}   all HTTP
  fast door  {doors.fast}   all WebSockets: {doors.ws}/ws, /stream, /ws-api/v3

Traders, with made-up money:
{keys}

A first look:
  curl '{doors.http}/api/v3/depth?symbol=BTCUSDT&limit=5'

A first order, signed with alice's secret:
  q="symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price=25000&timestamp=$(date +%s000)"
  s=$(printf '%s' "$q" | openssl dgst -sha256 -hmac '{alice.secret}' | sed 's/.*= //')
  curl -X POST -H 'X-MBX-APIKEY: {alice.api_key}' '{doors.http}/api/v3/order?'"$q&signature=$s"

Operators, in another terminal:  {dashboard_command(self.folder)}
  (this is a demo: you, who started it, are an operator without a one-time code)
{self._chain_text()}
Stop it with ctrl-C or `kill {os.getpid()}`; the next start in {self.folder} goes on where this one stopped.
""",
            flush=True,
        )

    def _chain_text(self) -> str:
        """What is to be said of the chains, if there are any."""
        if self.chained is None:
            return ""
        nodes = "\n".join(f"  {name:<5}{url}" for name, url in self.chained.out.rpc.items())
        where = f"Chains of this demo alone, begun anew with each start:\n{nodes}" if nodes else self.chained.out.note
        pace = "a block every 2 seconds" if self.mining else "mined by you alone"
        return f"""
{where}
  {pace}, {CONFIRMATIONS} confirmations; USDT is a token on ETH. Withdrawals need no allow-list and no waiting time
  here, by the demo's settings, and small ones go out at once. Operators: exchange chain list --dir {self.folder}
"""


def flow_name(number: int) -> str:
    """The name of one of the accounts behind the recorded flow."""
    return f"flow-{number:02}"


async def _funded(house: House, name: str, funds: dict[str, int]) -> AccountId:
    """The account of that name, opened and funded if it is not yet."""
    call = house.sequencer.call
    await call(co.OpenAccount(name))
    account = await house.sequencer.read(lambda state: state.names[name])
    assets = await house.sequencer.read(lambda state: {asset.code: asset for asset in state.assets.values()})
    for code, units in funds.items():
        amount = Amount(units * 10 ** assets[code].decimals)
        outcome = await call(co.Credit(account, assets[code].id, amount, f"demo:{name}:{code}"))
        assert outcome.reject in {None, Reject.DUPLICATE_REFERENCE}, outcome  # the latter: funded by an earlier start
    return account
