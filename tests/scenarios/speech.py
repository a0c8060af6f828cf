"""The trader's words of the tables: sentences become commands, states become sentences. README.md explains them."""

import re
from collections.abc import Callable
from typing import Any

from exchange.core import commands as co
from exchange.core.decimals import parse, render
from exchange.core.market import Market, MarketPhase
from exchange.core.order_lists import ListKind
from exchange.core.orders import PENDING_NEW, Order, OrderStatus, OrderType, SelfTrade, Side, TimeInForce
from exchange.core.state import State
from exchange.core.transfers import DepositState, WithdrawalState
from exchange.core.units import AccountId, Amount, AssetId, MarketId, Ppm, Price, Quantity
from tests.core.compare import trailing
from tests.core.ways import NET

BTC, USDT, MARKET = AssetId(1), AssetId(2), MarketId(1)
ASSETS = {"BTC": BTC, "USDT": USDT}
TRADERS = {name: AccountId(100 + n) for n, name in enumerate(("ann", "ben", "cat", "dan"))}
NAMES = {account: name for name, account in TRADERS.items()}
NUMBER = r"(-?[\d.]+)"
ORDER = re.compile(
    r"(?P<who>\w+) (?P<verb>buys|sells)(?: (?P<lots>-?[\d.]+))?(?: for (?P<money>-?[\d.]+) USDT)?"
    r"(?: @ (?P<price>-?[\d.]+))?(?P<market> at market)?(?: (?P<kind>stop-loss|take-profit)(?: (?P<stop>-?[\d.]+))?)?"
    r"(?: trailing (?P<trail>[\d.]+) %)?(?P<only> post-only)?(?: (?P<tif>IOC|FOK))?"
    r"(?: preventing (?P<stp>nothing|taker|maker|both|by-size))?"
    r"(?: showing (?P<shown>-?[\d.]+))?(?: as (?P<id>\S+))?",
)
PREVENTING = {
    "nothing": SelfTrade.NONE,
    "taker": SelfTrade.EXPIRE_TAKER,
    "maker": SelfTrade.EXPIRE_MAKER,
    "both": SelfTrade.EXPIRE_BOTH,
    "by-size": SelfTrade.DECREMENT,
    None: SelfTrade.EXPIRE_MAKER,
}
RULES: dict[str, Callable[[str], dict[str, Any]]] = {
    "maker fee": lambda text: {"maker_fee": ppm(text)},
    "taker fee": lambda text: {"taker_fee": ppm(text)},
    "highest": lambda text: {"band_up": ppm(text)},
    "lowest": lambda text: {"band_down": ppm(text)},
    "slack": lambda text: {"slack": ppm(text)},
    "smallest order": lambda text: {"min_notional": Amount(number(text.split()[0], 8))},
    "largest order": lambda text: {"max_notional": Amount(number(text.split()[0], 8))},
    "least quantity": lambda text: {"min_quantity": Quantity(number(text, 3))},
    "most quantity": lambda text: {"max_quantity": Quantity(number(text, 3))},
    "most at market": lambda text: {"max_market_quantity": Quantity(number(text, 3))},
    "lowest price": lambda text: {"min_price": Price(number(text, 2))},
    "highest price": lambda text: {"max_price": Price(number(text, 2))},
    "open orders": lambda text: {"max_orders": int(text)},
    "icebergs": lambda text: {"max_iceberg_orders": int(text)},
    "parts": lambda text: {"iceberg_parts": int(text)},
    "amendments": lambda text: {"max_amendments": int(text)},
    "position": lambda text: {"max_position": Quantity(number(text, 3))},
    "sleeping orders": lambda text: {"max_algo_orders": int(text)},
    "order lists": lambda text: {"max_order_lists": int(text)},
}


def number(text: str, places: int) -> int:
    """A decimal number in units of 10**-places; a minus sign is allowed, to try what is refused."""
    value = parse(text.removeprefix("-"), places)
    assert isinstance(value, int), (text, value)
    return -value if text.startswith("-") else value


def ppm(text: str) -> Ppm:
    return Ppm(number(text.removesuffix("%").strip(), 4))


def rules(given: str) -> Market:
    """BTC-USDT, tick 0.01, lot 0.001, last price 100, no fees and no bands, but for what is `given`."""
    plain: dict[str, Any] = {
        "id": MARKET,
        "symbol": "BTCUSDT",
        "base": BTC,
        "quote": USDT,
        "base_decimals": 8,
        "quote_decimals": 8,
        "tick_atoms": 1_000_000,
        "lot_atoms": 100_000,
        "unit": 1_000,
        "min_price": Price(1),
        "max_price": Price(10_000_000),
        "min_quantity": Quantity(1),
        "max_quantity": Quantity(1_000_000),
        "max_market_quantity": Quantity(1_000_000),
        "min_notional": Amount(0),
        "max_notional": Amount(10**16),
        "maker_fee": Ppm(0),
        "taker_fee": Ppm(0),
        "reference": Price(10_000),
        "band_up": Ppm(0),
        "band_down": Ppm(0),
    }
    for part in filter(None, given.split(", ")):
        word = max((word for word in RULES if part.startswith(word)), key=len)
        plain |= RULES[word](part.removeprefix(word).strip())
    return Market(**plain)


def order(words: str) -> co.PlaceOrder | None:
    """`ann buys 1 @ 99 IOC as x`, and all its relatives."""
    match = ORDER.fullmatch(words)
    if match is None:
        return None
    part = match.groupdict()
    stops = {"stop-loss": OrderType.STOP_LOSS, "take-profit": OrderType.TAKE_PROFIT}
    if part["kind"]:
        kind = OrderType(stops[part["kind"]] + (part["price"] is not None))
    elif part["only"]:
        kind = OrderType.LIMIT_MAKER
    else:
        kind = OrderType.MARKET if part["market"] else OrderType.LIMIT
    return co.PlaceOrder(
        TRADERS.get(part["who"], AccountId(999)),
        MARKET,
        Side.BUY if part["verb"] == "buys" else Side.SELL,
        kind,
        Quantity(number(part["lots"] or "0", 3)),
        Price(number(part["price"] or "0", 2)),
        TimeInForce[part["tif"] or "GTC"],
        part["id"] or "",
        Price(number(part["stop"] or "0", 2)),
        Amount(number(part["money"] or "0", 8)),
        PREVENTING[part["stp"]],
        Quantity(number(part["shown"] or "0", 3)),
        number(part["trail"] or "0", 2),
    )


def _other(words: str) -> co.Command | None:
    """Everything that is not an order."""
    said: list[tuple[str, Callable[..., co.Command]]] = [
        (
            r"(\w+) cancels list (\S+)",
            lambda who, name: co.CancelOrderList(TRADERS[who], MARKET, client_id=name),
        ),
        (r"(\w+) cancels all", lambda who: co.CancelAll(TRADERS[who], MARKET)),
        (r"(\w+) cancels (\S+)", lambda who, name: co.CancelOrder(TRADERS[who], MARKET, client_id=name)),
        (
            r"(\w+) cancels (\S+) if (new|partially filled)",
            lambda who, name, status: co.CancelOrder(
                TRADERS[who], MARKET, client_id=name, only=OrderStatus[_enum(status)]
            ),
        ),
        (
            r"(\w+) amends (\S+) to ([\d.]+)(?: as (\S+))?",
            lambda who, name, lots, new: co.AmendOrder(
                TRADERS[who], MARKET, Quantity(number(lots, 3)), new or name, client_id=name
            ),
        ),
        (r"market is (.+)", lambda phase: co.SetMarketPhase(MARKET, MarketPhase[_enum(phase)], "")),
        (r"(\w+) is frozen", lambda who: co.SetAccountFrozen(TRADERS[who], True, "")),
        (r"(\w+) is thawed", lambda who: co.SetAccountFrozen(TRADERS[who], False, "")),
        (r"(\w+) is in tier (\d+)", lambda who, tier: co.SetAccountTier(TRADERS[who], int(tier))),
        (
            r"tier (\d+) pays (\S+) % and (\S+) %",
            lambda tier, maker, taker: co.SetTierFees(MARKET, int(tier), ppm(maker), ppm(taker)),
        ),
        (
            rf"deposit (\S+) of {NUMBER} (\w+) for (\w+) is (.+)",
            lambda key, amount, asset, who, to: co.ReportDeposit(
                key, TRADERS[who], ASSETS[asset], Amount(number(amount, 8)), DepositState[_enum(to)]
            ),
        ),
        (
            rf"(\w+) withdraws {NUMBER} (\w+) as (\S+)",
            lambda who, amount, asset, key: co.RequestWithdrawal(
                key, TRADERS[who], ASSETS[asset], Amount(number(amount, 8)), NET
            ),
        ),
        (r"withdrawal (\S+) is (.+)", lambda key, to: co.MoveWithdrawal(key, WithdrawalState[_enum(to)])),
    ]
    for pattern, make in said:
        match = re.fullmatch(pattern, words)
        if match:
            return make(*match.groups())
    return None


LIST = re.compile(r"(?P<who>\w+) (?P<kind>pairs|chains|chains a pair)(?: as (?P<id>\S+))?: (?P<orders>.+)")
KINDS = {"pairs": ListKind.OCO, "chains": ListKind.OTO, "chains a pair": ListKind.OTOCO}


def order_list(words: str) -> co.PlaceOrderList | None:
    """`ann pairs: sells 1 @ 110 post-only / sells 1 stop-loss 90`, and its relatives."""
    match = LIST.fullmatch(words)
    if match is None:
        return None
    who, orders = match["who"], []
    for part in match["orders"].split(" / "):
        one = order(f"{who} {part}")
        assert one is not None, part
        orders.append(one)
    return co.PlaceOrderList(TRADERS[who], MARKET, KINDS[match["kind"]], tuple(orders), match["id"] or "")


def _enum(words: str) -> str:
    return words.upper().replace("-", "_").replace(" ", "_")


def command(words: str) -> co.Command:
    """One sentence as a command."""
    match = re.fullmatch(r"(\w+) replaces (\S+)( anyway)?: (.+)", words)
    if match:
        who, name, anyway, new = match.groups()
        place = order(f"{who} {new}")
        assert place is not None, words
        return co.CancelReplace(co.CancelOrder(TRADERS[who], MARKET, client_id=name), place, bool(anyway))
    said = _other(words) or order_list(words) or order(words)
    assert said is not None, f"not understood: {words}"
    return said


def short(value: int, places: int) -> str:
    """A decimal number without idle zeros."""
    text = render(value, places)
    return text.rstrip("0").rstrip(".") if "." in text else text


def resting(state: State) -> str:
    """Bids from the best, asks from the best, then who sleeps, in order of ids."""
    book, found = state.books[MARKET], []
    for half in (book.bids, book.asks):
        for level in half:
            one = level.first
            while one is not None:
                hidden = f" showing {short(one.shown, 3)}" if one.iceberg else ""
                found.append(f"{_left(one)} @ {short(one.price, 2)}{hidden}")
                one = one.behind
    sleeping = sorted((one for one in state.orders.values() if not one.working), key=lambda one: one.id)
    follows = dict(trailing(book))
    return "; ".join(found + [_idle(one, follows) for one in sleeping])


def _idle(one: Order, follows: dict[int, int]) -> str:
    """A sleeping order (one that follows the price with the best so far), or one that waits in its list."""
    if one.status == PENDING_NEW:
        return f"{_left(one)} pending"
    if one.id in follows:
        return f"{_left(one)} following {short(follows[one.id], 2)}"
    return f"{_left(one)} at {short(one.stop_price, 2)}"


def _left(one: Order) -> str:
    verb = "buys" if one.side == Side.BUY else "sells"
    return f"{NAMES[one.account]} {verb} {short(one.quantity - one.filled, 3)}"


def purse(state: State, who: str) -> str:
    """What a trader has: `ann 9 BTC (1 held), 1000 USDT (5 owed)`."""
    parts = []
    for code, asset in ASSETS.items():
        account = TRADERS[who]
        words = f"{short(state.available(account, asset), 8)} {code}"
        held, owed = state.held(account, asset), state.owed(account, asset)
        notes = [f"{short(held, 8)} held"] * bool(held) + [f"{short(owed, 8)} owed"] * bool(owed)
        parts.append(words + (f" ({', '.join(notes)})" if notes else ""))
    return f"{who} {', '.join(parts)}"
