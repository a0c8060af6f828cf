"""The reference page: every endpoint, method, stream, event and refusal, from the generated descriptions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Any, Final

from exchange.api.docs import manual, openapi, refusals
from exchange.api.docs.advice import ADVICE
from exchange.api.docs.frame import framed
from exchange.api.docs.messages import EVENTS, STREAMS
from exchange.api.docs.schemas import example
from exchange.api.docs.supported import WHO
from exchange.api.docs.tables import Document, answered, folded, kind, marked, shown, table
from exchange.api.errors import Refusal
from exchange.api.http_routes import ROUTES, Route
from exchange.api.ws_api import METHODS
from exchange.api.ws_session import Own

_WHO: Final = {
    "open": "Everybody may ask.",
    "key": "Send your API key; no signature.",
    "read": "Send your API key and a signature; the key must be allowed to read.",
    "trade": "Send your API key and a signature; the key must be allowed to trade.",
    "withdraw": "Send your API key and a signature; the key must be allowed to withdraw, from where you are.",
    "signed": "Send your API key and a signature.",
    "logged on": "Log on before.",
}
_TITLES: Final = {
    "general": "General",
    "market_data": "Market data",
    "orders": "Orders",
    "account": "Account",
    "wallet": "Wallet",
    "ext": "Beyond the dialect",
}
_START: Final = """
<h1>The trader API</h1>
<p>Bots written for the Binance Spot API work here with nothing but their URLs and keys changed: compatible, not
affiliated. The main door serves HTTP, the fast door WebSockets on a port of its own.</p>
<ul>
<li><a href="/docs/guide">Guide</a>: connect, trade, keep a book, recover; every snippet is run by a test.</li>
<li><a href="/docs/clients">Settings to copy</a> for ccxt, python-binance and others.</li>
<li>For programs: <a href="/docs/openapi.json">openapi.json</a> (3.1), <a href="/docs/asyncapi.json">asyncapi.json</a>
(3.0), <a href="/docs/supported.json">supported.json</a> (what is here, and what is refused how).</li>
<li>In words: {pages}.</li>
</ul>
<p>Prices and quantities are decimal strings, times are milliseconds in UTC. An answer to an order means that it is on
disk. What is not supported is refused by name, never dropped.</p>
<p id="none" hidden>Nothing fits. Search for a path, a parameter, a stream, a field or a code.</p>
"""


def page(http: Document, sockets: Document) -> bytes:
    """The whole page."""
    parts = [*_endpoints(http), _methods(sockets), _streams(sockets), _events(sockets), _refusals()]
    contents = "".join(f'<li><a href="#{anchor}">{escape(title)}</a>{below}</li>' for anchor, title, below, _ in parts)
    pages = ", ".join(f'<a href="/docs/{name}">{escape(manual.title(name))}</a>' for name in manual.names())
    body = _START.replace("{pages}", pages) + "".join(
        f'<section id="{anchor}"><h2>{escape(title)}</h2>{text}</section>' for anchor, title, _, text in parts
    )
    return framed("The trader API", "/docs", f"<ul>{contents}</ul>", body, searchable=True)


Part = tuple[str, str, str, str]
"""(anchor, title, what lies below in the contents, HTML)."""


def _endpoints(http: Document) -> Iterator[Part]:
    for group in openapi.groups():
        routes = [route for route in ROUTES if openapi.group_of(route) == group]
        about = escape(openapi.GROUPS[group])
        text = f"<p>{about}</p>" + "".join(_endpoint(route, http) for route in routes)
        below = "".join(f'<li><a href="#{openapi.operation_id(one)}">{_short(one)}</a></li>' for one in routes)
        yield group, _TITLES[group], f"<ul>{below}</ul>", text


def _short(route: Route) -> str:
    path = re.sub(r"^/(api/v3/)?", "", route.path)
    return f'<span class="verb {route.method.lower()}">{route.method}</span>{escape(path)}'


def _endpoint(route: Route, http: Document) -> str:
    told = http["paths"][route.path][route.method.lower()]
    asked = [one for one in told["parameters"] if one["name"] not in {"timestamp", "recvWindow"}]
    place = (route.method, route.path)
    endpoints = {name: method for name, method in METHODS.items() if isinstance(method, Route)}
    names = [name for name, method in endpoints.items() if (method.method, method.path) == place]
    who = WHO[route.security]
    good = told["responses"]["200"]["content"]["application/json"]
    own = [one for one in refusals.of_route(route) if one not in refusals.of_all()]
    retired = '<p class="needed">Deprecated: see the changelog.</p>' if told.get("deprecated") else ""
    text = (
        retired
        + f"<p>{marked(told['summary'])} {escape(_WHO[who])} Weight: {escape(openapi.weight_of(route))}.</p>"
        + (f"<p>Over WebSocket: <code>{names[0]}</code>.</p>" if names else "")
        + _asked(asked)
        + answered(good["schema"], http)
        + shown(good["example"])
        + _refused(own)
    )
    head = (
        f'<span class="verb {route.method.lower()}">{route.method}</span> <code>{escape(route.path)}</code> '
        f'<span class="about">{marked(told["summary"])}</span> <span class="tag">{who}</span>'
    )
    return folded(openapi.operation_id(route), head, text, [*names, *(str(one.code) for one in own)])


def _asked(parameters: list[dict[str, Any]]) -> str:
    if not parameters:
        return "<p class=soft>No parameters.</p>"
    rows = [
        (
            one["name"],
            kind(one.get("schema") or one["content"]["application/json"]["schema"]),
            one["description"],
            one["required"],
        )
        for one in parameters
    ]
    return "<h4>Parameters</h4>" + table(rows)


def _refused(own: list[Refusal]) -> str:
    if not own:
        return ""
    rows = "".join(
        f"<tr><td>{one.code}</td><td>{one.status}</td><td>{escape(one.text)}</td></tr>"
        for one in sorted(own, key=lambda one: (-one.code, one.text))
    )
    return (
        "<h4>Refusals of its own</h4><table><thead><tr><th>code</th><th>status</th><th>text</th></tr></thead>"
        f"{rows}</table>"
    )


def _methods(sockets: Document) -> Part:
    text = (
        '<p>At <code>/ws-api/v3</code> on the fast door: <code>{"id": 1, "method": "ping"}</code>. Replies carry the'
        " <code>id</code>. Most methods are endpoints under another name.</p>"
    ) + "".join(_method(name, METHODS[name], sockets) for name in METHODS)
    return "methods", "WebSocket API", "", text


def _method(name: str, method: Route | Own, sockets: Document) -> str:
    told = sockets["components"]["messages"][name]
    params = told["payload"]["properties"]["params"]
    rows = [
        (field, kind(one), one.get("description", ""), field in params["required"])
        for field, one in params["properties"].items()
    ]
    who = method.who if isinstance(method, Own) else WHO[method.security]
    same = (
        f'<p>Answers as <a href="#{openapi.operation_id(method)}">{method.method} {escape(method.path)}</a>.</p>'
        if isinstance(method, Route)
        else ""
    )
    own = (
        ""
        if same
        else answered(sockets["components"]["messages"][f"{name}.reply"]["payload"]["properties"]["result"], sockets)
    )
    head = f'<code>{name}</code> <span class="about">{marked(told["summary"])}</span> <span class="tag">{who}</span>'
    return folded(f"method-{name}", head, f"<p>{_WHO[who]}</p>{same}{table(rows)}{own}")


def _streams(sockets: Document) -> Part:
    text = (
        "<p>At <code>/ws/NAME</code>, or at <code>/stream?streams=A/B</code> with each message wrapped as"
        ' <code>{"stream": …, "data": …}</code>. Names have the market in small letters.</p>'
    )
    for stream in STREAMS:
        message = sockets["components"]["messages"][f"{stream.key}.message"]
        head = (
            f'<code>{escape(stream.name)}</code> <span class="about">{marked(stream.about)}</span>'
            f' <span class="tag">{escape(stream.often)}</span>'
        )
        shows = shown(example(message["payload"], sockets["components"]["schemas"]))
        text += folded(f"stream-{stream.key}", head, answered(message["payload"], sockets) + shows)
    return "streams", "Market streams", "", text


def _events(sockets: Document) -> Part:
    text = (
        '<p>Orders, trades and balances of your own: by listen key, or by <a href="#method-userDataStream.subscribe.'
        'signature">subscription</a> on the WebSocket API.</p>'
    )
    for name in [*EVENTS, "listenKeyExpired", "serverShutdown"]:
        message = sockets["components"]["messages"][name]
        shows = shown(example(message["payload"], sockets["components"]["schemas"]))
        head = f'<code>{escape(name)}</code> <span class="about">{marked(message["summary"])}</span>'
        text += folded(f"event-{name}", head, answered(message["payload"], sockets) + shows)
    return "events", "Own events", "", text


def _refusals() -> Part:
    """Every code with its texts and what to do."""
    by_code: dict[int, set[str]] = {}
    for route in ROUTES:
        for refusal in refusals.of_route(route):
            by_code.setdefault(refusal.code, set()).add(refusal.text)
    rows = "".join(_code(code, advice, sorted(by_code.get(code, ()))) for code, advice in sorted(ADVICE.items())[::-1])
    text = (
        '<p>A refusal is <code>{"code": …, "msg": …}</code>. Nothing was changed, unless it says so.</p>'
        "<table><thead><tr><th>code</th><th>what to do</th><th>texts</th></tr></thead>" + rows + "</table>"
    )
    return "refusals", "Refusals", "", text


def _code(code: int, advice: str, texts: list[str]) -> str:
    words = escape(" ".join([str(code), advice, *texts]).lower())
    said = "<br>".join(map(escape, texts))
    return f'<tr data-search="{words}"><td>{code}</td><td>{marked(advice)}</td><td>{said}</td></tr>'
