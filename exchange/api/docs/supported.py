"""What is supported, for programs: everything that can be asked for, the limits in force, and what is refused how."""

from __future__ import annotations

import typing
from typing import Any, Final

import msgspec

from exchange.api import errors, wire_info
from exchange.api.auth import DEFAULT_WINDOW, MAX_AHEAD, MAX_WINDOW
from exchange.api.docs import dialect, openapi
from exchange.api.docs.asyncapi import params_of
from exchange.api.docs.messages import EVENTS, STREAMS
from exchange.api.door_limits import DoorLimits
from exchange.api.http_routes import ROUTES, Route, Security
from exchange.api.parameters import MAX_PARAMETERS, ReplaceMode, ResponseType, TickerType, fields_of
from exchange.api.ws_api import METHODS
from exchange.api.ws_session import Own
from exchange.core.orders import OrderStatus, OrderType, SelfTrade, Side, TimeInForce
from exchange.market_data.intervals import INTERVALS
from exchange.settings import Settings

WHO: Final = {security: "open" if security is Security.NONE else security.name.lower() for security in Security}
"""Who may ask, in the words of the manual."""


def document(settings: Settings) -> dict[str, Any]:
    """The whole list, ready to be encoded."""
    return {
        "dialect": {"name": "Binance Spot API", "asOf": dialect.AS_OF, "affiliated": False},
        "endpoints": [_endpoint(route) for route in ROUTES],
        "methods": [_method(name) for name in METHODS],
        "streams": [{"name": one.name, "often": one.often, "about": one.about} for one in STREAMS],
        "events": [record.__name__ for record in EVENTS.values()],
        "sides": _names(Side),
        "orderTypes": _names(OrderType),
        "timeInForce": _names(TimeInForce),
        "selfTradePreventionModes": _names(SelfTrade),
        "orderStatuses": _names(OrderStatus),
        "responseTypes": _names(ResponseType),
        "tickerTypes": _names(TickerType),
        "cancelReplaceModes": _names(ReplaceMode),
        "filters": filters(),
        "intervals": list(INTERVALS),
        "keys": ["HMAC-SHA256", "Ed25519"],
        "limits": limits(settings),
        "refused": refused(),
    }


def _names(kind: Any) -> list[str]:  # noqa: ANN401  # any enumeration
    return [member.name for member in kind]


def _endpoint(route: Route) -> dict[str, Any]:
    return {
        "method": route.method,
        "path": route.path,
        "who": WHO[route.security],
        "weight": route.weight if isinstance(route.weight, int) else openapi.weight_of(route),
        "mandatory": [field.name for field in fields_of(route.takes) if field.mandatory],
        "optional": [field.name for field in fields_of(route.takes) if not field.mandatory],
    }


def _method(name: str) -> dict[str, Any]:
    method = METHODS[name]
    told, needed = params_of(method)
    who = method.who if isinstance(method, Own) else WHO[method.security]
    signing = () if isinstance(method, Own) else ("apiKey", "timestamp", "recvWindow", "signature")
    optional = [one for one in told if one not in needed and one not in signing]
    return {"name": name, "who": who, "mandatory": needed, "optional": optional}


def filters() -> list[str]:
    """The filters that `exchangeInfo` can name."""
    return [str(one.__struct_config__.tag) for one in typing.get_args(wire_info.Filter)]


def limits(settings: Settings) -> dict[str, Any]:
    """The limits in force; times in milliseconds unless a name says otherwise."""
    return {
        "weightPerMinuteAndAddress": settings.weight_limit_per_minute,
        "ordersPer10SecondsAndAccount": settings.order_limit_per_10_seconds,
        "ordersPerDayAndAccount": settings.order_limit_per_day,
        "bodyBytes": settings.body_limit_bytes,
        "connectionsPerAddress": settings.connections_per_address,
        "parametersPerRequest": MAX_PARAMETERS,
        "recvWindow": DEFAULT_WINDOW // 1000,
        "recvWindowAtMost": MAX_WINDOW // 1000,
        "clockAhead": MAX_AHEAD // 1000,
        "websocket": msgspec.to_builtins(DoorLimits(buffer_messages=settings.stream_buffer_messages)),
    }


def refused() -> dict[str, list[dict[str, Any]]]:
    """What the dialect has and this house has not, with the code that says so."""
    here = {(route.method, route.path) for route in ROUTES}
    taken = {field.name for route in ROUTES if route.path == "/api/v3/order" for field in fields_of(route.takes)}
    streams = {stream.name for stream in STREAMS}
    return {
        "endpoints": [
            {"name": f"{method} {path}", "code": errors.NO_SUCH_ROUTE.code}
            for method, path in dialect.ROUTES
            if (method, path) not in here
        ],
        "methods": _each(dialect.METHODS - METHODS.keys(), errors.WRONG_METHOD.code),
        "streams": _each(set(dialect.STREAMS) - streams, 2),
        "orderTypes": _each(set(dialect.ORDER_TYPES) - set(_names(OrderType)), errors.BAD_ORDER_TYPE.code),
        "timeInForce": _each(set(dialect.TIMES_IN_FORCE) - set(_names(TimeInForce)), errors.BAD_TIME_IN_FORCE.code),
        "selfTradePreventionModes": _each(set(dialect.SELF_TRADE) - set(_names(SelfTrade)), errors.BAD_PREVENTION.code),
        "orderParameters": _each(set(dialect.ORDER_PARAMETERS) - taken, errors.unread(0, 0, "").code),
        "filters": [{"name": name} for name in dialect.FILTERS if name not in filters()],
        "other": [
            {"name": said.text, "code": said.code}
            for said in vars(errors).values()
            if isinstance(said, errors.Refusal) and "not supported" in said.text and said is not errors.WRONG_METHOD
        ],
    }


def _each(names: typing.Iterable[str], code: int) -> list[dict[str, Any]]:
    return [{"name": name, "code": code} for name in sorted(names)]


def encoded(settings: Settings) -> bytes:
    """The list as JSON, indented for people."""
    return msgspec.json.format(msgspec.json.encode(document(settings)), indent=1)
