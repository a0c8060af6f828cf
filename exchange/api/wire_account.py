"""Replies about an account: balances, commissions, limits, and the wallet's. Amounts are plain decimal strings."""

from __future__ import annotations

import msgspec

from exchange.api.wire_custody import CoinNetwork


class Rates(msgspec.Struct, frozen=True):
    """Commission rates as fractions of one; buyers and sellers pay no more than makers and takers do."""

    maker: str
    taker: str
    buyer: str = "0.00000000"
    seller: str = "0.00000000"


class Balance(msgspec.Struct, frozen=True):
    asset: str
    free: str
    locked: str


class AccountReply(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Commissions are the highest that any market charges the account; the first four in hundredths of a percent."""

    maker_commission: int
    taker_commission: int
    buyer_commission: int = 0
    seller_commission: int = 0
    commission_rates: Rates
    can_trade: bool
    can_withdraw: bool
    can_deposit: bool
    brokered: bool = False
    require_self_trade_prevention: bool = False
    prevent_sor: bool = False
    update_time: int
    account_type: str = "SPOT"
    balances: list[Balance]
    permissions: list[str]
    uid: int


class Discount(msgspec.Struct, frozen=True, rename="camel"):
    """There is no discount for paying in an asset of the house's own: there is no such asset."""

    enabled_for_account: bool = False
    enabled_for_symbol: bool = False
    discount_asset: str = ""
    discount: str = "0.00000000"


_NOTHING = Rates("0.00000000", "0.00000000")


class CommissionReply(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    symbol: str
    standard_commission: Rates
    special_commission: Rates = _NOTHING
    tax_commission: Rates = _NOTHING
    discount: Discount = Discount()


class OrderRates(msgspec.Struct, frozen=True):
    maker: str
    taker: str


_NO_RATES = OrderRates("0.00000000", "0.00000000")


class OrderCommission(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What the trades of an order would cost, as fractions of one."""

    standard_commission_for_order: OrderRates
    special_commission_for_order: OrderRates = _NO_RATES
    tax_commission_for_order: OrderRates = _NO_RATES
    discount: Discount = Discount()


class OrderCount(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    rate_limit_type: str = "ORDERS"
    interval: str
    interval_num: int
    limit: int
    count: int


class ListenKey(msgspec.Struct, frozen=True, rename="camel"):
    listen_key: str


class TradeFee(msgspec.Struct, frozen=True, rename="camel"):
    symbol: str
    maker_commission: str
    taker_commission: str


class SystemStatus(msgspec.Struct, frozen=True):
    """0: normal; 1: maintenance."""

    status: int = 0
    msg: str = "normal"


class Coin(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """An asset of the wallet; `network_list` are its ways in and out. `withdrawing` is not part of `locked`."""

    coin: str
    deposit_all_enable: bool = False
    free: str
    freeze: str
    ipoable: str
    ipoing: str
    is_legal_money: bool = False
    locked: str
    name: str
    network_list: list[CoinNetwork] = []
    storage: str
    trading: bool = True
    withdraw_all_enable: bool = False
    withdrawing: str


class EmptyExchange(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Futures markets of which there are none: clients ask for them before anything else."""

    timezone: str = "UTC"
    server_time: int
    rate_limits: list[object] = []
    exchange_filters: list[object] = []
    assets: list[object] = []
    symbols: list[object] = []
