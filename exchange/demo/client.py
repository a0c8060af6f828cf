"""A small client of the trader API: signed requests over one keep-alive connection, one at a time."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import h11
import msgspec
import trio

from exchange.clock import Clock

_TIMEOUT_SECONDS: Final = 10
_SOURCE: Final = "127.0.0.2"
"""Where the house's own bot connects from, so that it does not spend the request weight of whoever tries the demo."""


class ApiError(Exception):
    """The exchange refused: `code` is the dialect's (0 where there is none)."""

    def __init__(self, status: int, code: int, text: str) -> None:
        """`status` is HTTP's."""
        super().__init__(f"{status} {code}: {text}")
        self.code = code


class Client:
    """Connects on first use, and anew after any failure."""

    def __init__(self, url: str, api_key: str, secret: str, clock: Clock) -> None:
        """`url` is the main door's base URL."""
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._api_key = api_key
        self._secret = secret.encode()
        self._clock = clock
        self._stream: trio.SocketStream | None = None
        self._http = h11.Connection(h11.CLIENT)

    async def signed(self, method: str, path: str, **parameters: str) -> Any:  # noqa: ANN401  # JSON
        """The decoded reply to a signed request. Raises `ApiError`, or `OSError` when nobody answers in time."""
        query = urlencode({**parameters, "timestamp": str(self._clock.now() // 1000)})
        signature = hmac.new(self._secret, query.encode(), hashlib.sha256).hexdigest()
        try:
            with trio.fail_after(_TIMEOUT_SECONDS):
                status, body = await self._exchange(method, f"{path}?{query}&signature={signature}")
        except (OSError, h11.RemoteProtocolError, trio.TooSlowError, trio.BrokenResourceError) as error:
            await self._drop()
            raise OSError(f"no answer from {self._host}:{self._port}: {error!r}") from error
        except trio.Cancelled:
            if self._stream is not None:
                self._stream.socket.close()
            raise
        return _decoded(status, body)

    async def _exchange(self, method: str, target: str) -> tuple[int, bytes]:
        stream = self._stream or await self._connect()
        headers = [("Host", f"{self._host}:{self._port}"), ("X-MBX-APIKEY", self._api_key)]
        await stream.send_all(self._http.send(h11.Request(method=method, target=target, headers=headers)) or b"")
        await stream.send_all(self._http.send(h11.EndOfMessage()) or b"")
        status, body = 0, b""
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(await stream.receive_some())
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                break
            else:
                raise h11.RemoteProtocolError(f"unexpected {event!r}")
        if self._http.our_state is h11.MUST_CLOSE or self._http.their_state is h11.MUST_CLOSE:
            await self._drop()
        else:
            self._http.start_next_cycle()
        return status, body

    async def _connect(self) -> trio.SocketStream:
        self._http = h11.Connection(h11.CLIENT)
        raw = trio.socket.socket()
        try:
            await raw.bind((_SOURCE, 0))
            await raw.connect((self._host, self._port))
        except BaseException:
            raw.close()
            raise
        self._stream = trio.SocketStream(raw)
        return self._stream

    async def _drop(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + 1):
                await stream.aclose()


def _decoded(status: int, body: bytes) -> Any:  # noqa: ANN401  # JSON
    try:
        reply = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise ApiError(status, 0, "the reply is not JSON") from error
    if status >= 400:
        refusal = reply if isinstance(reply, dict) else {}
        raise ApiError(status, int(refusal.get("code", 0)), str(refusal.get("msg", "")))
    return reply
