"""What endpoints need, handed to them as one argument. The composition root fills it in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from exchange.api.catalogue import Catalogue
from exchange.api.limits import Limits
from exchange.api.request_log import RequestLog
from exchange.clock import Clock
from exchange.core.units import AccountId, Micros
from exchange.custody.desk import Desk
from exchange.ledger.queries import Queries
from exchange.ledger.records import Records
from exchange.market_data.hub import Hub
from exchange.office.keys import KeyRing
from exchange.sequencer import Sequencer
from exchange.settings import Settings


class ListenKeyStore(Protocol):
    """What the three user-stream endpoints ask of the listen keys, which the fast door's streams honour."""

    def create(self, account: AccountId, api_key: str, now: Micros) -> str:
        """The API key's living listen key, its life extended, or a new one."""
        ...

    def keep_alive(self, account: AccountId, listen_key: str, now: Micros) -> bool:
        """Extend its life; False when the account has no such key."""
        ...

    def close(self, account: AccountId, listen_key: str) -> bool:
        """End it; False when the account has no such key."""
        ...

    def find(self, listen_key: str, now: Micros, address: str) -> AccountId | None:
        """Whose living key that is; None when nobody's, or its API key died or may not be used from that address."""
        ...


@dataclass(frozen=True, slots=True)
class Rooms:
    """The other rooms of the house, as far as the doors know them."""

    sequencer: Sequencer
    queries: Queries
    records: Records
    hub: Hub
    keyring: KeyRing
    clock: Clock
    limits: Limits
    catalogue: Catalogue
    listen_keys: ListenKeyStore
    settings: Settings
    desk: Desk
    requests: RequestLog = field(default_factory=RequestLog)
