"""JSON-RPC to a chain's node, which may be slow, broken or hostile: every answer is bounded, matched and checked.

Numbers with a point come as `Decimal`, never as floats. No message of any exception holds a URL's path, a user or a
password: a path may be a key, too.
"""

from __future__ import annotations

import decimal
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit, urlunsplit

import msgspec
import trio

from exchange.custody.port import NodeFault, OutcomeUnknown
from exchange.custody.rpc_http import Login, Posts

Call = tuple[str, Sequence[Any]]
"""A method and its parameters."""

_BATCH: Final = 100
"""Calls in one post; more are posted one batch after the other."""
_WORDS: Final = 300
"""Characters of a node's own message that we repeat."""


class RpcError(NodeFault):
    """The node understood, and refused: `code` and `message` are its own words, the message cut short."""

    def __init__(self, code: int, message: str) -> None:
        """`message` has printable characters only."""
        super().__init__(f"the node refuses ({code}): {message}")
        self.code = code
        self.message = message


def _decimal(text: str) -> decimal.Decimal:
    value = decimal.Decimal(text)
    if not value.is_finite():
        raise decimal.InvalidOperation
    return value


class _Envelope(msgspec.Struct, frozen=True):
    """An answer whose result nobody reads yet."""

    id: int | None = None
    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: object = None


_envelope: Final = msgspec.json.Decoder(_Envelope)
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode
_decoder: Final = msgspec.json.Decoder(float_hook=_decimal)


class Rpc:
    """Calls to one node. Any number of tasks may call at once; few connections are opened, and kept."""

    def __init__(
        self,
        url: str,
        user: str = "",
        password: str = "",
        *,
        login_file: Path | None = None,
        timeout_seconds: float = 30,
        limit_bytes: int = 64 * 2**20,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """User and password by argument, in the URL, or as `user:password` in a file that others cannot read.

        The file is read again at each new connection, so that a node's cookie may change. The time limit is for
        a whole post, its waiting for a connection included. Raises `ValueError` for a URL that is none.
        """
        bare, in_url = _without_login(url)
        given = f"{user}:{password}" if user or password else in_url
        self._login: Login = (lambda: given) if login_file is None else (lambda: _from_file(login_file))
        self._posts = Posts(bare, self._login, limit_bytes, tls)
        self._timeout = timeout_seconds
        self._last_id = 0
        self.name: Final = self._posts.name

    async def call(self, method: str, *params: Any) -> Any:  # noqa: ANN401  # JSON
        """The result.

        Raises `RpcError` for a refusal, `OutcomeUnknown` where the node may have acted on it, `NodeFault` else.
        """
        return await self.call_within(self._timeout, method, *params)

    async def call_within(self, seconds: float, method: str, *params: Any) -> Any:  # noqa: ANN401  # JSON
        """The same with a time limit of its own."""
        request = _request(self._next_id(), method, params)
        result = self._result(await self._post(request, seconds), request["id"])
        if isinstance(result, RpcError):
            raise result
        return result

    async def call_raw(self, method: str, *params: Any) -> bytes:  # noqa: ANN401  # JSON
        """The result as JSON that nobody has read yet: a large one is read in pieces. Raises as `call` does."""
        request = _request(self._next_id(), method, params)
        with trio.move_on_after(self._timeout):
            status, reply = await self._posts.post(_encode(request))
            return self._raw_result(status, reply, request["id"])
        raise OutcomeUnknown(f"{self.name}: no answer within {self._timeout} s")

    async def batch(self, calls: Sequence[Call]) -> list[Any]:
        """A result for each call, in their order; a refused one's is its `RpcError`. Raises as `call` does."""
        results: list[Any] = []
        for start in range(0, len(calls), _BATCH):
            results += await self._batch(calls[start : start + _BATCH])
        return results

    def close(self) -> None:
        """Drop resting connections. The next call opens new ones."""
        self._posts.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _batch(self, calls: Sequence[Call]) -> list[Any]:
        asked = [_request(self._next_id(), method, params) for method, params in calls]
        answers = await self._post(asked, self._timeout)
        if isinstance(answers, dict):  # the batch as such is refused
            raise self._refusal(answers.get("error"))
        if not isinstance(answers, list) or len(answers) != len(asked):
            raise self._nonsense("the answer to a batch has another length")
        by_id = {
            answer.get("id"): answer for answer in answers if isinstance(answer, dict) and _is_id(answer.get("id"))
        }
        return [self._result(by_id.get(request["id"]), request["id"]) for request in asked]

    async def _post(self, content: Any, seconds: float) -> Any:  # noqa: ANN401  # JSON
        body = _encode(content)
        with trio.move_on_after(seconds):
            status, reply = await self._posts.post(body)
            return self._decoded(status, reply)
        raise OutcomeUnknown(f"{self.name}: no answer within {seconds} s")

    def _decoded(self, status: int, reply: bytes) -> Any:  # noqa: ANN401  # JSON
        """The JSON of an answer. bitcoind sends refusals with status 500 or 404, so the status alone says little."""
        if status in {401, 403}:
            raise NodeFault(f"{self.name}: it does not accept our user and password (HTTP {status})")
        try:
            content = _decoder.decode(reply)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, decimal.DecimalException):
            what = "an answer is not JSON that could be read" if status == 200 else f"HTTP {status} without an answer"
            raise self._nonsense(what) from None  # the cause would repeat what the node said
        if status != 200 and not (isinstance(content, dict) and content.get("error")):
            raise self._nonsense(f"HTTP {status} without an answer")
        return content

    def _raw_result(self, status: int, reply: bytes, id: int) -> bytes:
        """The result of an answer that is as it should be; any other is read whole, and says what is wrong with it."""
        try:
            answer = _envelope.decode(reply)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            answer = _Envelope()
        if status == 200 and answer.id == id and answer.error is None and answer.result is not msgspec.UNSET:
            return bytes(answer.result)
        result = self._result(self._decoded(status, reply), id)
        if isinstance(result, RpcError):
            raise result
        raise self._nonsense("an answer cannot be read")

    def _result(self, answer: Any, id: int) -> Any:  # noqa: ANN401  # JSON
        """What an answer says. One that could not be matched to its call, or says two things, is no answer."""
        if not isinstance(answer, dict):
            raise self._nonsense("an answer is missing, or is no object")
        error = answer.get("error")
        told = answer.get("id")
        if not (_is_id(told) and told == id) and not (error and told is None):
            raise self._nonsense("an answer has another call's number")
        if error is not None:
            return self._refusal(error)
        if "result" not in answer:
            raise self._nonsense("an answer has neither result nor error")
        return answer["result"]

    def _refusal(self, error: Any) -> RpcError:  # noqa: ANN401  # JSON
        if not isinstance(error, dict) or type(error.get("code")) is not int:
            raise self._nonsense("a refusal has no code")
        words = error.get("message")
        return RpcError(error["code"], self._clean(words if isinstance(words, str) else ""))

    def _clean(self, words: str) -> str:
        """A node's words, fit for a log and a terminal; our password is cut out, should it say that too."""
        password = self._login().partition(":")[2]
        if password:
            words = words.replace(password, "…")
        return "".join(c if c.isprintable() else " " for c in words[:_WORDS])

    def _nonsense(self, what: str) -> NodeFault:
        return OutcomeUnknown(f"{self.name}: {what}")

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id


def _request(id: int, method: str, params: Sequence[Any]) -> Mapping[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": list(params)}


def _is_id(value: object) -> bool:
    return type(value) is int


def _without_login(url: str) -> tuple[str, str]:
    """A URL without user and password, and these as `user:password`."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("a node's URL cannot be read") from None  # its own words would repeat the URL
    if parts.username is None:
        return url, ""
    host = parts.netloc.rpartition("@")[2]
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return urlunsplit(parts._replace(netloc=host)), login


def _from_file(path: Path) -> str:
    """`user:password` from a file's first line."""
    try:
        if path.stat().st_mode & 0o007:
            raise NodeFault(f"{path.name}: others may read this file; chmod 600 it")
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise NodeFault(f"{path.name}: the file with the node's user and password cannot be read") from error
    if not lines or ":" not in lines[0]:
        raise NodeFault(f"{path.name}: its first line is not user:password")
    return lines[0]
