"""A small server of the operators' socket, played by a test: it speaks `wire` and does as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from exchange.admin import wire

NOON = 1_780_000_000_000_000
SEES = ("attach", "status", "watch", "markets", "market.show", "book", "trades", "withdrawal.list", "act.list")


def status(**changes: object) -> wire.Status:
    """A quiet second of a healthy exchange."""
    calm = wire.Status(
        time=NOON,
        uptime_s=183_906,
        demo=True,
        journal_seq=1_234_567,
        orders_per_second=1_240,
        ack_p50_us=1_840,
        ack_p99_us=6_310,
        queue_length=12,
        queue_limit=4_096,
        last_commit=NOON - 240_000,
        last_batch=17,
        accounts=42,
        open_orders=1_876,
        checked=NOON - 4_000_000,
        violations=(),
    )
    return replace(calm, **changes)


def market(symbol: str, phase: wire.Phase = "OPEN", price: str = "30000.01") -> wire.MarketRow:
    return wire.MarketRow(
        symbol=symbol,
        base=symbol[:3],
        quote=symbol[3:],
        phase=phase,
        tick_size="0.01",
        lot_size="0.00001",
        last_price=price,
        bid=price,
        ask=f"{price[:-1]}9",
        open_orders=640,
    )


def book(symbol: str, phase: wire.Phase = "OPEN", depth: int = 20) -> wire.BookView:
    """Asks from 30000.03 upwards and bids from 30000.01 downwards, a cent apart."""
    return wire.BookView(
        symbol=symbol,
        seq=1_234_567,
        phase=phase,
        last_price="30000.01",
        bids=tuple(wire.Level(f"29999.{99 - n:02}", f"0.{n + 1:02}000", n + 1) for n in range(depth)),
        asks=tuple(wire.Level(f"30000.{3 + n:02}", f"1.{n + 1:02}500", n + 1) for n in range(depth)),
    )


def trades(symbol: str, count: int = 30) -> wire.TradesView:
    rows = (
        wire.TradeRow(count - n, NOON - n * 1_300_000, f"30000.{n:02}", f"0.{n + 1:02}000", "BUY" if n % 3 else "SELL")
        for n in range(count)
    )
    return wire.TradesView(symbol, tuple(rows))


def withdrawal(number: str, state: str = "risk_held", **changes: object) -> wire.WithdrawalRow:
    """Ann wants to have a tenth of a bitcoin paid out."""
    row = wire.WithdrawalRow(
        id=number,
        account=100,
        account_name="ann",
        asset="BTC",
        network="BTC",
        amount="0.10000000",
        fee="0.00010000",
        address="bcrt1q6rhpng9evdsfnn833a4f4vej0asu6dk5srld6x",
        state=state,
        why="a new address and a new device" if state == "risk_held" else "",
        approvals=1,
        needs=2,
        txid="",
        asked=NOON,
        changed=NOON,
    )
    return replace(row, **changes)


def chain(name: str, following: str = "following", **changes: object) -> wire.ChainRow:
    """A chain that is followed to its tip."""
    row = wire.ChainRow(name, "bitcoin", following, "", NOON, 840_000, 840_000, 120, ())
    return replace(row, **changes)


@dataclass
class Server:
    """What it says, and what it was asked. `silent` methods are never answered; `code` is asked for if not ""."""

    operator: str = "maria"
    role: wire.Role = "operations"
    code: str = ""
    status: wire.Status = field(default_factory=status)
    markets: list[wire.MarketRow] = field(
        default_factory=lambda: [market("BTCUSDT"), market("ETHUSDT"), market("BTCUSD")]
    )
    withdrawals: list[wire.WithdrawalRow] = field(default_factory=list)
    payouts: list[wire.PayoutsRow] = field(default_factory=list)
    chains: list[wire.ChainRow] = field(default_factory=list)
    acts: list[wire.ActRow] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)
    refusals: dict[str, tuple[str, str]] = field(default_factory=dict)
    asked: list[wire.Ask[Any]] = field(default_factory=list)
    attached: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _left: asyncio.Event = field(default_factory=asyncio.Event)

    def push(self, frame: wire.FromServer) -> None:
        """Say this to everybody."""
        for writer in self._writers:
            writer.write(wire.encode(frame))

    def hang_up(self) -> None:
        """Close every connection, as a server that dies."""
        for writer in self._writers:
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client from attach to its end."""
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                asked = wire.decode_request(line)
                ask = msgspec.json.decode(asked.params, type=wire.ASKS[asked.method])
                self.asked.append(ask)
                if asked.method not in self.silent:
                    self._answer(writer, asked.id, ask)
        finally:
            self._writers.discard(writer)
            writer.close()
            if not self._writers:
                self._left.set()

    async def deserted(self) -> None:
        """Wait until nobody is connected."""
        while self._writers:
            self._left.clear()
            await self._left.wait()

    def _answer(self, writer: asyncio.StreamWriter, number: int, ask: wire.Ask[Any]) -> None:
        if (refusal := self.refusals.get(ask.method)) is not None:
            writer.write(wire.encode(wire.Refusal(number, *refusal)))
            return
        result, pushes = self._perform(ask)
        if isinstance(result, wire.Refusal):
            writer.write(wire.encode(replace(result, id=number)))
            return
        writer.write(wire.encode(wire.Reply(number, msgspec.Raw(msgspec.json.encode(result)))))
        for push in pushes:
            writer.write(wire.encode(push))

    def _perform(self, ask: wire.Ask[Any]) -> tuple[object, list[wire.FromServer]]:
        match ask:
            case wire.Attach(code):
                if code != self.code:
                    wrong = ("wrong_code", "That code is wrong or was used before.")
                    return wire.Refusal(0, *(wrong if code else ("code_needed", "A code is needed."))), []
                self.attached += 1
                acts = ("market.phase", "withdrawal.reject", "act.confirm") if self.role == "operations" else ()
                return wire.Attached(
                    self.operator, self.role, demo=True, idle_s=1800, may=(*SEES, *acts), version="1.2.3"
                ), []
            case wire.Watch(symbol=symbol):
                pushes: list[wire.FromServer] = [self.status]
                if symbol:
                    pushes += [book(symbol, self._row(symbol).phase), trades(symbol)]
                return wire.Watching(symbol), pushes
            case wire.ListMarkets():
                return wire.MarketList(tuple(self.markets)), []
            case wire.ListWithdrawals():
                return wire.WithdrawalList(tuple(self.withdrawals)), []
            case wire.ListPayouts() | wire.ListChains() | wire.ListActs():
                return self._list(ask), []
            case wire.ConfirmAct(number, digest):
                (act,) = [one for one in self.acts if (one.number, one.digest) == (number, digest)]
                self.acts = [one for one in self.acts if one.number != number]
                return wire.ActDone(number, act.method, act.operator, "{}"), []
            case wire.RejectWithdrawal(number, reason):
                (found,) = [one for one in self.withdrawals if one.id == number]
                self.withdrawals = [one for one in self.withdrawals if one.id != number]
                return replace(found, state="rejected", why=reason), []
            case wire.SetPhase(symbol, phase, reason):
                row = replace(self._row(symbol), phase=phase)
                self.markets = [row if old.symbol == symbol else old for old in self.markets]
                return row, [wire.PhaseChanged(symbol, phase, reason, NOON), book(symbol, phase)]
            case _:
                return wire.Refusal(0, "unknown_method", "No such method."), []

    def _list(self, ask: wire.ListPayouts | wire.ListChains | wire.ListActs) -> object:
        match ask:
            case wire.ListPayouts():
                return wire.PayoutsList(tuple(self.payouts))
            case wire.ListChains():
                return wire.ChainList(tuple(self.chains))
            case _:
                return wire.ActList(tuple(self.acts))

    def _row(self, symbol: str) -> wire.MarketRow:
        return next(row for row in self.markets if row.symbol == symbol)


@asynccontextmanager
async def listening(server: Server, socket: Path) -> AsyncIterator[Server]:
    """The server at this socket, for the length of the block; then it hangs up and nobody listens."""
    listener = await asyncio.start_unix_server(server.serve, socket, limit=wire.MAX_ASK)
    try:
        yield server
    finally:
        listener.close()
        server.hang_up()
        await server.deserted()
        await listener.wait_closed()
