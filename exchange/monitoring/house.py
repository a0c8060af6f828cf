"""The rooms that monitoring looks at. It changes none of them."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from exchange.backup.keeping import Keeper
from exchange.clock import Clock
from exchange.custody.custody import Custody
from exchange.custody.payouts.payments import Payments
from exchange.sequencer import Sequencer
from exchange.settings import Settings


class House(Protocol):
    """Of a running server."""

    @property
    def folder(self) -> Path: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def sequencer(self) -> Sequencer: ...
    @property
    def custody(self) -> Custody: ...
    @property
    def payments(self) -> Payments: ...
    @property
    def keeper(self) -> Keeper: ...
