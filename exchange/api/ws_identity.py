"""Who a connection of the WebSocket API has logged on as, and whose each of its requests is."""

from __future__ import annotations

from exchange.api import auth, errors
from exchange.api.auth import Caller
from exchange.api.errors import Refused
from exchange.api.http_routes import Security
from exchange.api.parameters import read_time
from exchange.clock import Clock
from exchange.core.units import Micros
from exchange.office.keys import ApiKey, KeyRing


class Identity:
    """The key that speaks for requests which name none. Only its name is kept: a revoked key is dead at once."""

    def __init__(self, keyring: KeyRing, clock: Clock, address: str) -> None:
        """Nobody yet, so `api_key` is "". `address` is the client's: keys not meant for it are unknown here."""
        self._keyring = keyring
        self._address = address
        self._clock = clock
        self.api_key = ""
        self.since = Micros(0)

    @property
    def key(self) -> ApiKey | None:
        """The living key it has logged on with; None: it has not, or that key was revoked."""
        return self.living(self.api_key) if self.api_key else None

    def living(self, api_key: str) -> ApiKey | None:
        """The key of that name, if it lives and may be used from here. Ask again whenever it is to be relied on."""
        return self._keyring.find_from(self._address, api_key)

    def logon(self, caller: Caller) -> None:
        """Speak for `caller` from now on."""
        self.api_key, self.since = caller.api_key, self._clock.now()

    def logout(self) -> None:
        """Speak for nobody."""
        self.api_key = ""

    def signer(self, params: dict[str, str], payload: bytes) -> Caller:
        """Who signed this one request, and take out of `params` what shows it."""
        api_key = params.pop("apiKey", self.api_key)
        return auth.authenticate(self._keyring, self._clock.now(), self._address, api_key, payload, params)

    def holder(self, params: dict[str, str], *, stamped: bool = True) -> Caller:
        """Who logged on; refused when nobody has. `stamped`: the request must say when it was made."""
        if not self.api_key:
            raise Refused(errors.BAD_KEY_FORMAT)
        key = self.key
        if key is None:
            self.logout()
            raise Refused(errors.BAD_KEY)
        timestamp, window = params.pop("timestamp", None), params.pop("recvWindow", "")
        if timestamp or stamped:
            if not timestamp:
                raise Refused(errors.missing("timestamp"))
            auth.check_window(self._clock.now(), read_time("timestamp", timestamp), auth.read_window(window))
        return auth.caller_of(key)

    def checked(self, params: dict[str, str], payload: bytes) -> None:
        """Check a key or signature sent where none is wanted, which some clients send without a timestamp."""
        if "timestamp" in params:
            self.signer(params, payload)
        elif "apiKey" in params or "signature" in params:
            key = self._named(params)
            signature = params.pop("signature", None)
            if signature is not None and not auth.verify(key, payload, signature):
                raise Refused(errors.BAD_SIGNATURE)

    def caller(self, security: Security, params: dict[str, str], payload: bytes) -> Caller | None:
        """Whose request this is, as far as the method wants to know. A key or signature sent is checked anyway."""
        if "signature" in params:
            return self.signer(params, payload)
        if security is Security.NONE:
            if "apiKey" in params:
                self._named(params)
            return None
        if security is Security.KEY:
            return auth.caller_of(self._named(params))
        if "apiKey" in params:
            return self.signer(params, payload)
        return self.holder(params)

    def _named(self, params: dict[str, str]) -> ApiKey:
        """The key that a request names, or else that of the logon."""
        return auth.find_key(self._keyring, self._address, params.pop("apiKey", self.api_key))
