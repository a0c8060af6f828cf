"""What each parameter and each field of a reply means, with an example. A test fails when one has no words here.

One vocabulary for requests and replies. `Record.name` goes before `name`. An example that is an amount makes the field
an amount in the schema too.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from exchange.api.docs.letters import LETTERS
from exchange.api.docs.list_words import LIST_WORDS
from exchange.api.docs.wallet_words import WALLET_WORDS
from exchange.api.wire_market import Kline, Level


class Word(NamedTuple):
    """What a name means, and a value it could have."""

    text: str
    example: object = None


def word(record: str, name: str) -> Word:
    """The words for a field of a record or a parameter of a request. Raises `KeyError`, saying where to write them."""
    for key in (f"{record}.{name}", name):
        if key in WORDS:
            text, example = WORDS[key]
            return Word(text, example)
    raise KeyError(f"{record}.{name} has no words: write them in exchange/api/docs/words.py (or letters.py)")


_COMMON: Final[dict[str, tuple[str, object]]] = {
    # what and whose
    "symbol": ("Name of the market.", "BTCUSDT"),
    "symbols": ("Names of markets; in a query as a JSON list, none twice.", ["BTCUSDT", "ETHUSDT"]),
    "ExchangeInfo.symbols": ("The markets.", None),
    "EmptyExchange.symbols": ("Always empty.", None),
    "asset": ("Code of the asset.", "USDT"),
    "coin": ("Code of the asset.", "BTC"),
    "name": ("Name of the asset; here its code.", "BTC"),
    "uid": ("Number of the account.", 3),
    "apiKey": ("The API key.", "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"),
    "timestamp": ("When the request was made, in milliseconds or microseconds.", 1_700_000_000_000),
    "recvWindow": (
        (
            "How old the request may be when it arrives, in milliseconds, with up to three decimal places; at most"
            " 60000, 5000 if not sent."
        ),
        5000,
    ),
    "signature": (
        "HMAC-SHA256 in hexadecimal, or Ed25519 in base64, over all other parameters as they are sent.",
        "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
    ),
    # orders
    "side": ("BUY or SELL.", "BUY"),
    "type": ("Type of the order.", "LIMIT"),
    "DayRequest.type": ("FULL: all figures. MINI: those of a candle.", "FULL"),
    "timeInForce": (
        "GTC: rests until cancelled. IOC: what does not trade at once expires. FOK: all at once or nothing.",
        "GTC",
    ),
    "quantity": ("How much of the base asset, in whole lots.", "0.50000"),
    "quoteOrderQty": ("How much of the quote asset a MARKET order spends or earns.", "1500.00"),
    "price": ("Price of one base unit in the quote asset.", "29000.00"),
    "stopPrice": ("The price of the last trade at which the order wakes.", "28500.00"),
    "icebergQty": ("How much of the order is shown at a time; 0: all of it.", "0.00000000"),
    "trailingDelta": ("How far, in hundredths of a percent, the price may turn back before the order wakes.", 100),
    "trailingTime": ("Since when the order follows the price; -1: not yet.", 1700000000000),
    "strategyId": ("Your number for the plan that the order belongs to; it means nothing here.", 7),
    "strategyType": ("Your kind of plan, from 1000000 on; it means nothing here.", 1000000),
    "pegPriceType": ("Pegged orders are not supported: refused if sent.", None),
    "pegOffsetType": ("Pegged orders are not supported: refused if sent.", None),
    "pegOffsetValue": ("Pegged orders are not supported: refused if sent.", None),
    "cancelRestrictions": ("ONLY_NEW, ONLY_PARTIALLY_FILLED: cancel it only if that is how it stands.", "ONLY_NEW"),
    "newQty": ("The quantity to make the order smaller to, counting what has traded.", "0.40000"),
    "fromExecutionId": ("The first to show.", 320),
    "executionId": ("A number of its own, as in the report of it.", 320),
    "amendedOrder": ("The order as it stands since.", None),
    "preventedQty": ("How much of it self-trade prevention took.", "0.00000000"),
    "cumulativeQuoteQty": ("What its trades have cost or earned, in the quote asset.", "0.00000000"),
    "preventedMatchId": ("Number of a trade with yourself that was prevented, in its market.", 3),
    "fromPreventedMatchId": ("The first to show.", 3),
    "preventedQuantity": ("How much of the order self-trade prevention took.", "0.10000000"),
    "preventedMatches": ("The trades with yourself that the order was kept from.", None),
    "takerPreventedQuantity": ("What the order that came lost.", "0.10000000"),
    "makerPreventedQuantity": ("What the order that was resting lost.", "0.10000000"),
    "takerOrderId": ("Number of the order that came.", 18),
    "makerOrderId": ("Number of the order that was resting.", 17),
    "makerSymbol": ("The market of the resting order.", "BTCUSDT"),
    "tradeGroupId": ("Always -1: accounts are not grouped.", -1),
    "orderId": ("Number of the order.", 17),
    "orderListId": ("Number of the order's list; -1: it belongs to none.", -1),
    "idempotencyKey": (
        "Beyond the dialect: the same key with the same content gets the first answer again; see docs/beyond.md.",
        "5f0c-retry-me",
    ),
    "newClientOrderId": (
        (
            "Your name for the order, unique among your open orders; made up for you if not sent. In a cancel: your"
            " name for the cancel."
        ),
        "my-order-1",
    ),
    "origClientOrderId": ("Your name for the order.", "my-order-1"),
    "clientOrderId": ("Your name for the order; in the answer to a cancel, the name of the cancel.", "my-order-1"),
    "newOrderRespType": (
        (
            "How much the answer says. ACK: taken on. RESULT: how it stands. FULL: that, and each trade. If not sent,"
            " FULL for LIMIT and MARKET, ACK for all others."
        ),
        "FULL",
    ),
    "selfTradePreventionMode": (
        (
            "Who expires when you would trade with yourself: nobody, the order that comes, the one that rests, or both;"
            " DECREMENT: both lose the smaller quantity. If not sent, EXPIRE_MAKER."
        ),
        "EXPIRE_MAKER",
    ),
    "cancelReplaceMode": ("What to do when the cancel fails: stop, or place the new order anyway.", "STOP_ON_FAILURE"),
    "cancelOrderId": ("Number of the order to cancel.", 17),
    "cancelOrigClientOrderId": ("Your name for the order to cancel.", "my-order-1"),
    "cancelNewClientOrderId": ("Your name for the cancel.", "my-cancel-1"),
    "orderRateLimitExceededMode": (
        "What is done when the account has placed too many orders: DO_NOTHING, unless CANCEL_ONLY is sent.",
        "DO_NOTHING",
    ),
    "status": ("How the order stands.", "NEW"),
    "SystemStatus.status": ("0: normal. 1: maintenance.", 0),
    "SymbolInfo.status": ("TRADING, HALT or BREAK.", "TRADING"),
    "origQty": ("Quantity of the order.", "0.50000000"),
    "executedQty": ("How much of it has traded.", "0.00000000"),
    "origQuoteOrderQty": ("Size of a MARKET order given in the quote asset; else 0.", "0.00000000"),
    "cummulativeQuoteQty": ("What its trades have cost or earned, in the quote asset.", "0.00000000"),
    "transactTime": ("When that happened.", 1_700_000_000_000),
    "workingTime": ("Since when the order can trade; -1 while it waits for its stop price.", 1_700_000_000_000),
    "isWorking": ("Whether it can trade: false while it waits for its stop price.", True),
    "fills": ("The trades that the order made as it came in.", None),
    "cancelResult": ("SUCCESS or FAILURE.", "SUCCESS"),
    "newOrderResult": ("SUCCESS, FAILURE or NOT_ATTEMPTED.", "SUCCESS"),
    "cancelResponse": ("The cancelled order, or why it was not cancelled.", None),
    "newOrderResponse": ("The new order, or why there is none; null when it was not tried.", None),
    "code": ("What went wrong, as a number that does not change.", -1121),
    "msg": ("The same in words.", "Invalid symbol."),
    "SystemStatus.msg": ("The same in words.", "normal"),
    # trades and money
    "id": ("Number of the trade.", 28),
    "tradeId": ("Number of the trade.", 28),
    "qty": ("Quantity of the trade.", "0.50000000"),
    "quoteQty": ("Quantity times price, in the quote asset.", "14500.00000000"),
    "commission": ("What it cost you.", "0.00050000"),
    "commissionAsset": ("In which asset: always the one you received.", "BTC"),
    "isBuyer": ("Whether you bought.", True),
    "isMaker": ("Whether your order was resting.", False),
    "isBuyerMaker": ("Whether the buyer's order was resting.", True),
    "isBestMatch": ("Always true.", True),
    "free": ("What you can use.", "9985500.00000000"),
    "locked": ("What your open orders hold.", "14500.00000000"),
    "balances": ("Your balances.", None),
    "freeze": ("Always 0.", "0.00000000"),
    "ipoable": ("Always 0.", "0.00000000"),
    "ipoing": ("Always 0.", "0.00000000"),
    "storage": ("Always 0.", "0.00000000"),
    "trading": ("Always true.", True),
    "isLegalMoney": ("Always false.", False),
    "makerCommission": ("What a maker pays, in hundredths of a percent.", 10),
    "takerCommission": ("What a taker pays, in hundredths of a percent.", 15),
    "TradeFee.makerCommission": ("What a maker pays, as a fraction of one.", "0.00100000"),
    "TradeFee.takerCommission": ("What a taker pays, as a fraction of one.", "0.00150000"),
    "buyerCommission": ("Always 0.", 0),
    "sellerCommission": ("Always 0.", 0),
    "commissionRates": ("The same as fractions of one.", None),
    "maker": ("What a maker pays, as a fraction of one.", "0.00100000"),
    "taker": ("What a taker pays, as a fraction of one.", "0.00150000"),
    "buyer": ("What a buyer pays on top.", "0.00000000"),
    "seller": ("What a seller pays on top.", "0.00000000"),
    "standardCommission": ("The rates of this market and your tier.", None),
    "specialCommission": ("Always zeros.", None),
    "taxCommission": ("Always zeros.", None),
    "discount": ("There is none.", None),
    "Discount.discount": ("Always 0.", "0.00000000"),
    "discountAsset": ("Always empty.", ""),
    "enabledForAccount": ("Always false.", False),
    "enabledForSymbol": ("Always false.", False),
    "canTrade": ("Whether this key may trade on this account now.", True),
    "brokered": ("Always false.", False),
    "requireSelfTradePrevention": ("Always false.", False),
    "preventSor": ("Always false.", False),
    "accountType": ("Always SPOT.", "SPOT"),
    "omitZeroBalances": ("Leave out assets of which you have nothing.", False),
    "listenKey": (
        "Names your own event stream; good for an hour from its last PUT.",
        "pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a",
    ),
    "subscriptionId": ("Number of the subscription, on its connection; if not sent, all of them.", 0),
    "Subscribed.subscriptionId": ("Number of the subscription, on its connection.", 0),
    "authorizedSince": ("When it logged on; null: it has not.", 1_700_000_000_000),
    "connectedSince": ("When it connected.", 1_700_000_000_000),
    "returnRateLimits": ("Whether replies tell what is used of the limits.", True),
    "userDataStream": ("Whether own events are pushed.", False),
    # times and pages
    "serverTime": ("Our clock.", 1_700_000_000_000),
    "time": ("When it happened.", 1_700_000_000_000),
    "updateTime": ("When it last changed.", 1_700_000_000_000),
    "startTime": ("From this time on; milliseconds or microseconds.", 1_699_999_000_000),
    "endTime": ("Up to this time; milliseconds or microseconds.", 1_700_000_000_000),
    "timeZone": (
        (
            "By which clocks candles and days begin: hours ahead of UTC, or hours and minutes, from -12:00 to 14:00 in"
            " quarters of an hour; 0 if not sent."
        ),
        "8:00",
    ),
    "timezone": ("Always UTC.", "UTC"),
    "fromId": ("From this trade on.", 1),
    "limit": ("How many at most; more than the greatest allowed gives that many.", 100),
    "OrderCount.limit": ("How many are allowed.", 100),
    "RateLimit.limit": ("How much is allowed.", 6_000),
    "interval": ("Length of a candle.", "1m"),
    "OrderCount.interval": ("SECOND, MINUTE or DAY.", "SECOND"),
    "RateLimit.interval": ("SECOND, MINUTE or DAY.", "MINUTE"),
    "intervalNum": ("How many of these.", 10),
    "count": ("How many trades.", 1_234),
    "OrderCount.count": ("How many orders you have placed in it.", 4),
    "rateLimitType": ("REQUEST_WEIGHT, ORDERS or, on the WebSocket API, CONNECTIONS.", "ORDERS"),
    "rateLimits": ("The limits in force; empty when they are lifted.", None),
    # market data
    "lastUpdateId": ("Number of the last change that is in this book.", 160),
    "bids": ("Price and quantity of each level to buy, the highest price first.", [["29000.00000000", "0.50000000"]]),
    "asks": ("Price and quantity of each level to sell, the lowest price first.", [["29010.00000000", "0.25000000"]]),
    "mins": ("Over how many minutes the mean is taken.", 5),
    "openTime": ("Begin of the window.", 1_699_913_600_000),
    "closeTime": ("End of the window.", 1_700_000_000_000),
    "AveragePrice.closeTime": ("When the last trade was.", 1_700_000_000_000),
    "openPrice": ("First price of the window.", "28800.00000000"),
    "highPrice": ("Highest price.", "29500.00000000"),
    "lowPrice": ("Lowest price.", "28700.00000000"),
    "lastPrice": ("Last price.", "29000.00000000"),
    "prevClosePrice": ("Last price before the window.", "28790.00000000"),
    "lastQty": ("Quantity of the last trade.", "0.50000000"),
    "volume": ("Sum of the quantities.", "120.50000000"),
    "quoteVolume": ("Sum of quantity times price.", "3494500.00000000"),
    "firstId": ("Number of the first trade; -1: there was none.", 1),
    "lastId": ("Number of the last trade; -1: there was none.", 1_234),
    "priceChange": ("Last price less first price.", "200.00000000"),
    "priceChangePercent": ("The same in percent of the first price.", "0.694"),
    "weightedAvgPrice": ("Mean price, weighted by quantity.", "29000.00000000"),
    "bidPrice": ("Best price to buy; 0: nobody does.", "29000.00000000"),
    "bidQty": ("Quantity there.", "0.50000000"),
    "askPrice": ("Best price to sell; 0: nobody does.", "29010.00000000"),
    "askQty": ("Quantity there.", "0.25000000"),
    # rules
    "permissions": ("What kinds of markets. There is one: SPOT.", ["SPOT"]),
    "showPermissionSets": ("Whether permissionSets is filled.", True),
    "permissionSets": ("The same as sets.", [["SPOT"]]),
    "symbolStatus": ("Only markets in that state; one market named that is in another is refused.", "TRADING"),
    "windowSize": ("How long: 1m to 59m, 1h to 23h or 1d to 7d; 1d if not sent.", "4h"),
    "symbolRules": ("The rules, market by market.", None),
    "rules": ("Always empty.", []),
    "BlockTradesRequest.fromId": ("From this trade on.", 1),
    "computeCommissionRates": ("Whether to answer what the order's trades would cost.", False),
    "standardCommissionForOrder": ("The rates of this market and your tier.", None),
    "specialCommissionForOrder": ("Always zeros.", None),
    "taxCommissionForOrder": ("Always zeros.", None),
    "fromAllocationId": ("From this fill on.", 0),
    "symbolFilters": ("The rules for orders in this market.", None),
    "assetFilters": ("Always empty.", None),
    # wallet and standing
    "network": ("The chain; the only one if not sent.", "BTC"),
    "AddressRequest.amount": ("How much is to come.", "0.50000000"),
    "amount": ("How much.", "0.50000000"),
    "address": ("Where to.", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"),
    "addressTag": ("A second part of the address, where the chain has one.", None),
    "includeSource": ("Whether to tell where deposits came from.", False),
    "DepositsRequest.status": ("Only those in that state.", 1),
    "WithdrawalsRequest.status": ("Only those in that state.", 6),
    "offset": ("How many to pass over.", 0),
    "txId": ("Only that transaction.", None),
    "withdrawOrderId": ("Your own name for it.", "my-withdrawal-1"),
    "transactionFeeFlag": (
        "Inside the house no fee is taken: true gives it to the recipient, false back to you.",
        False,
    ),
    "walletType": ("From which wallet; there is one.", 0),
    "data": ("What was asked for.", None),
    "AccountStatus.data": ("Normal; or Frozen: it can cancel, and no more.", "Normal"),
    "isLocked": ("Whether the account is frozen.", False),
    "plannedRecoverTime": ("Always 0.", 0),
    "triggerCondition": ("Always empty.", {}),
    "Locked.updateTime": ("Always 0.", 0),
    "ipRestrict": ("Whether the key may be used from some addresses only.", False),
    "createTime": ("When the key was made.", 1_700_000_000_000),
    "enableReading": ("Whether the key may read the account.", True),
    "enableSpotAndMarginTrading": ("Whether the key may trade.", True),
    "enableInternalTransfer": ("Always false.", False),
    "enableMargin": ("Always false.", False),
    "enableFutures": ("Always false.", False),
    "permitsUniversalTransfer": ("Always false.", False),
    "enableVanillaOptions": ("Always false.", False),
    "enableFixApiTrade": ("Always false.", False),
    "enableFixReadOnly": ("Always false.", False),
    "enablePortfolioMarginTrading": ("Always false.", False),
    "exchangeFilters": ("Always empty.", None),
    "assets": ("Always empty.", None),
    "filters": ("The rules for orders; the price filter first.", None),
    "filterType": ("Name of the filter, as in refusals.", "PRICE_FILTER"),
    "baseAsset": ("What is traded.", "BTC"),
    "quoteAsset": ("What it is paid with.", "USDT"),
    "baseAssetPrecision": ("Decimal places of the base asset.", 8),
    "quotePrecision": ("Decimal places of the quote asset.", 8),
    "quoteAssetPrecision": ("Decimal places of the quote asset.", 8),
    "baseCommissionPrecision": ("Decimal places of fees in the base asset.", 8),
    "quoteCommissionPrecision": ("Decimal places of fees in the quote asset.", 8),
    "orderTypes": ("The types of orders it takes now.", ["LIMIT", "MARKET"]),
    "icebergAllowed": ("Whether it takes iceberg orders.", True),
    "ocoAllowed": ("Whether it takes one-cancels-the-other lists.", True),
    "otoAllowed": ("Whether it takes one-triggers-the-other lists.", True),
    "opoAllowed": ("Whether it takes one-pays-the-other lists.", False),
    "quoteOrderQtyMarketAllowed": ("Whether MARKET orders may be sized in the quote asset.", True),
    "allowTrailingStop": ("Whether it takes trailing stops.", True),
    "cancelReplaceAllowed": ("Whether orders can be cancelled and replaced in one request.", True),
    "amendAllowed": ("Whether orders can be made smaller in their place.", True),
    "pegInstructionsAllowed": ("Whether it takes pegged orders.", False),
    "isSpotTradingAllowed": ("Always true.", True),
    "isMarginTradingAllowed": ("Always false.", False),
    "defaultSelfTradePreventionMode": ("The mode of orders that name none.", "EXPIRE_MAKER"),
    "allowedSelfTradePreventionModes": ("The modes an order may name.", ["EXPIRE_MAKER"]),
    "minPrice": ("Lowest price.", "0.01000000"),
    "maxPrice": ("Highest price.", "1000000.00000000"),
    "tickSize": ("Step of prices.", "0.01000000"),
    "minQty": ("Smallest quantity.", "0.00001000"),
    "maxQty": ("Largest quantity.", "9000.00000000"),
    "stepSize": ("Step of quantities.", "0.00001000"),
    "minNotional": ("Least price times quantity.", "5.00000000"),
    "maxNotional": ("Most price times quantity.", "9000000.00000000"),
    "applyMinToMarket": ("Whether the least holds for MARKET orders.", True),
    "applyMaxToMarket": ("Whether the most holds for MARKET orders.", True),
    "avgPriceMins": ("Over how many minutes a price is averaged; 0: the last price.", 0),
    "bidMultiplierUp": ("Highest price to buy, as a multiple of the last price.", "5.000000"),
    "bidMultiplierDown": ("Lowest price to buy, likewise.", "0.200000"),
    "askMultiplierUp": ("Highest price to sell, likewise.", "5.000000"),
    "askMultiplierDown": ("Lowest price to sell, likewise.", "0.200000"),
    "maxNumOrders": ("How many open orders an account may have here.", 200),
    "maxNumAlgoOrders": ("How many of them may wait for a stop price.", 5),
    "maxNumIcebergOrders": ("How many of them may be icebergs.", 5),
    "maxNumOrderAmends": ("How often an order may be made smaller.", 10),
    "maxPosition": ("How much of the base asset an account's balance and its open buys may come to.", "100.00000000"),
    "minTrailingAboveDelta": ("Smallest trailing delta of an order that waits for a higher price.", 10),
    "maxTrailingAboveDelta": ("Largest, likewise.", 2000),
    "minTrailingBelowDelta": ("Smallest trailing delta of an order that waits for a lower price.", 10),
    "maxTrailingBelowDelta": ("Largest, likewise.", 2000),
    "IcebergParts.limit": ("Into how many parts an iceberg may fall at most.", 10),
}

POSITIONS: Final[dict[object, tuple[Word, ...]]] = {
    Level: (Word("Price.", "29000.00000000"), Word("Quantity.", "0.50000000")),
    Kline: (
        Word("Begin of the candle.", 1_700_000_000_000),
        Word("First price.", "28990.00000000"),
        Word("Highest price.", "29010.00000000"),
        Word("Lowest price.", "28980.00000000"),
        Word("Last price.", "29000.00000000"),
        Word("Sum of the quantities.", "12.50000000"),
        Word("End of the candle.", 1_700_000_059_999),
        Word("Sum of quantity times price.", "362500.00000000"),
        Word("How many trades.", 28),
        Word("Quantity that takers bought.", "6.00000000"),
        Word("The same times price.", "174000.00000000"),
        Word("Means nothing.", "0"),
    ),
}
"""What stands where in records that are told as lists."""

WORDS: Final[dict[str, tuple[str, object]]] = _COMMON | LETTERS | LIST_WORDS | WALLET_WORDS
"""`name` or `Record.name` -> (meaning, example or None)."""
