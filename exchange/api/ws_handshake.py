"""The request that turns an HTTP connection into a WebSocket, and the answer to it."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Final

from exchange.api.errors import Refusal, Refused

_MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_NONSENSE: Final = "This is not a WebSocket handshake: "

WANTS_VERSION: Final = Refusal(-1130, _NONSENSE + "Sec-WebSocket-Version must be 13.", 426)
WANTS_UPGRADE: Final = Refusal(-1130, _NONSENSE + "nothing else is upgraded to here.", 426)


FOREIGN: Final = Refusal(-1002, "You are not authorized to execute this request. Not from a page of another site.", 403)


def accept(method: str, headers: Mapping[str, list[str]]) -> bytes:
    """The answer that completes the handshake; no extension and no subprotocol is agreed on. Raises `Refused`.

    `headers` are by name in small letters.
    """
    if "websocket" not in _tokens(headers, "upgrade"):
        raise Refused(WANTS_UPGRADE)
    if method != "GET":
        raise Refused(Refusal(-1130, _NONSENSE + "the method must be GET."))
    if "upgrade" not in _tokens(headers, "connection"):
        raise Refused(Refusal(-1130, _NONSENSE + "Connection must be Upgrade."))
    if not _from_here(headers):
        raise Refused(FOREIGN)
    key = headers.get("sec-websocket-key", [])
    if len(key) != 1 or not _is_key(key[0].strip()):
        raise Refused(Refusal(-1130, _NONSENSE + "Sec-WebSocket-Key must be 16 bytes in base64."))
    if [version.strip() for version in headers.get("sec-websocket-version", [])] != ["13"]:
        raise Refused(WANTS_VERSION)
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + accept_key(key[0].strip())
        + b"\r\n\r\n"
    )


def _from_here(headers: Mapping[str, list[str]]) -> bool:
    """Whether no page asks, or one of the very host that is asked; a browser says truly which."""
    hosts = {host.strip().lower() for host in headers.get("host", [])}
    origins = [origin.strip().lower() for origin in headers.get("origin", [])]
    return all(origin.partition("://")[2] in hosts for origin in origins)


def accept_key(key: str) -> bytes:
    """What proves that the key was read."""
    return base64.b64encode(hashlib.sha1(key.encode() + _MAGIC).digest())  # noqa: S324  # the protocol's choice


def _tokens(headers: Mapping[str, list[str]], name: str) -> set[str]:
    return {token.strip().lower() for value in headers.get(name, []) for token in value.split(",")}


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False
