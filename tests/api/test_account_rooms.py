"""What an account can learn of itself beside its orders: filters, costs, standing, and a wallet that is still shut."""

from __future__ import annotations

from exchange.core import commands as co
from exchange.core.orders import OrderType
from tests.api.house import READ, House

NEW: dict[str, object] = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}


async def test_my_filters_are_those_of_the_market(house: House) -> None:
    mine = (await house.client(house.alice).signed("GET", "/api/v3/myFilters", symbol="BTCUSDT")).json
    market = (await house.client().ask("GET", "/api/v3/exchangeInfo", symbol="BTCUSDT")).json["symbols"][0]
    assert mine["symbolFilters"] == market["filters"]
    assert (mine["exchangeFilters"], mine["assetFilters"]) == ([], [])


async def test_an_order_tried_out_says_what_its_trades_would_cost(house: House) -> None:
    alice, none = house.client(house.alice), {"maker": "0.00000000", "taker": "0.00000000"}
    before = await house.fingerprint()
    plain = await alice.signed("POST", "/api/v3/order/test", **NEW)
    costs = await alice.signed("POST", "/api/v3/order/test", **NEW, computeCommissionRates="true")
    assert plain.json == {}
    assert costs.json["standardCommissionForOrder"] == {"maker": "0.00100000", "taker": "0.00150000"}
    assert costs.json["specialCommissionForOrder"] == costs.json["taxCommissionForOrder"] == none
    assert set(costs.json["discount"]) == {"enabledForAccount", "enabledForSymbol", "discountAsset", "discount"}
    assert await house.fingerprint() == before
    real = await alice.signed("POST", "/api/v3/order", **NEW, computeCommissionRates="true")
    assert real.error[1] == -1104


async def test_a_frozen_account_reads_that_it_is(house: House) -> None:
    alice = house.client(house.alice)

    async def standing() -> tuple[str, bool, bool]:
        account = (await alice.signed("GET", "/api/v3/account")).json
        status = (await alice.signed("GET", "/sapi/v1/account/status")).json["data"]
        locked = (await alice.signed("GET", "/sapi/v1/account/apiTradingStatus")).json["data"]["isLocked"]
        return status, locked, account["canTrade"]

    assert await standing() == ("Normal", False, True)
    frozen = await house.rooms.sequencer.call(co.SetAccountFrozen(house.alice.account, True, "a test wants it"))
    assert frozen.reject is None
    assert await standing() == ("Frozen", True, False)


async def test_a_key_reads_what_it_may_do(house: House) -> None:
    reading = house.rooms.keyring.create(house.alice.account, READ, "hmac")
    for key, trades in ((house.alice.key, True), (reading, False)):
        mine = (await house.client(key=key).signed("GET", "/sapi/v1/account/apiRestrictions")).json
        assert (mine["enableReading"], mine["enableSpotAndMarginTrading"]) == (True, trades)
        assert mine["createTime"] == key.key.created // 1000
        assert not any(mine[what] for what in ("enableWithdrawals", "enableMargin", "enableFutures"))


async def test_a_wallet_without_networks_is_empty_and_shut(house: House) -> None:
    alice = house.client(house.alice)
    for path in ("deposit/hisrec", "withdraw/history"):
        assert (await alice.signed("GET", f"/sapi/v1/capital/{path}", coin="BTC")).json == []
    address = await alice.signed("GET", "/sapi/v1/capital/deposit/address", coin="BTC")
    assert address.error == (400, -4018, "This asset does not travel over that network.")
    assert [one["networkList"] for one in (await alice.signed("GET", "/sapi/v1/capital/config/getall")).json] == [
        []
    ] * 3


async def test_there_are_no_allocations(house: House) -> None:
    alice = house.client(house.alice)
    assert (await alice.signed("GET", "/api/v3/myAllocations", symbol="BTCUSDT")).json == []
    mixed = await alice.signed("GET", "/api/v3/myAllocations", symbol="BTCUSDT", orderId=1, startTime=1)
    assert mixed.error[1] == -1128
    assert OrderType.MARKET.name in (await house.client().ask("GET", "/api/v3/exchangeInfo")).raw.decode()
