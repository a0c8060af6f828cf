"""What an operator's act may reach, who acts, and how an act is refused."""

from __future__ import annotations

from typing import Protocol

import msgspec

from exchange.admin.wire import clean
from exchange.backup.keeping import Keeper
from exchange.clock import Clock
from exchange.core.rejects import Reject
from exchange.custody.custody import Custody
from exchange.custody.payouts.payments import Payments
from exchange.custody.signer.client import SignerClient
from exchange.ledger.queries import Queries
from exchange.office.approvers import Approvers
from exchange.office.keys import KeyRing
from exchange.office.operators import Operators, Role
from exchange.office.pending_acts import PendingActs
from exchange.office.trail import Trail
from exchange.sequencer import Sequencer
from exchange.settings import Settings


class House(Protocol):
    """The rooms behind the operators' desk, in a server or in a stopped data folder."""

    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def sequencer(self) -> Sequencer: ...
    @property
    def queries(self) -> Queries: ...
    @property
    def keyring(self) -> KeyRing: ...
    @property
    def operators(self) -> Operators: ...
    @property
    def trail(self) -> Trail: ...
    @property
    def signer(self) -> SignerClient: ...
    @property
    def custody(self) -> Custody: ...
    @property
    def approvers(self) -> Approvers: ...
    @property
    def pending_acts(self) -> PendingActs: ...
    @property
    def payments(self) -> Payments: ...
    @property
    def keeper(self) -> Keeper: ...


class Caller(msgspec.Struct, frozen=True):
    """The operator whose act it is; the kernel vouches for `uid`. `owns_folder`: at a stopped server's folder."""

    operator: str
    uid: int
    role: Role
    owns_folder: bool = False


class Refused(Exception):
    """An act was not done and nothing was changed, unless `code` is "unknown". `text` is for people."""

    def __init__(self, code: str, text: str) -> None:
        """`code` is one of the wire's words; `text` may come from users and is made harmless to terminals."""
        super().__init__(code, text)
        self.code = code
        self.text = clean(text)


def no(reject: Reject) -> Refused:
    """The core's refusal, in the operators' words."""
    if reject is Reject.QUEUE_FULL:
        return Refused("busy", "the exchange is overloaded or stopping; nothing was changed. Try again in a moment.")
    return Refused(reject.name.lower(), f"{reject.text} Nothing was changed.")
