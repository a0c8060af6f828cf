"""The WebSocket API: requests by name over `/ws-api/v3`, and own events pushed to whoever subscribed.

A method is a function of session and parameters, in one table; trading methods will stand there beside these and call
the same endpoint functions as HTTP does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from exchange.api import auth
from exchange.api.connection import POLICY, Connection
from exchange.api.errors import Refusal, Refused
from exchange.api.rooms import Rooms
from exchange.api.user_stream import Listener, UserStreams
from exchange.api.ws_requests import call_of, id_of, nothing_left, parse, read_flag, signed_payload
from exchange.core.units import AccountId, Micros
from exchange.office.keys import Scope

_encode: Final = msgspec.json.Encoder().encode

CONNECT_WEIGHT: Final = 2

LATER: Final = frozenset(
    [
        "account.allocations",
        "account.commission",
        "account.rateLimits.orders",
        "account.status",
        "allOrderLists",
        "allOrders",
        "avgPrice",
        "depth",
        "exchangeInfo",
        "klines",
        "myAllocations",
        "myFilters",
        "myPreventedMatches",
        "myTrades",
        "openOrderLists.status",
        "openOrders.cancelAll",
        "openOrders.status",
        "order.amend.keepPriority",
        "order.amendments",
        "order.cancel",
        "order.cancelReplace",
        "order.place",
        "order.status",
        "order.test",
        "orderList.cancel",
        "orderList.place",
        "orderList.place.oco",
        "orderList.place.oto",
        "orderList.place.otoco",
        "orderList.status",
        "session.logon",
        "session.logout",
        "session.status",
        "sor.order.place",
        "sor.order.test",
        "ticker",
        "ticker.24hr",
        "ticker.book",
        "ticker.price",
        "ticker.tradingDay",
        "trades.aggregate",
        "trades.historical",
        "trades.recent",
        "uiKlines",
        "userDataStream.ping",
        "userDataStream.start",
        "userDataStream.stop",
        "userDataStream.subscribe",
    ]
)
"""Methods of the dialect that this door does not have yet: refused by name."""


class _Subscription(msgspec.Struct, frozen=True):
    account: AccountId
    api_key: str
    listener: Listener


class ApiSession:
    """One connection to the WebSocket API."""

    def __init__(
        self,
        connection: Connection,
        rooms: Rooms,
        users: UserStreams,
        address: str,
        max_subscriptions: int,
        *,
        show_limits: bool,
    ) -> None:
        """`address` pays the weights. `show_limits`: replies tell what it has used of them, unless a request says."""
        self._connection = connection
        self._rooms = rooms
        self._users = users
        self._address = address
        self._max_subscriptions = max_subscriptions
        self._show_limits = show_limits
        self._subscriptions: dict[int, _Subscription] = {}
        self._next_subscription = 0

    def close(self) -> None:
        """End all subscriptions without a word."""
        for number in list(self._subscriptions):
            self._drop(number)

    def tick(self, now: Micros) -> None:
        """End subscriptions whose API key has been revoked."""
        for number, subscription in list(self._subscriptions.items()):
            key = self._rooms.keyring.find(subscription.api_key)
            if key is None or key.revoked:
                self._terminate(number, now)

    def farewell(self, now: Micros) -> None:
        """Say that the server is about to stop."""
        self._connection.send(_encode({"event": {"e": "serverShutdown", "E": now // 1000}}))

    async def answer(self, text: str) -> None:
        """Do what one request asks, and reply."""
        number: msgspec.Raw = msgspec.Raw(b"null")
        shows = self._show_limits
        limits, address = self._rooms.limits, self._address
        try:
            limits.charge(address, 1, self._rooms.clock.now())
            request = parse(text)
            number = id_of(request)
            method, params = call_of(request)
            shows = read_flag(params.pop("returnRateLimits", None), shows)
            weight, act = _method(method)
            limits.charge(address, weight - 1, self._rooms.clock.now())
            reply: dict[str, object] = {"id": number, "status": 200, "result": act(self, params)}
        except Refused as refused:
            refusal = refused.refusal
            reply = {"id": number, "status": refusal.status, "error": self._error(refusal)}
            if refusal.status == 418:
                self._connection.cut(POLICY, refusal.text[:120])
        if shows:
            reply["rateLimits"] = [self._weight_used()]
        self._connection.send(_encode(reply))

    def _error(self, refusal: Refusal) -> dict[str, object]:
        error: dict[str, object] = {"code": refusal.code, "msg": refusal.text}
        if refusal.retry_after:
            now = self._rooms.clock.now() // 1000
            error["data"] = {"serverTime": now, "retryAfter": now + 1000 * refusal.retry_after}
        return error

    def _weight_used(self) -> dict[str, object]:
        limits = self._rooms.limits
        return {
            "rateLimitType": "REQUEST_WEIGHT",
            "interval": "MINUTE",
            "intervalNum": 1,
            "limit": limits.weight_limit,
            "count": limits.used(self._address, self._rooms.clock.now()),
        }

    def ping(self, params: dict[str, str]) -> dict[str, object]:
        """`ping`: the connection works."""
        nothing_left(params)
        return {}

    def time(self, params: dict[str, str]) -> dict[str, object]:
        """`time`: the server's clock."""
        nothing_left(params)
        return {"serverTime": self._rooms.clock.now() // 1000}

    def subscribe(self, params: dict[str, str]) -> dict[str, object]:
        """`userDataStream.subscribe.signature`: push the events of the account whose key signed."""
        payload = signed_payload(params)
        api_key = params.pop("apiKey", None)
        caller = auth.authenticate(self._rooms.keyring, self._rooms.clock.now(), api_key, payload, params)
        auth.require(caller, Scope.READ)
        nothing_left(params)
        if any(known.account == caller.account for known in self._subscriptions.values()):
            raise Refused(Refusal(-2035, "User Data Stream subscription already active."))
        if len(self._subscriptions) >= self._max_subscriptions:
            most = self._max_subscriptions
            text = f"Too many subscriptions. Connection may create up to '{most}' subscriptions at a time."
            raise Refused(Refusal(-1191, text))
        number, self._next_subscription = self._next_subscription, self._next_subscription + 1

        def listener(payload: bytes) -> None:
            self._connection.send(b'{"subscriptionId":%d,"event":%b}' % (number, payload))

        self._users.join(caller.account, listener)
        self._subscriptions[number] = _Subscription(caller.account, caller.api_key, listener)
        return {"subscriptionId": number}

    def unsubscribe(self, params: dict[str, str]) -> dict[str, object]:
        """`userDataStream.unsubscribe`: end one subscription, or all of them."""
        text = params.pop("subscriptionId", None)
        nothing_left(params)
        numbers = list(self._subscriptions)
        if text is not None:
            numbers = [number for number in numbers if str(number) == text]
            if not numbers:
                raise Refused(Refusal(-2036, "User Data Stream subscription not active."))
        for number in numbers:
            self._terminate(number, self._rooms.clock.now())
        return {}

    def subscriptions(self, params: dict[str, str]) -> list[object]:
        """`session.subscriptions`: the numbers of those that live."""
        nothing_left(params)
        return [{"subscriptionId": number} for number in self._subscriptions]

    def _terminate(self, number: int, now: Micros) -> None:
        self._drop(number)
        event = {"e": "eventStreamTerminated", "E": now // 1000}
        self._connection.send(_encode({"subscriptionId": number, "event": event}))

    def _drop(self, number: int) -> None:
        gone = self._subscriptions.pop(number)
        self._users.leave(gone.account, gone.listener)


Method = Callable[[ApiSession, dict[str, str]], object]

METHODS: Final[dict[str, tuple[int, Method]]] = {
    "ping": (1, ApiSession.ping),
    "time": (1, ApiSession.time),
    "session.subscriptions": (2, ApiSession.subscriptions),
    "userDataStream.subscribe.signature": (2, ApiSession.subscribe),
    "userDataStream.unsubscribe": (2, ApiSession.unsubscribe),
}
"""What this door answers: weight and function of each method."""


def _method(name: str) -> tuple[int, Method]:
    """The method of that name, a leading `v3/` aside."""
    bare = name.removeprefix("v3/")
    found = METHODS.get(bare)
    if found is not None:
        return found
    if bare in LATER:
        raise Refused(Refusal(-1020, f"This operation is not supported. Not here yet: '{bare}'; use HTTP."))
    raise Refused(Refusal(-1020, f"This operation is not supported. No method is called '{name[:64]}'."))
