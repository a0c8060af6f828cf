"""Whether the server runs and is ready, by its own word on `ops_port`."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from typing import Final

import msgspec

from exchange.doctor.finding import Finding, fault, ok, warning
from exchange.monitoring.readiness import OK, Ready
from exchange.ops.listener import HOST
from exchange.settings import Settings

SECONDS: Final = 10
"""Longest wait for it."""


def server(settings: Settings) -> Iterator[Finding]:
    """Where `ops_port` is set; else nobody knows where to ask."""
    port = settings.ops_port
    if not port:
        todo = "Set it (8082, say), and let Prometheus look there."
        yield warning("server", "ops_port is not set, so nobody watches the server", todo)
        return
    try:
        ready = _asked(port)
    except (OSError, http.client.HTTPException, msgspec.DecodeError) as error:
        said = f"no server answers on port {port} ({str(error) or type(error).__name__})"
        yield warning("server", said, "Start it, if it is to run: systemctl start exchange")
        return
    wrong = [f"{check}: {said}" for check, said in ready.checks.items() if said != OK]
    if wrong:
        yield fault("server", f"the server takes no orders: {'; '.join(wrong)}", "See docs/operations.md, Watching it.")
    else:
        yield ok("server", "the server runs and takes orders")


def _asked(port: int) -> Ready:
    connection = http.client.HTTPConnection(HOST, port, timeout=SECONDS)
    try:
        connection.request("GET", "/ready")
        return msgspec.json.decode(connection.getresponse().read(), type=Ready)
    finally:
        connection.close()
