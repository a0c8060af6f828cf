"""OpenAPI 3.1 of all HTTP endpoints, generated from the table of routes and the types of requests and replies."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

import msgspec

from exchange.api.docs import refusals
from exchange.api.docs.asking import parameters_of
from exchange.api.docs.schemas import Schema, Schemas, example
from exchange.api.docs.words import word
from exchange.api.errors import Refusal
from exchange.api.http_routes import ROUTES, Route, Security

TITLE: Final = "onebox-exchange"
VERSION: Final = "1.0.0"
"""Of what is told; the dialect's own is the `v3` in the paths."""

ABOUT: Final = (
    "Compatible with the Binance Spot API dialect; not affiliated with Binance. Amounts are plain decimal strings,"
    " times milliseconds in UTC. A parameter that an endpoint does not have is refused by name (-1104)."
    " Parameters go in the query or, but for GET, in a form body."
)
GROUPS: Final = {
    "general": "Whether anybody is there, what time it is, what the rules are.",
    "market_data": "What everybody may see: books, trades, candles, tickers.",
    "orders": "Placing, changing, cancelling and looking up orders.",
    "account": "Your balances, fees, trades and limits.",
    "wallet": "What clients ask of the wallet, and of markets that are not here, before they trade.",
    "ext": "What this house has beyond the dialect.",
}
"""In the order in which they are told."""

_PLACES: Final = (
    ("ext", r"/ext/.*"),
    ("wallet", r"/[sfd]api/.*"),
    ("general", r"/api/v3/(ping|time|exchangeInfo|executionRules)"),
    ("orders", r"/api/v3/(order|orderList|sor/.*|openOrders|openOrderList|allOrders|allOrderList)(/.*)?"),
    ("account", r"/api/v3/(account|my|userDataStream|rateLimit).*"),
)
"""Which paths belong to which group; all others are market data."""

_JSON: Final = "application/json"
_SIGNED: Final = {Security.READ, Security.TRADE, Security.WITHDRAW}


def document() -> dict[str, Any]:
    """The whole description, ready to be encoded."""
    schemas = Schemas()
    schemas.components["Refusal"] = _refusal()
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": VERSION,
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The main door: the host that this file comes from."}],
        "tags": [{"name": name, "description": GROUPS[name]} for name in groups()],
        "paths": paths,
        "x-refusals": {"everywhere": [told_refusal(one) for one in sorted(refusals.of_all(), key=_by_code)]},
        "components": {
            "schemas": dict(sorted(schemas.components.items())),
            "securitySchemes": _SCHEMES,
            "headers": _HEADERS,
        },
    }


def groups() -> list[str]:
    """The groups that routes belong to, in the order in which they are told."""
    found = {group_of(route) for route in ROUTES}
    return [name for name in GROUPS if name in found]


def group_of(route: Route) -> str:
    """Where it stands."""
    return next((group for group, path in _PLACES if re.fullmatch(path, route.path)), "market_data")


def reply_type(route: Route) -> Any:  # noqa: ANN401  # an annotation
    """What the endpoint says that it returns."""
    return typing.get_type_hints(route.call)["return"]


def operation(route: Route, schemas: Schemas) -> dict[str, Any]:
    """One endpoint."""
    about = (route.call.__doc__ or "").strip()
    told: dict[str, Any] = {
        "operationId": operation_id(route),
        "tags": [group_of(route)],
        "summary": about.splitlines()[0],
        "description": f"{about}\n\nWeight: {weight_of(route)}.",
        "x-weight": route.weight if isinstance(route.weight, int) else weight_of(route),
        "parameters": [*_parameters(route), *(_STAMPS if route.security in _SIGNED else ())],
        "responses": {"200": _good(route, schemas), **_bad(refusals.of_route(route))},
        "security": [_SECURITY[route.security]],
    }
    if route.retiring is not None:
        told |= {"deprecated": True, "x-sunset": route.retiring.gone}
    return told


def operation_id(route: Route) -> str:
    """A name for generated code: `get_api_v3_order`."""
    return "_".join([route.method.lower(), *(part for part in route.path.split("/") if part)])


def weight_of(route: Route) -> str:
    """What a request weighs, in words."""
    return str(route.weight) if isinstance(route.weight, int) else (route.weight.__doc__ or "").strip().rstrip(".")


def _parameters(route: Route) -> list[dict[str, Any]]:
    found = []
    for one in parameters_of(route.takes):
        told: dict[str, Any] = {
            "name": one.name,
            "in": "query",
            "required": one.mandatory,
            "description": one.told.text,
        }
        if one.listed:
            told["content"] = {_JSON: {"schema": one.schema}}
        else:
            told["schema"] = one.schema
        found.append(told)
    return found


def _good(route: Route, schemas: Schemas) -> dict[str, Any]:
    schema = schemas.of(reply_type(route))
    headers = ["X-MBX-USED-WEIGHT", "X-MBX-USED-WEIGHT-1M"]
    if route.counts_orders:
        headers += ["X-MBX-ORDER-COUNT-10S", "X-MBX-ORDER-COUNT-1D"]
    return {
        "description": "Done.",
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
        "content": {_JSON: {"schema": schema, "example": example(schema, schemas.components)}},
    }


def _bad(possible: Iterable[Refusal]) -> dict[str, Any]:
    """By status: which codes there are, each with its text."""
    by_status: dict[int, list[Refusal]] = {}
    for refusal in possible:
        by_status.setdefault(refusal.status, []).append(refusal)
    return {str(status): _answer(status, by_status[status]) for status in sorted(by_status)}


def _answer(status: int, possible: list[Refusal]) -> dict[str, Any]:
    codes = sorted({refusal.code for refusal in possible}, reverse=True)
    schema = {"allOf": [{"$ref": "#/components/schemas/Refusal"}, {"properties": {"code": {"enum": codes}}}]}
    own = [refusal for refusal in possible if refusal not in refusals.of_all()]
    said = (own or possible)[0]
    told: dict[str, Any] = {
        "description": "\n".join(f"- {refusal.code}: {refusal.text}" for refusal in own)
        or "As everywhere, see x-refusals.",
        "content": {_JSON: {"schema": schema, "example": {"code": said.code, "msg": said.text}}},
    }
    headers = ["X-Request-Id"]
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.IM_A_TEAPOT}:
        headers.append("Retry-After")
    told["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in headers}
    return told


def _by_code(refusal: Refusal) -> tuple[int, str]:
    return -refusal.code, refusal.text


def told_refusal(refusal: Refusal) -> dict[str, Any]:
    """A refusal in a list of refusals."""
    return {"code": refusal.code, "status": refusal.status, "msg": refusal.text}


def _refusal() -> Schema:
    return {
        "type": "object",
        "description": "What a refused request is answered with. Nothing was changed.",
        "properties": {
            "code": {"type": "integer", "description": word("Refusal", "code").text},
            "msg": {"type": "string", "description": word("Refusal", "msg").text},
            "data": {"description": "More, where there is more: both halves of a failed cancel-replace."},
        },
        "required": ["code", "msg"],
    }


def _stamp(name: str, schema: Schema, *, required: bool) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": required, "description": word("", name).text, "schema": schema}


_STAMPS: Final = (
    _stamp("timestamp", {"type": "integer", "format": "int64", "minimum": 0}, required=True),
    _stamp("recvWindow", {"type": "number", "minimum": 0, "maximum": 60_000, "default": 5_000}, required=False),
)
_SCHEMES: Final = {
    "key": {"type": "apiKey", "in": "header", "name": "X-MBX-APIKEY", "description": "The API key."},
    "signature": {
        "type": "apiKey",
        "in": "query",
        "name": "signature",
        "description": (
            "Over the query as sent, followed directly by the body as sent, without `signature` itself: HMAC-SHA256"
            " with the key's secret, in hexadecimal, or Ed25519, in base64."
            " May stand anywhere in the query."
        ),
    },
}
_SECURITY: Final[dict[Security, dict[str, list[str]]]] = {
    Security.NONE: {},
    Security.KEY: {"key": []},
    Security.READ: {"key": [], "signature": []},
    Security.TRADE: {"key": [], "signature": []},
    Security.WITHDRAW: {"key": [], "signature": []},
}


def _header(about: str) -> dict[str, Any]:
    return {"description": about, "schema": {"type": "integer", "minimum": 0}}


_HEADERS: Final = {
    "X-MBX-USED-WEIGHT": _header("Request weight that your address has used this minute."),
    "X-MBX-USED-WEIGHT-1M": _header("The same."),
    "X-MBX-ORDER-COUNT-10S": _header("Orders that the account has placed in the current ten seconds."),
    "X-MBX-ORDER-COUNT-1D": _header("Orders that the account has placed today (UTC)."),
    "Retry-After": _header("Seconds to wait before the next request."),
    "X-Request-Id": {"description": "Under this id the operator's log has it.", "schema": {"type": "string"}},
}


def encoded() -> bytes:
    """The description as JSON, indented for people."""
    return msgspec.json.format(msgspec.json.encode(document()), indent=1)
