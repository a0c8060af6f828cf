"""Order lists as traders ask for them, the last price being 30,000 or none."""

from __future__ import annotations

from tests.api.house import Answer, House, Person

SYMBOL: dict[str, object] = {"symbol": "BTCUSDT"}
OCO: dict[str, object] = SYMBOL | {
    "side": "BUY",
    "quantity": "1",
    "aboveType": "STOP_LOSS",
    "aboveStopPrice": "31000",
    "belowType": "LIMIT_MAKER",
    "belowPrice": "29000",
}
OLD_OCO: dict[str, object] = SYMBOL | {"side": "BUY", "quantity": "1", "price": "29000", "stopPrice": "31000"}
_WORKING: dict[str, object] = SYMBOL | {
    "workingType": "LIMIT_MAKER",
    "workingSide": "BUY",
    "workingPrice": "29000",
    "workingQuantity": "1",
    "pendingSide": "SELL",
    "pendingQuantity": "1",
}
OTO: dict[str, object] = _WORKING | {"pendingType": "MARKET"}
OTOCO: dict[str, object] = _WORKING | {
    "pendingAboveType": "LIMIT_MAKER",
    "pendingAbovePrice": "31000",
    "pendingBelowType": "STOP_LOSS",
    "pendingBelowStopPrice": "28000",
}


async def place(house: House, person: Person, kind: str, asked: dict[str, object], **more: object) -> Answer:
    """Ask for a list: `kind` is the last part of the path."""
    return await house.client(person).signed("POST", f"/api/v3/orderList/{kind}", **asked | more)
