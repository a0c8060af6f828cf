"""What ccxt's own fixtures say that it makes of replies: the facts of its spot replies, by method.

From `static/response/binance.json` of ccxt's repository, which is not part of its packages. `fields` are the names in
the reply that ccxt was given, `parsed` what it made of it.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple


class Fixture(NamedTuple):
    """One reply: ccxt's words for it, the names of its fields, and what ccxt makes of it (of the first, of a list)."""

    words: str
    fields: str
    parsed: dict[str, Any]


_ORDER: Final = {
    "id": "3397148653",
    "clientOrderId": "x-R4BD3S825806ed40c861260428a48c",
    "timestamp": 1679571174472,
    "datetime": "2023-03-23T11:32:54.472Z",
    "lastTradeTimestamp": None,
    "lastUpdateTimestamp": 1679571174472,
    "symbol": "LTC/USDT",
    "type": "limit",
    "timeInForce": "GTC",
    "postOnly": False,
    "reduceOnly": None,
    "side": "buy",
    "triggerPrice": None,
    "cost": 0,
    "average": None,
    "filled": 0,
    "status": "open",
    "fee": None,
    "trades": [],
    "fees": [],
    "stopPrice": None,
    "takeProfitPrice": None,
    "stopLossPrice": None,
}
_PLACED: Final = (
    "symbol orderId orderListId clientOrderId transactTime price origQty executedQty origQuoteOrderQty"
    " cummulativeQuoteQty status timeInForce type side workingTime fills selfTradePreventionMode"
)
_STANDING: Final = (
    "symbol orderId orderListId clientOrderId price origQty executedQty cummulativeQuoteQty status timeInForce type"
    " side stopPrice icebergQty time updateTime isWorking workingTime origQuoteOrderQty selfTradePreventionMode"
)

ICEBERG: Final = Fixture(
    "spot +selfTradePrevention +iceberg",
    _PLACED + " icebergQty",
    _ORDER | {"symbol": "SOL/USDT", "price": 241, "amount": 0.05, "remaining": 0.05},
)
CLOSED_ORDER: Final = Fixture(
    "Fetch spot closed order",
    _STANDING,
    _ORDER
    | {"lastTradeTimestamp": 1679571174472, "type": "market", "side": "sell", "price": 90.8, "amount": 0.1}
    | {"cost": 9.08, "average": 90.8, "filled": 0.1, "remaining": 0, "status": "closed"},
)
OPEN_ORDER: Final = Fixture(
    "Fetch spot open orders", _STANDING, _ORDER | {"postOnly": True, "price": 50, "amount": 0.2, "remaining": 0.2}
)
CANCELED_ORDER: Final = Fixture(
    "fetch spot orders", _STANDING, _ORDER | {"price": 50, "amount": 0.1, "remaining": 0.1, "status": "canceled"}
)
MY_TRADE: Final = Fixture(
    "Spot private trade",
    "symbol id orderId orderListId price qty quoteQty commission commissionAsset time isBuyer isMaker isBestMatch",
    {
        "timestamp": 1698138992358,
        "datetime": "2023-10-24T09:16:32.358Z",
        "symbol": "LTC/USDT",
        "id": "309520010",
        "order": "3784695242",
        "type": None,
        "side": "sell",
        "takerOrMaker": "taker",
        "price": 69.63,
        "amount": 0.2,
        "cost": 13.926,
        "fee": {"cost": 0.013926, "currency": "USDT"},
        "fees": [{"cost": 0.013926, "currency": "USDT"}],
    },
)
TRADE: Final = Fixture(
    "public spot trades",
    "a p q f l T m M",
    {
        "timestamp": 1710327661939,
        "datetime": "2024-03-13T11:01:01.939Z",
        "symbol": "BTC/USDT",
        "id": "2913537567",
        "order": None,
        "type": None,
        "side": "buy",
        "takerOrMaker": None,
        "price": 73238.7,
        "amount": 0.00109,
        "cost": 79.830183,
        "fee": {"cost": None, "currency": None},
        "fees": [],
    },
)
TICKER: Final = Fixture(
    "public spot ticker",
    "symbol priceChange priceChangePercent weightedAvgPrice prevClosePrice lastPrice lastQty bidPrice bidQty askPrice"
    " askQty openPrice highPrice lowPrice volume quoteVolume openTime closeTime firstId lastId count",
    {
        "symbol": "BTC/USDT",
        "timestamp": 1710328245391,
        "datetime": "2024-03-13T11:10:45.391Z",
        "high": 73650.25,
        "low": 68620.82,
        "bid": 73369.83,
        "bidVolume": 6.27086,
        "ask": 73369.84,
        "askVolume": 0.03321,
        "vwap": 71624.65401064,
        "open": 72181.09,
        "close": 73369.84,
        "last": 73369.84,
        "previousClose": 72180.93,
        "change": 1188.75,
        "percentage": 1.647,
        "average": 72775.46,
        "baseVolume": 72140.348628,
        "quoteVolume": 5167027510.687287,
        "markPrice": None,
        "indexPrice": None,
    },
)
BOOK: Final = Fixture(
    "spot orderbook",
    "lastUpdateId bids asks",
    {
        "symbol": "BTC/USDT",
        "bids": [[42574.3, 0.0107], [42574.2, 0.00646]],
        "asks": [[42574.31, 0.0087], [42574.8, 0.00893]],
        "timestamp": None,
        "datetime": None,
        "nonce": 25445101,
    },
)
BALANCE: Final = Fixture(
    "Spot balance",
    "makerCommission takerCommission buyerCommission sellerCommission commissionRates canTrade canWithdraw canDeposit"
    " brokered requireSelfTradePrevention preventSor updateTime accountType balances permissions uid",
    {
        "LTC": {"free": 0.919741, "used": 0, "total": 0.919741},
        "ETH": {"free": 0.02229833, "used": 0, "total": 0.02229833},
        "timestamp": 1701856395927,
        "datetime": "2023-12-06T09:53:15.927Z",
        "free": {"LTC": 0.919741, "ETH": 0.02229833},
        "used": {"LTC": 0, "ETH": 0},
        "total": {"LTC": 0.919741, "ETH": 0.02229833},
    },
)
CANDLES: Final = [
    [1706630400000, 43519.34, 43936, 43171, 43488.71, 20.55495],
    [1706634000000, 43488.71, 43832.08, 43084, 43374.8, 21.80865],
    [1706637600000, 43374.81, 44048, 43062, 43361.11, 23.66547],
]
"""`Spot OHLCV with since and limit`: an hour each, from 1706628191000 on."""

_TRANSFER: Final = {"addressFrom": None, "tag": None, "tagTo": None, "tagFrom": None, "updated": None, "comment": None}
DEPOSIT: Final = Fixture(
    "fetchDeposits",
    "id amount coin network status address addressTag txId insertTime transferType confirmTimes unlockConfirm"
    " walletType",
    _TRANSFER
    | {
        "id": "4534543435",
        "txid": "435kl435jh4354j3k5",
        "timestamp": 1714923704000,
        "datetime": "2024-05-05T15:41:44.000Z",
        "network": "TRX",
        "address": "534j5h435j34hk",
        "addressTo": "534j5h435j34hk",
        "type": "deposit",
        "amount": 10,
        "currency": "USDT",
        "status": "ok",
        "internal": False,
        "fee": None,
    },
)
WITHDRAWAL: Final = Fixture(
    "fetchWithdrawals",
    "id amount transactionFee coin status address txId applyTime network transferType info confirmNo walletType txKey"
    " completeTime",
    _TRANSFER
    | {
        "id": "54c1b7543534543fsdfsdf6",
        "txid": "FDSJHFKDSHFJ4KR5H4KJH3454JHK",
        "timestamp": 1714923536000,
        "datetime": "2024-05-05T15:38:56.000Z",
        "network": "TRX",
        "address": "TKRxCKea88FDKDSJFSDKJ43243K",
        "addressTo": "TKRxCKea88FDKDSJFSDKJ43243K",
        "type": "withdrawal",
        "amount": 9,
        "currency": "USDT",
        "status": "ok",
        "internal": False,
        "fee": {"currency": "USDT", "cost": 1},
    },
)
WITHDRAWN: Final = Fixture(
    "withdraw",
    "id",
    {"id": "0b894f44acb74b0687398205de0db2d0", "txid": None, "timestamp": None, "datetime": None, "network": None}
    | {"address": None, "addressTo": None, "addressFrom": None, "tag": None, "tagTo": None, "tagFrom": None}
    | {"type": None, "amount": None, "currency": "USDT", "status": None, "updated": None, "internal": None}
    | {"comment": None, "fee": None},
)
DEPOSIT_ADDRESS: Final = Fixture(
    "with code",
    "coin address tag url",
    {
        "currency": "USDT",
        "network": "ERC20",
        "address": "0x437ef27bace760782226ba15217735b05a2edc811",
        "tag": None,
    },
)
