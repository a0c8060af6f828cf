"""unicorn-binance-rest-api: every function of its manager."""

from __future__ import annotations

import importlib
from typing import Any

from tests.clients.drivers.plain import HOUSE
from tests.clients.drivers.python_binance import ADDRESSES, GIVEN
from tests.clients.drivers.sweeping import Calls, public, report, sweep

MACHINERY = {"stop_manager", "get_latest_release_info", "get_latest_version", "is_update_availabe"}
MACHINERY |= {"get_used_weight", "get_user_agent", "get_version"}
"""What asks nobody, or asks after new versions of itself."""

WORN = {"get_account_api_trading_status", "get_account_status", "get_trade_fee", "get_withdraw_history_id", "withdraw"}
"""What wants `success`, `msg` or `withdrawList` in the reply: so was an interface that its venue closed in 2021."""

PAIR = {"symbol": "BTCUSDT", "quantity": "0.001"}
OLD_SELL = PAIR | {"price": "40000", "stopPrice": "20000"}
OLD_BUY = PAIR | {"price": "20000", "stopPrice": "40000"}
OWN: dict[str, dict[str, Any]] = {
    "create_oco_order": OLD_SELL | {"side": "SELL"},
    "order_oco_sell": OLD_SELL,
    "order_oco_buy": OLD_BUY,
    "get_deposit_address": {"coin": "BTC"},
}
"""Where it differs from python-binance, of which it once was a part."""


def manager() -> Any:
    """The manager, unmodified but for its addresses: it sets its own and uses one before anybody can say another."""
    made = importlib.import_module("unicorn_binance_rest_api").BinanceRestApiManager
    kept = {name: _always(HOUSE["http"] + tail) for name, tail in ADDRESSES.items()}
    return type("Here", (made,), kept)(HOUSE["key"], HOUSE["secret"], warn_on_update=False, disable_colorama=True)


def _always(address: str) -> property:
    return property(lambda _: address, lambda _, other: None)


if __name__ == "__main__":
    bot = manager()
    names = [name for name in public(bot) if name not in MACHINERY | WORN]
    worn = dict.fromkeys(sorted(WORN), "not asked: it cannot read the reply, which once had other fields")
    report(sweep(names, bot, Calls(GIVEN | OWN)) | worn)
