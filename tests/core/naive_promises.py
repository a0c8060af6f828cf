"""The twin's idempotency keys and dead man's switches: plain dictionaries, looked through from end to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exchange.core import commands as co
from exchange.core.market import MarketPhase

if TYPE_CHECKING:
    from tests.core.naive import Line, Naive

Promise = co.SetCountdown | co.FireCountdown | co.ArmSession | co.EndSession


class Promises:
    """What the exchange has promised to do, or not to do again."""

    def __init__(self, house: Naive) -> None:
        self.house = house
        self.keys: dict[tuple[int, str], bytes] = {}
        self.countdowns: dict[tuple[int, int], int] = {}
        self.sessions: dict[tuple[int, str], tuple[int, ...]] = {}

    def once(self, keyed: co.Keyed) -> tuple[str | None, list[Line]]:
        """Under a key that was used for the same: nothing; for something else: no; else do it."""
        name = (keyed.account, keyed.key)
        if name in self.keys:
            return None if self.keys[name] == keyed.digest else "KEY_REUSED", []
        reject, lines = self.house.one(keyed.command)
        if any(line[0] != "then" for line in lines):
            self.keys[name] = keyed.digest
        return reject, lines

    def perform(self, command: Promise, now: int) -> str | list[Line]:
        """Set switches, or let them work."""
        if command.account not in self.house.money.owners and not isinstance(command, co.EndSession | co.FireCountdown):
            return "UNKNOWN_ACCOUNT"
        match command:
            case co.SetCountdown():
                return self._set(command, now)
            case co.FireCountdown():
                return self._fire(command, now)
            case co.ArmSession():
                if any(market not in self.house.shops for market in command.markets):
                    return "UNKNOWN_MARKET"
                self.sessions[command.account, command.session] = command.markets
                return []
            case co.EndSession():
                return self._end(command, now)

    def _set(self, command: co.SetCountdown, now: int) -> str | list[Line]:
        if command.market not in self.house.shops:
            return "UNKNOWN_MARKET"
        self.countdowns.pop((command.account, command.market), None)
        if command.countdown:
            self.countdowns[command.account, command.market] = now + command.countdown
        return []

    def _fire(self, command: co.FireCountdown, now: int) -> str | list[Line]:
        name = (command.account, command.market)
        if self.countdowns.get(name, now + 1) > now:
            return []
        if self._halted(command.market):
            return "MARKET_NOT_OPEN"
        del self.countdowns[name]
        return self.house.cancel_open(*name)

    def _end(self, command: co.EndSession, now: int) -> str | list[Line]:
        markets = self.sessions.pop((command.account, command.session), None)
        if markets is None:
            return "NOT_ARMED"
        lines: list[Line] = []
        for market in () if command.disarm else markets or sorted(self.house.shops):
            if not self._halted(market):
                lines += self.house.cancel_open(command.account, market)
            elif any((t.wish.account, t.wish.market) == (command.account, market) for t in self.house.open):
                self.countdowns[command.account, market] = now
        return lines

    def _halted(self, market: int) -> bool:
        return self.house.shops[market].phase == MarketPhase.HALTED
