"""Whole bots against the house, at night, for they are large; docs/compatibility.md tells what they do."""

from __future__ import annotations

from typing import Final

import pytest
import trio

from exchange.office.keys import Scope
from tests.api.fast import Fast
from tests.api.house import Person, trader
from tests.clients import environments
from tests.clients.compatibility import compare, faults
from tests.clients.driving import drive, python
from tests.clients.test_sweeps import go_on_trading, market

__all__ = ["market"]

BOTS: Final = (
    ("nautilus-trader", "trading node", "nautilus"),
    ("freqtrade", "commands, exchange, bot", "freqtrade_bot"),
)
"""Name, part, driver."""
SECONDS: Final = 900
"""How long a bot may take to start and do all it should, on the busiest machine."""


@pytest.mark.nightly
@pytest.mark.parametrize(("name", "part", "driver"), BOTS, ids=[row[0] for row in BOTS])
async def test_a_bot_lives_here_as_it_does_elsewhere(market: Fast, name: str, part: str, driver: str) -> None:
    there = await trio.to_thread.run_sync(environments.interpreter, name)
    carol = await trader(market.house.rooms, "carol")
    key = market.house.rooms.keyring.create(carol.account, frozenset(Scope), "hmac", roaming=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(go_on_trading, market)
        command = python(driver, interpreter=there)
        verdicts = await drive(market, Person("carol", carol.account, key), *command, seconds=SECONDS)
        nursery.cancel_scope.cancel()
    assert faults(verdicts) == {}
    compare(f"{name} {environments.version(name)}: {part}", verdicts)
