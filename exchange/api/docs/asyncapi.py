"""AsyncAPI 3.0 of the fast door: market streams, own events, and the methods of the WebSocket API."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from exchange.api.control import METHODS as CONTROL
from exchange.api.docs import openapi
from exchange.api.docs.asking import parameters_of
from exchange.api.docs.messages import EVENTS, OWN_ANSWERS, ROOM, STREAMS, KeyExpired, Shutdown, Stream, Terminated
from exchange.api.docs.schemas import Schema, Schemas, described, example
from exchange.api.docs.words import word
from exchange.api.http_routes import Route, Security
from exchange.api.ws_api import METHODS
from exchange.api.ws_session import Own

_API: Final = "#/channels/api"
_SCHEMAS: Final = "#/components/schemas"


def document(fast_port: int = 8081) -> dict[str, Any]:
    """The whole description, ready to be encoded."""
    schemas = Schemas()
    schemas.components |= _fixed()
    messages: dict[str, Any] = {}
    channels = {stream.key: _stream(stream, schemas, messages) for stream in STREAMS}
    channels |= {"control": _control(messages), "combined": _combined(schemas, messages)}
    channels |= {"user": _user(schemas, messages), "api": _api(schemas, messages)}
    told = {
        "asyncapi": "3.0.0",
        "info": {
            "title": openapi.TITLE,
            "version": openapi.VERSION,
            "description": (
                "The fast door: all WebSockets. Compatible with the Binance Spot API dialect; not affiliated with"
                " Binance. Amounts are plain decimal strings, times milliseconds in UTC."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"fast": _server(fast_port)},
        "channels": channels,
        "operations": _operations(),
        "components": {"messages": messages, "schemas": dict(sorted(schemas.components.items()))},
    }
    draft: dict[str, Any] = _in_draft_7(told)
    return draft


def _in_draft_7(schema: Any) -> Any:  # noqa: ANN401  # JSON
    """The same in the words of JSON Schema draft 7, which are AsyncAPI's."""
    if isinstance(schema, list):
        return [_in_draft_7(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {"items" if name == "prefixItems" else name: _in_draft_7(part) for name, part in schema.items()}


def _server(port: int) -> dict[str, Any]:
    return {
        "host": "{host}",
        "protocol": "ws",
        "description": "A host of its own, or a port of its own beside the main door's.",
        "variables": {"host": {"default": f"127.0.0.1:{port}", "description": "Host and port of the fast door."}},
    }


def _stream(stream: Stream, schemas: Schemas, messages: dict[str, Any]) -> dict[str, Any]:
    payload = schemas.of(stream.says)
    messages[f"{stream.key}.message"] = _message(stream.about, payload, schemas)
    return {
        "address": f"/ws/{stream.name}",
        "title": stream.name,
        "description": f"{stream.about} Told {stream.often}.",
        "parameters": _room(stream.name),
        "messages": {"message": {"$ref": f"#/components/messages/{stream.key}.message"}},
    }


def _room(name: str) -> dict[str, Any]:
    return {one: ROOM[one] for one in re.findall(r"{(\w+)}", name)}


def _message(about: str, payload: Schema, schemas: Schemas) -> dict[str, Any]:
    return {"summary": about, "payload": payload, "examples": [{"payload": example(payload, schemas.components)}]}


def _combined(schemas: Schemas, messages: dict[str, Any]) -> dict[str, Any]:
    kinds = {msgspec.json.encode(schemas.of(stream.says)): schemas.of(stream.says) for stream in STREAMS}
    payload = {
        "type": "object",
        "required": ["stream", "data"],
        "properties": {
            "stream": {"type": "string", "description": "Name of the stream.", "examples": ["btcusdt@trade"]},
            "data": {"anyOf": [*kinds.values(), *_event_schemas(schemas)], "description": "Its message."},
        },
    }
    messages["combined"] = {"summary": "A message of any stream, with the stream's name.", "payload": payload}
    return {
        "address": "/stream",
        "title": "Combined streams: /stream?streams=A/B",
        "description": "Several streams on one connection; each message names its stream.",
        "bindings": {"ws": {"query": {"type": "object", "properties": {"streams": {"type": "string"}}}}},
        "messages": {"combined": {"$ref": "#/components/messages/combined"}},
    }


def _control(messages: dict[str, Any]) -> dict[str, Any]:
    names = ("controlRequest", "controlReply", "controlError")
    messages["controlRequest"] = {
        "summary": "Read more streams, or fewer.",
        "payload": {"$ref": f"{_SCHEMAS}/ControlRequest"},
    }
    messages["controlReply"] = {"summary": "Done.", "payload": {"$ref": f"{_SCHEMAS}/ControlReply"}}
    messages["controlError"] = {"summary": "Refused.", "payload": {"$ref": f"{_SCHEMAS}/ControlError"}}
    return {
        "address": "/ws",
        "title": "Subscribing live",
        "description": "On /ws and /stream, whatever streams the connection began with.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }


def _user(schemas: Schemas, messages: dict[str, Any]) -> dict[str, Any]:
    for name, record in {**EVENTS, "listenKeyExpired": KeyExpired, "serverShutdown": Shutdown}.items():
        messages[name] = _message((record.__doc__ or "").strip(), schemas.of(record), schemas)
    names = [*EVENTS, "listenKeyExpired", "serverShutdown"]
    return {
        "address": "/ws/{listenKey}",
        "title": "Own events by listen key",
        "description": "Orders, trades and balances of one account.",
        "parameters": {"listenKey": ROOM["listenKey"]},
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }


def _event_schemas(schemas: Schemas) -> list[Schema]:
    return [schemas.of(record) for record in (*EVENTS.values(), Shutdown, KeyExpired)]


def _api(schemas: Schemas, messages: dict[str, Any]) -> dict[str, Any]:
    for name, method in METHODS.items():
        messages[name] = {"summary": _about(method), "payload": _request(name, method)}
        messages[f"{name}.reply"] = {"summary": f"The reply to {name}.", "payload": _reply(name, method, schemas)}
    messages["event"] = {"summary": "An event of your own.", "payload": _event(schemas)}
    names = [*(part for name in METHODS for part in (name, f"{name}.reply")), "event"]
    return {
        "address": "/ws-api/v3",
        "title": "The WebSocket API",
        "description": "Requests and replies by `id`; replies may overtake one another.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
    }


def _about(method: Route | Own) -> str:
    return (method.call.__doc__ or "").strip().splitlines()[0]


def params_of(method: Route | Own) -> tuple[dict[str, Schema], list[str]]:
    """The parameters of a method with their schemas, and which of them are mandatory."""
    if isinstance(method, Own):
        told = {name: _SIGNING[name] for name in method.takes}
        return told, [name for name in method.takes if method.who == "signed" and name != "recvWindow"]
    found = list(parameters_of(method.takes))
    told = {one.name: described(_or_text(one.schema), one.told) for one in found}
    needed = [one.name for one in found if one.mandatory]
    if method.security is not Security.NONE:
        told |= {name: _SIGNING[name] for name in ("apiKey", "timestamp", "recvWindow", "signature")}
    return told, needed


def _or_text(schema: Schema) -> Schema:
    """Numbers and flags may be sent as JSON strings too, and amounts as JSON numbers."""
    kinds = {"integer": ["integer", "string"], "boolean": ["boolean", "string"]}
    if schema.get("pattern", "").startswith("^[0-9]"):
        return {**schema, "type": ["string", "number"]}
    return {**schema, "type": kinds.get(schema["type"], schema["type"])}


def _request(name: str, method: Route | Own) -> Schema:
    told, needed = params_of(method)
    told["returnRateLimits"] = {"type": "boolean", "description": "Whether the reply tells what is used of the limits."}
    required = ["id", "method", "params"] if needed else ["id", "method"]
    return {
        "type": "object",
        "required": required,
        "properties": {
            "id": {"type": ["integer", "string", "null"], "description": "Comes back with the reply."},
            "method": {"const": name},
            "params": {"type": "object", "properties": told, "required": needed},
        },
    }


def _reply(name: str, method: Route | Own, schemas: Schemas) -> Schema:
    result = schemas.of(OWN_ANSWERS[name] if isinstance(method, Own) else openapi.reply_type(method))
    return {
        "type": "object",
        "required": ["id", "status"],
        "properties": {
            "id": {"type": ["integer", "string", "null"]},
            "status": {"type": "integer", "description": "As in HTTP: 200 is good."},
            "result": result,
            "error": {"$ref": f"{_SCHEMAS}/ApiError"},
            "rateLimits": {"type": "array", "items": {"$ref": f"{_SCHEMAS}/UsedLimit"}},
        },
        "oneOf": [{"required": ["result"]}, {"required": ["error"]}],
    }


def _event(schemas: Schemas) -> Schema:
    return {
        "type": "object",
        "required": ["event"],
        "properties": {
            "subscriptionId": {"type": "integer", "description": "Which subscription; absent in serverShutdown."},
            "event": {"anyOf": [*_event_schemas(schemas), schemas.of(Terminated)]},
        },
    }


def _operations() -> dict[str, Any]:
    """Who sends what, as seen from the server."""
    told: dict[str, Any] = {
        f"send-{stream.key}": {
            "action": "send",
            "channel": {"$ref": f"#/channels/{stream.key}"},
            "summary": stream.about,
        }
        for stream in STREAMS
    }
    told["send-combined"] = {"action": "send", "channel": {"$ref": "#/channels/combined"}}
    told["send-user"] = {"action": "send", "channel": {"$ref": "#/channels/user"}}
    told["send-event"] = _operation("send", "event")
    told["control"] = {
        "action": "receive",
        "channel": {"$ref": "#/channels/control"},
        "messages": [{"$ref": "#/channels/control/messages/controlRequest"}],
        "reply": {
            "channel": {"$ref": "#/channels/control"},
            "messages": [{"$ref": f"#/channels/control/messages/{name}"} for name in ("controlReply", "controlError")],
        },
    }
    for name, method in METHODS.items():
        told[name] = _operation("receive", name) | {
            "summary": _about(method),
            "reply": {"channel": {"$ref": _API}, "messages": [{"$ref": f"{_API}/messages/{name}.reply"}]},
        }
    return told


def _operation(action: str, message: str) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": _API}, "messages": [{"$ref": f"{_API}/messages/{message}"}]}


def _signing(name: str, schema: Schema) -> Schema:
    return described(schema, word("", name))


_SIGNING: Final[dict[str, Schema]] = {
    "apiKey": _signing("apiKey", {"type": "string"}),
    "timestamp": _signing("timestamp", {"type": "integer"}),
    "recvWindow": _signing("recvWindow", {"type": "number"}),
    "signature": _signing("signature", {"type": "string"}),
    "subscriptionId": _signing("subscriptionId", {"type": "integer"}),
}


def _fixed() -> dict[str, Schema]:
    """What no record of ours describes: the frames around what is asked and answered."""
    number = {"type": ["integer", "string", "null"]}
    error = {
        "type": "object",
        "required": ["code", "msg"],
        "properties": {"code": {"type": "integer"}, "msg": {"type": "string"}},
    }
    return {
        "ControlRequest": {
            "type": "object",
            "required": ["id", "method"],
            "properties": {
                "id": number,
                "method": {"enum": list(CONTROL)},
                "params": {"type": "array", "items": {"type": ["string", "boolean"]}},
            },
        },
        "ControlReply": {
            "type": "object",
            "required": ["result", "id"],
            "properties": {"result": {"type": ["null", "boolean", "array"], "items": {"type": "string"}}, "id": number},
        },
        "ControlError": {"type": "object", "required": ["error", "id"], "properties": {"error": error, "id": number}},
        "ApiError": {**error, "properties": {**error["properties"], "data": {}}},  # type: ignore[dict-item]
        "UsedLimit": {
            "type": "object",
            "required": ["rateLimitType", "interval", "intervalNum", "limit", "count"],
            "properties": {
                "rateLimitType": {"enum": ["REQUEST_WEIGHT", "ORDERS"]},
                "interval": {"enum": ["SECOND", "MINUTE", "DAY"]},
                "intervalNum": {"type": "integer"},
                "limit": {"type": "integer"},
                "count": {"type": "integer"},
            },
        },
    }


def encoded(fast_port: int = 8081) -> bytes:
    """The description as JSON, indented for people."""
    return msgspec.json.format(msgspec.json.encode(document(fast_port)), indent=1)
