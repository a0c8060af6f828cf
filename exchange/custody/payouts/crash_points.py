"""The eight moments of a payout at which the process may die, named in one place so that a test can kill it there."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Point(StrEnum):
    """In the order in which a payout passes them."""

    QUOTED = "quoted"
    """The node was asked what it would cost; nothing is on disk."""
    PLANNED = "planned"
    """Nonce or coins are fixed on disk, and that the signer is about to be asked."""
    SIGNED = "signed"
    """The signer has answered; its bytes are not on disk."""
    STORED = "stored"
    """Bytes and id are on disk; no node has seen them."""
    HANDED = "handed"
    """A node has them; that it took them is not on disk."""
    SENT = "sent"
    """It is on disk that a node took them."""
    MINED = "mined"
    """They were found in a block; that is not on disk."""
    FINAL = "final"
    """It is on disk that they are final; the ledger has not been told."""


Points = Callable[[Point], None]


def pass_by(point: Point) -> None:
    """What a server does at each point: nothing."""
