"""What operators may ask about acts that wait for a second person, and what they are shown. Part of `wire`."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from exchange.admin.ask import Ask


class ActRow(msgspec.Struct, frozen=True):
    """An act that waits; `params` is what was asked, as JSON. `digest` is what a confirmation names.

    `yours`: you asked for it yourself, so another must confirm it. `may`: your role may confirm it.
    """

    number: int
    method: str
    params: str
    operator: str
    asked: int
    expires: int
    digest: str
    yours: bool
    may: bool


class ActList(msgspec.Struct, frozen=True):
    rows: tuple[ActRow, ...]


class ActDone(msgspec.Struct, frozen=True):
    """It was done, in the name of who asked for it; `result` is the answer to the act itself, as JSON."""

    number: int
    method: str
    operator: str
    result: str


class ListActs(Ask[ActList], frozen=True):
    """Acts that wait for a second operator, the oldest first."""

    method: ClassVar[str] = "act.list"


class ConfirmAct(Ask[ActDone], frozen=True):
    """Do what another operator asked for; `digest` as `act.list` shows it, so that you confirm what you saw."""

    method: ClassVar[str] = "act.confirm"
    number: int
    digest: str


class WithdrawAct(Ask[ActRow], frozen=True):
    """Let an act that waits not be done."""

    method: ClassVar[str] = "act.withdraw"
    number: int


ACT_ASKS = (ListActs, ConfirmAct, WithdrawAct)
