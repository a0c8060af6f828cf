"""Tickers of windows and days, zones, and the status that a market must have to be shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exchange.api.parameters import WINDOW, ZONE
from exchange.core.market import MarketPhase
from tests.api.house import Client, House, SetClock, query, running_house

NOON = 1_700_049_600_000_000
"""Wednesday 2023-11-15, 12:00 UTC."""
MINUTE = 60_000_000


async def traded(house: House, clock: SetClock) -> Client:
    """Trades at 12:00:30 and, two hours later, at 14:00:30; now it is 14:17:47.099."""
    alice, bob = house.client(house.alice), house.client(house.bob)
    for after, price in ((0, "29500"), (120 * MINUTE, "30000")):
        clock.time = NOON + after + MINUTE // 2
        await alice.order("BUY", "1", price)
        await bob.order("SELL", "0.5", price)
        await alice.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
    clock.time = NOON + 137 * MINUTE + 47_099_000
    return house.client()


async def test_a_window_opens_on_a_minute_and_closes_now(tmp_path: Path) -> None:
    clock = SetClock(NOON)
    async with running_house(tmp_path, clock) as house:
        client = await traded(house, clock)
        one = (await client.ask("GET", "/api/v3/ticker", symbol="BTCUSDT", windowSize="1h")).json
        assert one == {
            "symbol": "BTCUSDT",
            "openPrice": "30000.00000000",
            "highPrice": "30000.00000000",
            "lowPrice": "30000.00000000",
            "lastPrice": "30000.00000000",
            "volume": "0.50000000",
            "quoteVolume": "15000.00000000",
            "openTime": (NOON + 77 * MINUTE) // 1000,
            "closeTime": clock.time // 1000,
            "firstId": 2,
            "lastId": 2,
            "count": 1,
            "priceChange": "0.00000000",
            "priceChangePercent": "0.000",
            "weightedAvgPrice": "30000.00000000",
        }
        many = (await client.ask("GET", "/api/v3/ticker", symbols='["BTCUSDT","ETHUSDT"]')).json
        assert [(day["openPrice"], day["priceChange"], day["count"]) for day in many] == [
            ("29500.00000000", "500.00000000", 2),
            ("0.00000000", "0.00000000", 0),
        ]
        quiet = (await client.ask("GET", "/api/v3/ticker", symbol="BTCUSDT", windowSize="5m", type="MINI")).json
        assert (quiet["openPrice"], quiet["count"], "priceChange" in quiet) == ("30000.00000000", 0, False)


@pytest.mark.parametrize(
    ("zone", "opened", "count"),
    [("0", -12 * 60, 2), ("-12:00", 0, 2), ("10", 120, 1), ("10:15", 105, 1), ("14", -120, 2)],
)
async def test_a_trading_day_is_that_of_the_zone(tmp_path: Path, zone: str, opened: int, count: int) -> None:
    clock = SetClock(NOON)
    async with running_house(tmp_path, clock) as house:
        client = await traded(house, clock)
        day = (await client.ask("GET", "/api/v3/ticker/tradingDay", symbol="BTCUSDT", timeZone=zone)).json
        start = (NOON + opened * MINUTE) // 1000
        assert (day["openTime"], day["closeTime"], day["count"]) == (start, start + 86_399_999, count)


async def test_candles_are_those_of_the_zone(tmp_path: Path) -> None:
    clock = SetClock(NOON)
    async with running_house(tmp_path, clock) as house:
        client = await traded(house, clock)
        for path in ("/api/v3/klines", "/api/v3/uiKlines"):
            days = (await client.ask("GET", path, symbol="BTCUSDT", interval="1d", timeZone="10:00")).json
            assert [(day[0], day[8]) for day in days] == [
                ((NOON - 22 * 60 * MINUTE) // 1000, 1),
                ((NOON + 2 * 60 * MINUTE) // 1000, 1),
            ]


BAD_ZONE = f"Illegal characters found in parameter 'timeZone'; legal range is '{ZONE}'."
BAD_WINDOW = f"Illegal characters found in parameter 'windowSize'; legal range is '{WINDOW}'."
COMBINATION = "Combination of optional parameters invalid."
NO_ID = "Mandatory parameter 'fromId' was not sent, was empty/null, or malformed."
NEITHER = "Param 'symbol' or 'symbols' must be sent, but both were empty/null!"
TOO_MANY = "Too many values sent for parameter 'symbols', maximum allowed up to 100."


@pytest.mark.parametrize(
    ("path", "sent", "code", "text"),
    [
        ("ticker/tradingDay", {"symbol": "BTCUSDT", "timeZone": "UTC"}, -1100, BAD_ZONE),
        ("ticker/tradingDay", {"symbol": "BTCUSDT", "timeZone": "+8"}, -1100, BAD_ZONE),
        ("ticker/tradingDay", {"symbol": "BTCUSDT", "timeZone": "8:0"}, -1100, BAD_ZONE),
        ("ticker/tradingDay", {"symbol": "BTCUSDT", "timeZone": "14:15"}, -1100, BAD_ZONE),
        ("ticker/tradingDay", {"symbol": "BTCUSDT", "timeZone": "-12:15"}, -1100, BAD_ZONE),
        ("ticker/tradingDay", {"symbol": "BTCUSDT", "timeZone": "1:07"}, -1100, BAD_ZONE),
        ("ticker/tradingDay", {"symbol": "BTCUSDT", "timeZone": "1:60"}, -1100, BAD_ZONE),
        ("ticker/tradingDay", {}, -1102, NEITHER),
        ("ticker", {}, -1102, NEITHER),
        (
            "ticker",
            {"symbol": "BTCUSDT", "symbols": '["ETHUSDT"]'},
            -1128,
            COMBINATION,
        ),
        ("ticker", {"symbols": str([f"M{n}" for n in range(101)]).replace("'", '"')}, -1101, TOO_MANY),
        *(
            ("ticker", {"symbol": "BTCUSDT", "windowSize": size}, -1100, BAD_WINDOW)
            for size in ("0m", "60m", "24h", "8d", "1d2h", "1", "m", "1M", "01m", " 1m", "1m\n")
        ),
        ("ticker", {"symbol": "BTCUSDT", "type": "HUGE"}, -1139, "Invalid ticker type."),
        ("ticker", {"symbol": "NOSUCH"}, -1121, "Invalid symbol."),
        ("klines", {"symbol": "BTCUSDT", "interval": "1d", "timeZone": "15"}, -1100, BAD_ZONE),
        (
            "executionRules",
            {"symbol": "BTCUSDT", "symbolStatus": "HALT"},
            -1128,
            COMBINATION,
        ),
        ("referencePrice", {"symbol": "NOSUCH"}, -1121, "Invalid symbol."),
        (
            "historicalBlockTrades",
            {"symbol": "BTCUSDT"},
            -1102,
            NO_ID,
        ),
    ],
)
async def test_a_wrong_question_is_refused(
    house: House, path: str, sent: dict[str, object], code: int, text: str
) -> None:
    assert (await house.client().ask("GET", f"/api/v3/{path}", **sent)).error == (400, code, text)


ONE_STATUS = ("depth", "ticker/24hr", "ticker/price", "ticker/bookTicker", "ticker", "ticker/tradingDay")


@pytest.mark.parametrize("path", ONE_STATUS)
async def test_one_market_of_another_status_is_refused(house: House, path: str) -> None:
    await house.set_phase("BTCUSDT", MarketPhase.HALTED)
    client = house.client()
    halted = await client.ask("GET", f"/api/v3/{path}", symbol="BTCUSDT", symbolStatus="HALT")
    other = await client.ask("GET", f"/api/v3/{path}", symbol="BTCUSDT", symbolStatus="TRADING")
    assert halted.status == 200
    assert other.error == (400, -1220, "The symbol's status does not match the requested symbolStatus.")
    wrong = await house.client().ask("GET", f"/api/v3/{path}", symbol="BTCUSDT", symbolStatus="OPEN")
    assert wrong.error == (400, -1122, "Invalid symbolStatus.")


@pytest.mark.parametrize("path", ONE_STATUS[1:])
async def test_of_several_those_of_that_status_are_shown(house: House, path: str) -> None:
    await house.set_phase("BTCUSDT", MarketPhase.HALTED)
    every: dict[str, object] = {"symbols": '["BTCUSDT","ETHUSDT"]'}
    asked: list[dict[str, object]] = [every] if path in {"ticker", "ticker/tradingDay"} else [every, {}]
    for sent in asked:
        shown: Any = (await house.client().send("GET", f"/api/v3/{path}", query({"symbolStatus": "HALT"} | sent))).json
        assert [ticker["symbol"] for ticker in shown] == ["BTCUSDT"]


async def test_markets_have_no_rules_of_execution_but_their_filters(house: House) -> None:
    rules = (await house.client().ask("GET", "/api/v3/executionRules", symbolStatus="TRADING")).json
    assert rules == {"symbolRules": [{"symbol": symbol, "rules": []} for symbol in ("BTCUSDT", "ETHUSDT")]}
