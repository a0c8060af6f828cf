"""A running house for tests: a real ledger in a temporary folder, the real main door on a free port of loopback."""

from __future__ import annotations

import hashlib
import hmac
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import trio

from exchange.api.catalogue import Catalogue
from exchange.api.limits import limits_of
from exchange.api.listen_keys import ListenKeys
from exchange.api.rooms import Rooms
from exchange.api.unfilled import Unfilled
from exchange.api.web import serve_main_door
from exchange.clock import Clock, SystemClock
from exchange.core import commands as co
from exchange.core.listing import AssetPreset, MarketPreset, Presets
from exchange.core.market import MarketPhase
from exchange.core.units import AccountId, Amount, AssetId, Micros
from exchange.custody.desk import Rules
from exchange.furnish import list_presets
from exchange.ledger.journal import Journal
from exchange.ledger.queries import Queries
from exchange.ledger.records import Records
from exchange.ledger.restore import restore
from exchange.market_data.hub import Hub
from exchange.office.db import open_office
from exchange.office.keys import KeyRing, NewKey, Scope
from exchange.office.vault import Vault
from exchange.sequencer import Sequencer
from exchange.settings import Settings
from tests.api.vaults import OPEN, open_desk

ATOMS = 10**8
TRADE = frozenset({Scope.TRADE})
READ = frozenset({Scope.READ})


def in_usdt(base: str, lot: str, reference: str, taker_fee_ppm: int) -> MarketPreset:
    """A market against USDT, in steps of a cent."""
    return MarketPreset(
        symbol=base + "USDT",
        base=base,
        quote="USDT",
        tick="0.01",
        lot=lot,
        reference=reference,
        max_price="1000000",
        max_quantity="9000",
        min_notional="5",
        max_notional="9000000",
        max_algo_orders=20,
        maker_fee_ppm=1_000,
        taker_fee_ppm=taker_fee_ppm,
    )


PRESETS = Presets(
    asset=tuple(AssetPreset(code, 8) for code in ("BTC", "ETH", "USDT")),
    market=(in_usdt("BTC", "0.00001", "30000", 1_500), in_usdt("ETH", "0.0001", "2000", 1_500)),
)
"""Two markets whose maker and taker pay differently, so that a mix-up shows."""


@dataclass(frozen=True)
class Person:
    """A trader of the house: an account and a key that may trade."""

    name: str
    account: AccountId
    key: NewKey


@dataclass(frozen=True)
class House:
    """What a test may want to get at."""

    url: str
    rooms: Rooms
    alice: Person
    bob: Person
    stop: trio.Event
    http: httpx.AsyncClient

    def client(self, person: Person | None = None, key: NewKey | None = None) -> Client:
        """A client of that person's, by their own key or another."""
        return Client(self, key or (person.key if person else None))

    async def fingerprint(self) -> tuple[Any, ...]:
        """All balances and open orders: equal before and after what changed nothing."""
        return await self.rooms.sequencer.read(
            lambda state: (
                tuple(sorted(state.balances.items())),
                tuple(order.row() for order in state.orders.values()),
                state.next_order,
            )
        )

    async def set_phase(self, symbol: str, phase: MarketPhase) -> None:
        """What an operator would do."""
        market = self.rooms.catalogue.find(symbol).id
        outcome = await self.rooms.sequencer.call(co.SetMarketPhase(market, phase, "a test wants it"))
        assert outcome.reject is None, outcome


class Answer(msgspec.Struct):
    """A reply, its JSON read."""

    status: int
    json: Any
    headers: httpx.Headers
    raw: bytes

    @property
    def error(self) -> tuple[int, int, str]:
        """(status, code, text)."""
        return self.status, self.json["code"], self.json["msg"]


class Client:
    """The least a trader needs: sign the query as it is sent."""

    def __init__(self, house: House, key: NewKey | None) -> None:
        self.house = house
        self.key = key

    async def ask(self, method: str, path: str, **parameters: object) -> Answer:
        """An open endpoint, or one that wants a key only."""
        return await self.send(method, path, query(parameters))

    async def signed(self, method: str, path: str, **parameters: object) -> Answer:
        """A signed endpoint, everything in the query."""
        stamped = {"timestamp": self.house.rooms.clock.now() // 1000, **parameters}
        return await self.send(method, path, self.sign(query(stamped)))

    def sign(self, payload: str) -> str:
        """`payload` and its signature."""
        assert self.key is not None
        assert self.key.secret is not None
        signature = hmac.new(self.key.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
        return f"{payload}&signature={signature}"

    async def send(
        self,
        method: str,
        path: str,
        query_string: str = "",
        body: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Just these bytes."""
        sent = {"X-MBX-APIKEY": self.key.api_key} if self.key is not None else {}
        url = f"{self.house.url}{path}" + (f"?{query_string}" if query_string else "")
        reply = await self.house.http.request(method, url, content=body or None, headers=sent | (headers or {}))
        content = msgspec.json.decode(reply.content) if reply.content else None
        return Answer(reply.status_code, content, reply.headers, reply.content)

    async def order(self, side: str, quantity: str, price: str, **more: object) -> Answer:
        """A limit order in BTCUSDT."""
        usual = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC"}
        parameters = usual | {"side": side, "quantity": quantity, "price": price} | more
        return await self.signed("POST", "/api/v3/order", **parameters)

    async def balances(self) -> dict[str, tuple[str, str]]:
        """(free, locked) by asset."""
        reply = await self.signed("GET", "/api/v3/account")
        return {one["asset"]: (one["free"], one["locked"]) for one in reply.json["balances"]}


def query(parameters: dict[str, object]) -> str:
    """Parameters as a query string, in the order given."""
    return str(httpx.QueryParams({name: str(value) for name, value in parameters.items()}))


@asynccontextmanager
async def running_house(
    folder: Path, clock: Clock | None = None, settings: Settings | None = None, rules: Rules = OPEN
) -> AsyncIterator[House]:
    """Two markets, two traders with 100 BTC, 1,000 ETH and 10,000,000 USDT each, limits lifted unless asked for."""
    clock = clock or SystemClock()
    settings = settings or Settings(weight_limit_per_minute=0)
    journal = Journal(folder / "ledger.db")
    office = open_office(folder / "office.db")
    queries = Queries(folder / "ledger.db")
    records = Records(folder / "ledger.db")
    state = restore(journal.connection)
    sequencer = Sequencer(state, journal, clock, queue_limit=settings.queue_limit_commands, batch_limit=500)
    hub, catalogue = Hub(), Catalogue()
    hub.restore(state, queries)
    catalogue.restore(state.assets.values(), state.books)
    sequencer.subscribe(hub.consume)
    sequencer.subscribe(catalogue.consume)
    limits = limits_of(settings)
    sequencer.subscribe(Unfilled(limits, state.orders.values()).consume)
    keyring = KeyRing(office, Vault(bytes(32), clock), clock)
    rooms = Rooms(
        sequencer=sequencer,
        queries=queries,
        records=records,
        hub=hub,
        keyring=keyring,
        clock=clock,
        limits=limits,
        catalogue=catalogue,
        listen_keys=ListenKeys(clock, keyring),
        settings=settings,
        desk=open_desk(folder, sequencer, clock, rules),
    )
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.setblocking(False)
    async with trio.open_nursery() as ledger:
        await ledger.start(sequencer.run)
        await list_presets(sequencer, PRESETS)
        alice, bob = await trader(rooms, "alice"), await trader(rooms, "bob")
        async with trio.open_nursery() as doors:
            stop = trio.Event()
            await doors.start(_serve, rooms, listener, stop)
            try:
                async with httpx.AsyncClient(timeout=30, trust_env=False) as http:
                    yield House(url, rooms, alice, bob, stop, http)
            finally:
                stop.set()
        sequencer.close()
    rooms.desk.store.close()
    records.close()
    queries.close()
    journal.close()
    office.close()


async def _serve(
    rooms: Rooms, listener: socket.socket, stop: trio.Event, *, task_status: trio.TaskStatus[None]
) -> None:
    await serve_main_door(rooms, [listener], stop=stop, task_status=task_status)


async def trader(rooms: Rooms, name: str) -> Person:
    """An account with money and a key."""
    opened = await rooms.sequencer.call(co.OpenAccount(name))
    account = AccountId(opened.events[0].account)  # type: ignore[union-attr]
    for asset, units in ((1, 100), (2, 1_000), (3, 10_000_000)):
        reference = f"{name} {asset}"
        credited = await rooms.sequencer.call(co.Credit(account, AssetId(asset), Amount(units * ATOMS), reference))
        assert credited.reject is None, credited
    return Person(name, account, rooms.keyring.create(account, TRADE, "hmac", label=name))


class SetClock(SystemClock):
    """A clock that stands where it is put."""

    def __init__(self, now: int = 1_700_000_000_000_000) -> None:
        self.time = now

    def now(self) -> Micros:
        return Micros(self.time)
