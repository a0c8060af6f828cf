"""What only a connection to the WebSocket API can be asked: to log on and out, and to push an account's own events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from exchange.api import auth
from exchange.api.auth import Caller
from exchange.api.ws_identity import Identity
from exchange.api.ws_requests import nothing_left
from exchange.api.ws_subscriptions import Subscriptions
from exchange.clock import Clock
from exchange.office.keys import Scope


class Session:
    """Who a connection speaks for, and what it is told."""

    def __init__(self, identity: Identity, subscriptions: Subscriptions, clock: Clock, *, show_limits: bool) -> None:
        """Connected now. `show_limits`: what the address of the connection asked for."""
        self.identity = identity
        self.subscriptions = subscriptions
        self.show_limits = show_limits
        self._clock = clock
        self._connected = clock.now()

    def logon(self, params: dict[str, str], payload: bytes) -> dict[str, object]:
        """Speak for the account whose key signed this, in all requests that name no key of their own."""
        caller = self.identity.signer(params, payload)
        nothing_left(params)
        self.identity.logon(caller)
        return self._status()

    def status(self, params: dict[str, str], payload: bytes) -> dict[str, object]:
        """Which key the connection speaks for, since when, and what it is set to."""
        self.identity.checked(params, payload)
        nothing_left(params)
        return self._status()

    def logout(self, params: dict[str, str], _: bytes) -> dict[str, object]:
        """Speak for nobody any more; ends the subscription that was opened without a signature of its own."""
        nothing_left(params)
        self.identity.logout()
        self.subscriptions.end_logons(self._clock.now())
        return self._status()

    def list_subscriptions(self, params: dict[str, str], _: bytes) -> list[object]:
        """The numbers of the subscriptions that live."""
        nothing_left(params)
        return [{"subscriptionId": number} for number in self.subscriptions.numbers]

    def subscribe(self, params: dict[str, str], _: bytes) -> dict[str, object]:
        """Push the events of the account that is logged on."""
        return self._open(self.identity.holder(params, stamped=False), params, by_logon=True)

    def subscribe_signed(self, params: dict[str, str], payload: bytes) -> dict[str, object]:
        """Push the events of the account whose key signed this."""
        return self._open(self.identity.signer(params, payload), params, by_logon=False)

    def unsubscribe(self, params: dict[str, str], _: bytes) -> dict[str, object]:
        """End one subscription, or all of them."""
        number = params.pop("subscriptionId", None)
        nothing_left(params)
        self.subscriptions.end(number, self._clock.now())
        return {}

    def _open(self, caller: Caller, params: dict[str, str], *, by_logon: bool) -> dict[str, object]:
        auth.require(caller, Scope.READ)
        nothing_left(params)
        return {"subscriptionId": self.subscriptions.open(caller, by_logon=by_logon)}

    def _status(self) -> dict[str, object]:
        key = self.identity.key
        return {
            "apiKey": key.api_key if key is not None else None,
            "authorizedSince": self.identity.since // 1000 if key is not None else None,
            "connectedSince": self._connected // 1000,
            "returnRateLimits": self.show_limits,
            "serverTime": self._clock.now() // 1000,
            "userDataStream": bool(self.subscriptions.numbers),
        }


class Own(msgspec.Struct, frozen=True):
    """A method that is no endpoint of the main door; who may ask, and with which parameters, is for the reader."""

    weight: int
    call: Callable[[Session, dict[str, str], bytes], object]
    who: str = "open"
    takes: tuple[str, ...] = ()


_SIGNED: Final = ("apiKey", "timestamp", "recvWindow", "signature")

OWN: Final[dict[str, Own]] = {
    "session.logon": Own(2, Session.logon, "signed", _SIGNED),
    "session.status": Own(2, Session.status),
    "session.logout": Own(2, Session.logout),
    "session.subscriptions": Own(2, Session.list_subscriptions),
    "userDataStream.subscribe": Own(2, Session.subscribe, "logged on", ("timestamp", "recvWindow")),
    "userDataStream.subscribe.signature": Own(2, Session.subscribe_signed, "signed", _SIGNED),
    "userDataStream.unsubscribe": Own(2, Session.unsubscribe, takes=("subscriptionId",)),
}
"""Weight and function of each."""
