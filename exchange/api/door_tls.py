"""TLS of both doors: the operator's certificate, and for the fast door encryption without I/O."""

from __future__ import annotations

import ssl
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from exchange.settings import Settings, SettingsError

_READ_BYTES: Final = 65_536
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def tls_context(settings: Settings, folder: Path) -> ssl.SSLContext | None:
    """What `tls_certificate` and `tls_key` (paths, from `folder` on) say; None when neither is set.

    Raises `SettingsError` when only one is set, when they cannot be used, or when others may read the key.
    """
    if not settings.tls_certificate and not settings.tls_key:
        return None
    if not settings.tls_certificate or not settings.tls_key:
        raise SettingsError("tls_certificate and tls_key are set both or not at all. Nothing was started.")
    certificate, key = folder / settings.tls_certificate, folder / settings.tls_key
    _check_files(certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:
        said = getattr(error, "reason", None) or error
        raise SettingsError(
            f"tls_certificate {certificate} and tls_key {key} cannot be used: {said}. Nothing was started."
        ) from error
    return context


def _no_password() -> str:
    """A server that starts by itself has nobody to ask."""
    raise ValueError("the key is encrypted with a password, which nobody is here to type")


def _check_files(certificate: Path, key: Path) -> None:
    for name, path in (("tls_certificate", certificate), ("tls_key", key)):
        try:
            with path.open("rb"):
                mode = path.stat().st_mode
        except OSError as error:
            raise SettingsError(f"{name} {path}: {error.strerror}. Nothing was started.") from error
        if name == "tls_key" and mode & _OTHERS:
            raise SettingsError(
                f"tls_key {path} may be read or written by others than its owner (mode {stat.S_IMODE(mode):o}); "
                f"`chmod 600 {path}` mends that. Nothing was started."
            )


class TlsFailed(Exception):
    """The peer does not speak TLS, or not one that we do. `last_words` tells it so."""

    def __init__(self, last_words: bytes) -> None:
        super().__init__("TLS failed")
        self.last_words = last_words


class Tls:
    """One connection's encryption: bytes in, bytes out."""

    __slots__ = ("_early", "_in", "_object", "_out", "_ready")

    def __init__(self, context: ssl.SSLContext) -> None:
        """The handshake is the peer's to begin."""
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._in, self._out, server_side=True)
        self._ready = False
        self._early = b""

    def open(self, data: bytes) -> tuple[bytes, bool]:
        """What these bytes say, and whether they were the last. Raises `TlsFailed`."""
        self._in.write(data)
        found: list[bytes] = []
        try:
            if not self._ready:
                self._object.do_handshake()
                self._ready = True
            while True:
                part = self._object.read(_READ_BYTES)
                if not part:
                    return b"".join(found), True
                found.append(part)
        except ssl.SSLWantReadError:
            return b"".join(found), False
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b"".join(found), True
        except ssl.SSLError:
            raise TlsFailed(self._out.read()) from None

    def waiting(self) -> bytes:
        """What TLS itself wants sent."""
        return self._out.read() if self._out.pending else b""

    def seal(self, data: bytes) -> bytes:
        """`data` encrypted; kept back until the handshake is done."""
        if not self._ready:
            self._early += data
            return b""
        self._object.write(self._early + data)
        self._early = b""
        return self._out.read()

    def goodbye(self) -> bytes:
        """The last word of a connection, which is not waited for to be answered."""
        if self._ready:
            with suppress(ssl.SSLError):  # the peer's own goodbye has not come; ours is written all the same
                self._object.unwrap()
        return self._out.read()
