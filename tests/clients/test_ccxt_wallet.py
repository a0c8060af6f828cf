"""ccxt's `binance` class, unmodified: addresses, deposits, withdrawals, and what networks cost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import ccxt
import pytest

from exchange.core import commands as co
from exchange.core.transfers import DepositState
from exchange.office.keys import Scope
from tests.api.custody.test_wallet import outside
from tests.api.house import House, Person, running_house
from tests.api.vaults import deposited, open_ways
from tests.clients.test_ccxt import ask, bot

THEN = 1_699_999_000_000


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as running:
        await open_ways(running.rooms.desk, running.rooms.sequencer)
        await running.rooms.sequencer.call(co.OpenAccount("carol"))
        yield running


def payer(house: House) -> Any:
    """Alice's bot, with a key that may do everything, from here alone."""
    key = house.rooms.keyring.create(house.alice.account, frozenset(Scope), "hmac", addresses=("127.0.0.1",))
    return bot(house, Person("alice", house.alice.account, key))


def broke(house: House) -> Any:
    """A bot of an account that has nothing."""
    account = house.rooms.sequencer.state.names["carol"]
    key = house.rooms.keyring.create(account, frozenset(Scope), "hmac", roaming=True)
    return bot(house, Person("carol", account, key))


async def test_fetch_currencies_tells_networks_fees_and_limits(house: House) -> None:
    currency = (await ask(payer(house).fetch_currencies))["BTC"]
    network = currency["networks"]["BTC"]
    assert (network["fee"], network["limits"]["withdraw"]) == (0.0001, {"min": 0.001, "max": 5.0})
    assert (network["deposit"], network["withdraw"], network["precision"]) == (True, True, 1e-08)
    assert (currency["deposit"], currency["withdraw"], currency["fee"]) == (True, True, 0.0001)


async def test_fetch_deposit_address_gives_ones_own(house: House) -> None:
    alice = payer(house)
    first = await ask(lambda: alice.fetch_deposit_address("BTC"))
    again = await ask(lambda: alice.fetch_deposit_address("BTC", {"network": "BTC"}))
    assert (first["address"], first["currency"], first["info"]["network"]) == (again["address"], "BTC", "BTC")


@pytest.mark.parametrize(
    ("coin", "asked", "network"), [("BTC", None, "BTC"), ("BTC", "BTC", "BTC"), ("USDT", None, "ERC20")]
)
async def test_fetch_deposit_address_tells_the_network_by_its_explorer(
    house: House, coin: str, asked: str | None, network: str
) -> None:
    """It finds it by the host of the explorer's address, which `explorer_url` names."""
    alice = payer(house)
    told = await ask(lambda: alice.fetch_deposit_address(coin, {"network": asked} if asked else {}))
    assert told["network"] == network
    assert told["info"]["url"].endswith(f".example/address/{told['address']}")


async def test_fetch_deposits_tells_what_came(house: House) -> None:
    alice = payer(house)
    address = (await ask(lambda: alice.fetch_deposit_address("BTC")))["address"]
    await deposited(house.rooms.desk, address, "aa", DepositState.CREDITED)
    await deposited(house.rooms.desk, address, "bb", DepositState.CONFIRMING)
    found = await ask(lambda: alice.fetch_deposits("BTC", THEN))
    told = {one["txid"]: (one["amount"], one["currency"], one["network"], one["status"]) for one in found}
    assert told == {"aa": (0.5, "BTC", "BTC", "ok"), "bb": (0.5, "BTC", "BTC", "pending")}
    assert {one["address"] for one in found} == {address}


async def test_withdraw_and_fetch_withdrawals(house: House) -> None:
    alice, shop = payer(house), outside(house)
    taken = await ask(lambda: alice.withdraw("BTC", 0.5, shop, {"network": "BTC"}))
    (row,) = await ask(lambda: alice.fetch_withdrawals("BTC"))
    assert (row["id"], row["address"], row["status"]) == (taken["id"], shop, "pending")
    assert (row["amount"], row["fee"], row["internal"]) == (0.4999, {"currency": "BTC", "cost": 0.0001}, False)


async def test_refusals_are_the_errors_that_ccxt_knows(house: House) -> None:
    alice, shop = payer(house), outside(house)
    with pytest.raises(ccxt.BadRequest):
        await ask(lambda: alice.withdraw("BTC", 0.5, "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"))
    with pytest.raises(ccxt.BadRequest):
        await ask(lambda: alice.withdraw("BTC", 5.5, shop))
    with pytest.raises(ccxt.InsufficientFunds):
        await ask(lambda: broke(house).withdraw("BTC", 0.5, shop))
