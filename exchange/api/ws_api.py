"""The WebSocket API: requests by name over `/ws-api/v3`, and own events pushed to whoever subscribed.

Most methods are endpoints of the main door under another name (`ws_methods`), answered by the very same functions;
the few that only a connection can have are in `ws_session`.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Final

import msgspec
import structlog
import trio

from exchange.api import errors
from exchange.api.answering import perform
from exchange.api.auth import Caller
from exchange.api.connection import POLICY, Connection
from exchange.api.door_limits import DoorLimits
from exchange.api.errors import Refusal, Refused
from exchange.api.http_routes import Route
from exchange.api.parameters import fields_of
from exchange.api.rooms import Rooms
from exchange.api.user_stream import UserStreams
from exchange.api.ws_identity import Identity
from exchange.api.ws_methods import ENDPOINTS, LATER
from exchange.api.ws_requests import (
    call_of,
    check_shapes,
    id_of,
    nothing_left,
    parse,
    read_flag,
    signed_payload,
    texts_of,
)
from exchange.api.ws_session import OWN, Own, Session
from exchange.api.ws_subscriptions import Subscriptions
from exchange.core.units import Micros

_encode: Final = msgspec.json.Encoder().encode
_log = structlog.get_logger(__name__)

CONNECT_WEIGHT: Final = 2
_BANNED: Final = 418


class _Asked:
    """One request, as far as it is understood: what its reply needs even if it is refused."""

    __slots__ = ("caller", "counts_orders", "number", "payload", "shows_limits")

    def __init__(self, *, shows_limits: bool) -> None:
        self.number = msgspec.Raw(b"null")
        self.shows_limits = shows_limits
        self.payload = b""
        self.caller: Caller | None = None
        self.counts_orders = False


class ApiSession:
    """One connection to the WebSocket API."""

    def __init__(
        self,
        connection: Connection,
        rooms: Rooms,
        users: UserStreams,
        address: str,
        limits: DoorLimits,
        *,
        show_limits: bool,
    ) -> None:
        """`address` pays the weights. `show_limits`: replies tell what it has used of them, unless a request says."""
        self._identity = Identity(rooms.keyring, rooms.clock)
        self._subscriptions = Subscriptions(connection, rooms.keyring, users, limits.subscriptions_per_connection)
        self._session = Session(self._identity, self._subscriptions, rooms.clock, show_limits=show_limits)
        self._connection = connection
        self._rooms = rooms
        self._address = address
        self._show_limits = show_limits
        self._waiting: deque[str] = deque()
        self._slots = trio.Semaphore(limits.requests_in_flight)
        self._nursery: trio.Nursery | None = None

    async def serve(self) -> None:
        """Answer until the connection ends. What is then on its way to the sequencer stands, though nobody is told."""
        async with trio.open_nursery() as self._nursery:
            await self._connection.run(self.answer)
            self._nursery.cancel_scope.cancel()

    def close(self) -> None:
        """End all subscriptions without a word."""
        self._subscriptions.close()

    def tick(self, now: Micros) -> None:
        """End subscriptions whose API key has been revoked."""
        self._subscriptions.tick(now)

    def farewell(self, now: Micros) -> None:
        """Say that the server is about to stop."""
        self._connection.send(_encode({"event": {"e": "serverShutdown", "E": now // 1000}}))

    async def answer(self, text: str) -> None:
        """See to one request, beside those begun before; waits while too many are, or while nobody reads replies."""
        await self._connection.drained()
        await self._slots.acquire()
        self._waiting.append(text)
        assert self._nursery is not None
        self._nursery.start_soon(self._work)

    async def _work(self) -> None:
        """Do the oldest request that waits, not one given: tasks may start in any order, orders must not."""
        text = self._waiting.popleft()
        try:
            status, reply = await self._reply(text)
        finally:
            self._slots.release()
        self._connection.send(reply)
        if status == _BANNED:
            self._connection.cut(POLICY, "far too many requests: come back when the ban is over")

    async def _reply(self, text: str) -> tuple[int, bytes]:
        """Do what one request asks: status and reply. Never raises, but for the end of the process."""
        asked = _Asked(shows_limits=self._show_limits)
        try:
            return 200, self._worded(asked, 200, result=await self._result(asked, text))
        except Refused as refused:
            refusal = refused.refusal
        except Exception:  # noqa: BLE001  # logged with its traceback, answered as what it is
            # A bug in one method must not take the connection down; what reached the sequencer stands or fails there.
            _log.exception("method failed")
            refusal = errors.INTERNAL
        return refusal.status, self._worded(asked, refusal.status, error=self._error(refusal))

    async def _result(self, asked: _Asked, text: str) -> Any:  # noqa: ANN401  # any method's
        rooms, address = self._rooms, self._address
        rooms.limits.charge(address, 1, rooms.clock.now())
        request = parse(text)
        asked.number = id_of(request)
        name, sent = call_of(request)
        params = texts_of(sent)
        if "signature" in params:
            asked.payload = signed_payload(params)
        asked.shows_limits = read_flag(params.pop("returnRateLimits", None), asked.shows_limits)
        method = _method(name)
        if isinstance(method, Own):
            rooms.limits.charge(address, method.weight - 1, rooms.clock.now())
            return method.call(self._session, params, asked.payload)
        check_shapes(method.takes, sent)
        caller = asked.caller = self._identity.caller(method.security, params, asked.payload)
        asked.counts_orders = method.counts_orders
        if not fields_of(method.takes):
            nothing_left(params)
        return await perform(rooms, method, caller, params, address)

    def _worded(self, asked: _Asked, status: int, **outcome: object) -> bytes:
        reply: dict[str, object] = {"id": asked.number, "status": status, **outcome}
        if asked.shows_limits:
            caller = asked.caller if asked.counts_orders else None
            reply["rateLimits"] = [*self._orders_used(caller), self._weight_used()]
        return _encode(reply)

    def _error(self, refusal: Refusal) -> dict[str, object]:
        error: dict[str, object] = {"code": refusal.code, "msg": refusal.text}
        if refusal.details is not None:
            error["data"] = refusal.details
        elif refusal.retry_after:
            now = self._rooms.clock.now() // 1000
            error["data"] = {"serverTime": now, "retryAfter": now + 1000 * refusal.retry_after}
        return error

    def _weight_used(self) -> dict[str, object]:
        limits = self._rooms.limits
        return _used("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_limit, limits.used(self._address, self._now()))

    def _orders_used(self, caller: Caller | None) -> list[dict[str, object]]:
        """What the account has used of its limits on orders, where there are any."""
        counts = self._rooms.limits.orders(caller.account, self._now()) if caller is not None else []
        return [_used("ORDERS", one.interval, one.number, one.limit, count) for one, count in counts if one.limit]

    def _now(self) -> Micros:
        return self._rooms.clock.now()


def _used(kind: str, interval: str, number: int, limit: int, count: int) -> dict[str, object]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit, "count": count}


METHODS: Final[dict[str, Route | Own]] = {**ENDPOINTS, **OWN}
"""All that this door answers."""


def _method(name: str) -> Route | Own:
    """The method of that name, a leading `v3/` aside."""
    bare = name.removeprefix("v3/")
    found = METHODS.get(bare)
    if found is not None:
        return found
    if bare in LATER:
        raise Refused(Refusal(-1020, f"This operation is not supported. Not here yet: '{bare}'."))
    raise Refused(Refusal(-1020, f"This operation is not supported. No method is called '{name[:64]}'."))
