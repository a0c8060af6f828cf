"""What the one-letter fields of streams and events mean, with an example. The letters are the dialect's."""

from __future__ import annotations

from typing import Final

_TIME: Final = 1_700_000_000_000
_EVENT: Final = ("Kind of the event.", None)
_SENT: Final = ("When it was told.", _TIME)
_SYMBOL: Final = ("The market.", "BTCUSDT")
_PRICE: Final = ("Price.", "29000.00000000")
_QUANTITY: Final = ("Quantity.", "0.50000000")
_BUYER_MADE: Final = ("Whether the buyer's order was resting.", False)
_NOTHING: Final = ("Means nothing.", True)

_DAY: Final[dict[str, tuple[str, object]]] = {
    "e": _EVENT,
    "E": _SENT,
    "s": _SYMBOL,
    "c": ("Last price.", "29000.00000000"),
    "o": ("First price of the 24 hours.", "28800.00000000"),
    "h": ("Highest price.", "29500.00000000"),
    "l": ("Lowest price.", "28700.00000000"),
    "v": ("Sum of the quantities.", "120.50000000"),
    "q": ("Sum of quantity times price.", "3494500.00000000"),
}

_RECORDS: Final[dict[str, dict[str, tuple[str, object]]]] = {
    "AggregateTrade": {
        "a": ("Number of the sum.", 12),
        "p": _PRICE,
        "q": _QUANTITY,
        "f": ("Its first trade.", 27),
        "l": ("Its last trade.", 28),
        "T": ("When.", _TIME),
        "m": _BUYER_MADE,
        "M": _NOTHING,
    },
    "TradeMessage": {
        "e": _EVENT,
        "E": _SENT,
        "s": _SYMBOL,
        "t": ("Number of the trade.", 28),
        "p": _PRICE,
        "q": _QUANTITY,
        "T": ("When it was made.", _TIME),
        "m": _BUYER_MADE,
        "M": _NOTHING,
    },
    "AggregateMessage": {
        "e": _EVENT,
        "E": _SENT,
        "s": _SYMBOL,
        "a": ("Number of the sum.", 12),
        "p": _PRICE,
        "q": _QUANTITY,
        "f": ("Its first trade.", 27),
        "l": ("Its last trade.", 28),
        "T": ("When.", _TIME),
        "m": _BUYER_MADE,
        "M": _NOTHING,
    },
    "BookTickerMessage": {
        "u": ("Number of the change of the book.", 160),
        "s": _SYMBOL,
        "b": ("Best price to buy.", "29000.00000000"),
        "B": ("Quantity there.", "0.50000000"),
        "a": ("Best price to sell.", "29010.00000000"),
        "A": ("Quantity there.", "0.25000000"),
    },
    "DiffMessage": {
        "e": _EVENT,
        "E": _SENT,
        "s": _SYMBOL,
        "U": ("First change in this message: one more than the `u` before.", 157),
        "u": ("Last change in this message.", 160),
        "b": (
            "Levels to buy that changed: price, and the quantity now; 0 removes it.",
            [["29000.00000000", "0.50000000"]],
        ),
        "a": ("Levels to sell that changed, likewise.", [["29010.00000000", "0.00000000"]]),
    },
    "KlineMessage": {"e": _EVENT, "E": _SENT, "s": _SYMBOL, "k": ("The candle.", None)},
    "KlineBody": {
        "t": ("Begin of the candle.", _TIME),
        "T": ("Its end.", _TIME + 59_999),
        "s": _SYMBOL,
        "i": ("Its length.", "1m"),
        "f": ("First trade; -1: none.", 1),
        "L": ("Last trade; -1: none.", 28),
        "o": ("First price.", "28990.00000000"),
        "c": ("Last price.", "29000.00000000"),
        "h": ("Highest price.", "29010.00000000"),
        "l": ("Lowest price.", "28980.00000000"),
        "v": ("Sum of the quantities.", "12.50000000"),
        "n": ("How many trades.", 28),
        "x": ("Whether the candle is over.", False),
        "q": ("Sum of quantity times price.", "362500.00000000"),
        "V": ("Of `v`, what takers bought.", "6.00000000"),
        "Q": ("Of `q`, what takers bought.", "174000.00000000"),
        "B": ("Means nothing.", "0"),
    },
    "MiniTickerMessage": _DAY,
    "TickerMessage": _DAY
    | {
        "p": ("Last price less first price.", "200.00000000"),
        "P": ("The same in percent.", "0.694"),
        "w": ("Mean price, weighted by quantity.", "29000.00000000"),
        "x": ("Last price before the 24 hours.", "28790.00000000"),
        "Q": ("Quantity of the last trade.", "0.50000000"),
        "b": ("Best price to buy.", "29000.00000000"),
        "B": ("Quantity there.", "0.50000000"),
        "a": ("Best price to sell.", "29010.00000000"),
        "A": ("Quantity there.", "0.25000000"),
        "O": ("Begin of the 24 hours.", _TIME - 86_400_000),
        "C": ("End of the 24 hours.", _TIME),
        "F": ("First trade; -1: none.", 1),
        "L": ("Last trade; -1: none.", 1_234),
        "n": ("How many trades.", 1_234),
    },
    "WindowMessage": _DAY
    | {
        "o": ("First price of the window.", "28800.00000000"),
        "p": ("Last price less first price.", "200.00000000"),
        "P": ("The same in percent.", "0.694"),
        "w": ("Mean price, weighted by quantity.", "29000.00000000"),
        "O": ("Begin of the window.", _TIME - 86_400_000),
        "C": ("End of the window.", _TIME),
        "F": ("First trade; -1: none.", 1),
        "L": ("Last trade; -1: none.", 1_234),
        "n": ("How many trades.", 1_234),
    },
    "AverageMessage": {
        "e": _EVENT,
        "E": _SENT,
        "s": _SYMBOL,
        "i": ("Over how long.", "5m"),
        "w": ("The mean price.", "29000.00000000"),
        "T": ("When the last trade was.", _TIME),
    },
    "ExecutionReport": {
        "e": ("Kind of the event.", "executionReport"),
        "E": _SENT,
        "s": _SYMBOL,
        "c": ("Your name for the order; in the report of a cancel, the name of the cancel.", "my-order-1"),
        "S": ("BUY or SELL.", "BUY"),
        "o": ("Type of the order.", "LIMIT"),
        "f": ("Time in force.", "GTC"),
        "q": ("Quantity of the order.", "0.50000000"),
        "p": ("Its price.", "29000.00000000"),
        "P": ("Its stop price; 0: none.", "0.00000000"),
        "F": ("How much is shown at a time; 0: all.", "0.00000000"),
        "g": ("Number of its list; -1: none.", -1),
        "C": ("In the report of a cancel, your name for the order; else empty.", ""),
        "x": ("What happened: NEW, TRADE, CANCELED, EXPIRED, REPLACED or TRADE_PREVENTION.", "NEW"),
        "X": ("How the order stands now.", "NEW"),
        "r": ("Why it was refused; always NONE.", "NONE"),
        "i": ("Number of the order.", 17),
        "l": ("Quantity of this trade.", "0.00000000"),
        "z": ("How much has traded in all.", "0.00000000"),
        "L": ("Price of this trade.", "0.00000000"),
        "n": ("What this trade cost you.", "0"),
        "N": ("In which asset; null: no trade.", None),
        "T": ("When it happened.", _TIME),
        "t": ("Number of the trade; -1: none.", -1),
        "I": ("A number of its own for each report.", 320),
        "w": ("Whether the order is open and can trade.", True),
        "m": ("Whether your order was resting.", False),
        "M": ("Means nothing.", False),
        "O": ("When the order was placed.", _TIME),
        "Z": ("What its trades have cost or earned, in the quote asset.", "0.00000000"),
        "Y": ("This trade's quantity times price.", "0.00000000"),
        "Q": ("Size of a MARKET order given in the quote asset; else 0.", "0.00000000"),
        "W": ("Since when it can trade; absent before.", _TIME),
        "V": ("Self-trade prevention of the order.", "EXPIRE_MAKER"),
        "eR": ("Why it expired.", "INSUFFICIENT_LIQUIDITY"),
    },
    "AccountPosition": {
        "e": ("Kind of the event.", "outboundAccountPosition"),
        "E": _SENT,
        "u": ("When the balances last changed.", _TIME),
        "B": ("The balances that may have changed, as they are now.", None),
    },
    "Balance": {
        "a": ("The asset.", "USDT"),
        "f": ("What you can use.", "9985500.00000000"),
        "l": ("What orders hold.", "14500.00000000"),
    },
    "Terminated": {"e": ("Kind of the event.", "eventStreamTerminated"), "E": _SENT},
    "Shutdown": {"e": ("Kind of the event.", "serverShutdown"), "E": _SENT},
    "KeyExpired": {"e": ("Kind of the event.", "listenKeyExpired"), "E": _SENT},
    "BalanceUpdate": {
        "e": ("Kind of the event.", "balanceUpdate"),
        "E": _SENT,
        "a": ("The asset.", "USDT"),
        "d": ("How much came, or with a minus, left.", "100.00000000"),
        "T": ("When.", _TIME),
    },
}

LETTERS: Final[dict[str, tuple[str, object]]] = {
    f"{record}.{letter}": told for record, letters in _RECORDS.items() for letter, told in letters.items()
}
"""`Record.letter` -> (meaning, example or None)."""
