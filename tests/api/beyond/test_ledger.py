"""One's own ledger: every change with its cause, and the sum of all is what one has."""

from __future__ import annotations

import csv
import io
import random
from collections import defaultdict
from decimal import Decimal
from typing import Any

from exchange.core import commands as co
from exchange.core.transfers import DepositState, WithdrawalState
from exchange.core.units import Amount, AssetId
from tests.api.house import Answer, House, Person
from tests.core.ways import NET, ways

PATH = "/ext/v1/ledger"


async def ledger(house: House, person: Person, start: int = 1, limit: int = 1_000, **more: object) -> Answer:
    return await house.client(person).signed("GET", PATH, **{"from": start, "limit": limit, **more})


async def all_rows(house: House, person: Person, limit: int) -> list[Any]:
    rows: list[Any] = []
    start = 1
    while True:
        page = (await ledger(house, person, start, limit)).json
        if page["next"] == start:
            return rows
        rows += page["rows"]
        start = page["next"]


async def a_day(house: House, seed: int) -> None:
    """Two traders at odds for a while, with money coming and going."""
    dice = random.Random(seed)
    people = [house.client(house.alice), house.client(house.bob)]
    for turn in range(60):
        who, side = dice.choice(people), dice.choice(["BUY", "SELL"])
        price = str(30_000 + dice.randint(-20, 20))
        modes = ["NONE", "EXPIRE_MAKER"]
        act = dice.random()
        if act < 0.15:
            await who.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
        elif act < 0.3:
            await who.signed("POST", "/api/v3/order", symbol="BTCUSDT", side=side, type="MARKET", quantity="0.3")
        else:
            await who.order(side, f"0.{dice.randint(1, 9)}", price, selfTradePreventionMode=dice.choice(modes))
        if turn % 20 == 5:
            await _transfers(house, dice, f"{seed} {turn}")


async def _transfers(house: House, dice: random.Random, key: str) -> None:
    """A deposit that is undone after part of it was spent on a withdrawal, and one that comes back."""
    alice, coin = house.alice.account, AssetId(2)
    amount = Amount(dice.randint(1, 10**9))
    commands: list[co.Command] = [
        *ways(coin),
        co.ReportDeposit(key, alice, coin, amount, DepositState.CREDITED),
        co.RequestWithdrawal(key, alice, coin, Amount(amount // 2 + 1), NET),
        co.MoveWithdrawal(key, WithdrawalState.REJECTED),
        co.ReportDeposit(key, alice, coin, amount, DepositState.ORPHANED),
        co.SetAccountFrozen(alice, False, "cleared"),
    ]
    for command in commands:
        await house.rooms.sequencer.call(command)


async def test_the_sum_of_all_rows_is_the_balance_and_each_row_says_what_it_came_to(house: House) -> None:
    """Over busy days of several seeds and pages of several sizes, exactly."""
    for seed, limit in ((1, 7), (2, 1_000)):
        await a_day(house, seed)
        for person in (house.alice, house.bob):
            sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
            for row in await all_rows(house, person, limit):
                sums[row["asset"], row["part"]] += Decimal(row["amount"])
                assert Decimal(row["balance"]) == sums[row["asset"], row["part"]], row
            for asset, (free, locked) in (await house.client(person).balances()).items():
                assert sums[asset, "free"] == Decimal(free)
                assert sums[asset, "locked"] == Decimal(locked)


async def test_a_trade_says_order_trade_and_fee(house: House) -> None:
    bought = await house.client(house.alice).order("BUY", "1", "29000")
    await house.client(house.bob).order("SELL", "1", "29000")
    rows = (await ledger(house, house.alice, 4)).json["rows"]
    told = [(row["cause"], row["asset"], row["part"], row["amount"]) for row in rows]
    assert told == [
        ("orderHold", "USDT", "free", "-29000.00000000"),
        ("orderHold", "USDT", "locked", "29000.00000000"),
        ("trade", "BTC", "free", "1.00000000"),
        ("trade", "USDT", "locked", "-29000.00000000"),
        ("fee", "BTC", "free", "-0.00100000"),
    ]
    assert {row["orderId"] for row in rows} == {bought.json["orderId"]}
    assert [row.get("tradeId", 0) for row in rows] == [0, 0, 1, 1, 1]
    assert [row["number"] for row in rows] == [4, 4, 5, 5, 5]


async def test_each_kind_of_change_has_its_cause(house: House) -> None:
    await a_day(house, 1)
    await _transfers(house, random.Random(1), "more")
    for state in (WithdrawalState.APPROVED, WithdrawalState.PLANNED, WithdrawalState.SIGNED):
        await house.rooms.sequencer.call(co.MoveWithdrawal("out", state))
    found = {row["cause"] for row in await all_rows(house, house.alice, 1_000)}
    assert found == {
        "credit",
        "orderHold",
        "orderRelease",
        "trade",
        "fee",
        "deposit",
        "depositUndone",
        "withdrawalHold",
        "withdrawalRelease",
    }


async def test_the_same_rows_as_csv(house: House) -> None:
    """A header, a line per row, the same exact decimals; where to go on stands in a header of the reply."""
    await a_day(house, 3)
    page = (await ledger(house, house.alice, 1, 50)).json
    client = house.client(house.alice)
    query = client.sign(f"from=1&limit=50&format=CSV&timestamp={house.rooms.clock.now() // 1000}")
    headers = {"X-MBX-APIKEY": house.alice.key.api_key}
    reply = await house.http.get(f"{house.url}{PATH}?{query}", headers=headers)
    assert reply.headers["content-type"] == "text/csv;charset=UTF-8"
    assert reply.headers["x-next-from"] == str(page["next"])
    rows = list(csv.DictReader(io.StringIO(reply.text)))
    assert [{name: cell for name, cell in row.items() if cell} for row in rows] == [
        {name: str(value) for name, value in row.items()} for row in page["rows"]
    ]


async def test_a_reference_is_no_formula(house: House) -> None:
    """What a spreadsheet would work out is kept from it."""
    credit = co.Credit(house.alice.account, AssetId(1), Amount(1), "=1+1")
    await house.rooms.sequencer.call(credit)
    client = house.client(house.alice)
    query = client.sign(f"from=4&format=CSV&timestamp={house.rooms.clock.now() // 1000}")
    headers = {"X-MBX-APIKEY": house.alice.key.api_key}
    reply = await house.http.get(f"{house.url}{PATH}?{query}", headers=headers)
    assert reply.text.splitlines()[1].endswith(",'=1+1")


async def test_what_is_owed_is_told_as_a_part_of_its_own(house: House) -> None:
    """A deposit that is undone after it was spent leaves a debt; the next deposit repays it first."""
    alice, coin = house.alice.account, AssetId(1)
    deposit = co.ReportDeposit("d", alice, coin, Amount(10**9), DepositState.CREDITED)
    for command in (
        *ways(coin),
        deposit,
        co.RequestWithdrawal("w", alice, coin, Amount(105 * 10**8), NET),
        co.ReportDeposit("d", alice, coin, Amount(10**9), DepositState.ORPHANED),
    ):
        assert (await house.rooms.sequencer.call(command)).reject is None
    rows = [row for row in (await ledger(house, house.alice, 6)).json["rows"] if row["part"] == "owed"]
    assert [(row["cause"], row["amount"], row["balance"]) for row in rows] == [
        ("depositUndone", "-5.00000000", "-5.00000000")
    ]
