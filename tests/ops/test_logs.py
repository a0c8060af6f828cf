"""What the logs must not tell."""

from __future__ import annotations

import io

import pytest
import structlog

from exchange.ops import logs

CANARY = "canary-7f3a"


class Terminal(io.StringIO):
    """What a person looks at."""

    def isatty(self) -> bool:
        return True


def fail() -> None:
    """Raise with a secret in a local variable."""
    secret = CANARY.upper().lower()
    raise ZeroDivisionError(len(secret))


@pytest.mark.parametrize("where", [io.StringIO, Terminal])
def test_b40_a_logged_trace_shows_no_local_variables(where: type[io.StringIO], monkeypatch: pytest.MonkeyPatch) -> None:
    """B40: neither for a collector nor on a terminal."""
    written = where()
    monkeypatch.setattr("sys.stderr", written)
    before = structlog.get_config()
    logs.configure()
    try:
        try:
            fail()
        except ZeroDivisionError:
            structlog.get_logger().error("failed", exc_info=True)
    finally:
        structlog.configure(**before)
    assert "ZeroDivisionError" in written.getvalue()
    assert CANARY not in written.getvalue()
