"""The words for order lists: most parameters say the same of another order of the list."""

from __future__ import annotations

from typing import Final

_ROLES: Final = {
    "above": "of the order above the price",
    "below": "of the order below the price",
    "working": "of the working order",
    "pending": "of the pending order",
    "pendingAbove": "of the pending order above the price",
    "pendingBelow": "of the pending order below the price",
    "limit": "of the limit order",
    "stop": "of the stop order",
}
_SAID: Final[dict[str, tuple[str, object]]] = {
    "Type": ("Type {role}.", "LIMIT_MAKER"),
    "Side": ("BUY or SELL: the side {role}.", "SELL"),
    "Quantity": ("Quantity {role}, in whole lots.", "0.50000"),
    "ClientOrderId": ("Your name for the order: that {role}. Made up for you if not sent.", "my-order-1"),
    "Price": ("Limit price {role}.", "30000.00"),
    "StopPrice": ("The price of the last trade that wakes it: the stop price {role}.", "28500.00"),
    "TrailingDelta": ("How far the price may turn back, in hundredths of a percent: the trailing delta {role}.", 100),
    "IcebergQty": ("How much is shown at a time {role}.", "0.10000"),
    "TimeInForce": ("GTC, IOC or FOK: the time in force {role}.", "GTC"),
    "PegPriceType": ("Pegged orders are not supported: refused if sent.", None),
    "StrategyId": ("A number of your own for the strategy {role}.", 1),
    "StrategyType": ("A number of your own, from 1000000 on, for the kind of strategy {role}.", 1_000_000),
}

LIST_WORDS: Final[dict[str, tuple[str, object]]] = {
    f"{role}{part}": (text.format(role=whose), example)
    for role, whose in _ROLES.items()
    for part, (text, example) in _SAID.items()
} | {
    "stopLimitPrice": ("Limit price of the stop order; not sent, it trades at market.", "28400.00"),
    "stopLimitTimeInForce": ("GTC, IOC or FOK: the time in force of a stop order with a limit.", "GTC"),
    "OldOco.price": ("Limit price of the limit order.", "30000.00"),
    "NewOco.side": ("BUY or SELL: the side of both orders.", "SELL"),
    "OldOco.side": ("BUY or SELL: the side of both orders.", "SELL"),
    "NewOco.quantity": ("Quantity of either order, in whole lots: only one of them is to trade.", "0.50000"),
    "OldOco.quantity": ("Quantity of either order, in whole lots: only one of them is to trade.", "0.50000"),
    "NewOtoco.pendingSide": ("BUY or SELL: the side of both pending orders.", "SELL"),
    "NewOtoco.pendingQuantity": ("Quantity of either pending order, in whole lots.", "0.50000"),
    "listClientOrderId": (
        "Your name for the list, unique among your open lists; made up for you if not sent.",
        "my-list",
    ),
    "NamedList.orderListId": ("Number of the list.", 3),
    "CancelList.orderListId": ("Number of the list.", 3),
    "QueriedList.orderListId": ("Number of the list.", 3),
    "PlacedList.orderListId": ("Number of the list.", 3),
    "CancelledList.orderListId": ("Number of the list.", 3),
    "NamedList.origClientOrderId": ("Your name for the list.", "my-list"),
    "CancelList.newClientOrderId": ("Your name for the cancel.", "my-cancel-1"),
    "AllLists.fromId": ("Number of the list to begin with; not together with times.", 1),
    "contingencyType": ("OCO: one cancels the other. OTO: one triggers the other, or a pair.", "OCO"),
    "listStatusType": ("EXEC_STARTED while an order of the list is open, then ALL_DONE.", "EXEC_STARTED"),
    "listOrderStatus": ("EXECUTING while an order of the list is open, then ALL_DONE.", "EXECUTING"),
    "transactionTime": ("When the list was placed or, once it is done, when it ended.", 1_700_000_000_000),
    "orders": ("The orders of the list: the working order first, of a pair the stop-loss first.", None),
    "orderReports": ("Each of those orders, as the answer to a single one would be.", None),
    "maxNumOrderLists": ("How many open order lists an account may have here.", 20),
    "Amended.listStatus": ("The list that the amended order is of.", None),
    "AmendedList.orderListId": ("Number of the list.", 3),
    "ListStatus.e": ("Kind of the event.", "listStatus"),
    "ListStatus.E": ("When this was sent.", 1_700_000_000_000),
    "ListStatus.s": ("Name of the market.", "BTCUSDT"),
    "ListStatus.g": ("Number of the list.", 3),
    "ListStatus.c": ("OCO or OTO.", "OCO"),
    "ListStatus.l": (
        "EXEC_STARTED once it is placed, UPDATED when one of its orders goes by another name, then ALL_DONE.",
        "EXEC_STARTED",
    ),
    "ListStatus.L": ("EXECUTING while an order of the list is open, then ALL_DONE.", "EXECUTING"),
    "ListStatus.r": ("Why it was refused; always NONE.", "NONE"),
    "ListStatus.C": ("Your name for the list.", "my-list"),
    "ListStatus.T": ("When it happened.", 1_700_000_000_000),
    "ListStatus.O": ("The orders of the list.", None),
    "ListMember.s": ("Name of the market.", "BTCUSDT"),
    "ListMember.i": ("Number of the order.", 17),
    "ListMember.c": ("Your name for the order.", "my-order-1"),
}
"""`name` or `Record.name` -> (meaning, example or None)."""
