"""What the link tells the dashboard. Posted, never called: whoever waits for the server touches no widget."""

from __future__ import annotations

from textual.message import Message

from exchange.admin.wire import ActRow, ChainRow, MarketRow, PayoutsRow, WithdrawalRow
from tui.client import Pushed
from tui.seen import LinkState


class LinkChanged(Message):
    """Attached, gone, or waiting for a code."""

    def __init__(self, state: LinkState) -> None:
        super().__init__()
        self.state = state


class Heard(Message):
    """The server said something unasked."""

    def __init__(self, push: Pushed) -> None:
        super().__init__()
        self.push = push


class MarketsListed(Message):
    """All markets, as of now."""

    def __init__(self, rows: tuple[MarketRow, ...]) -> None:
        super().__init__()
        self.rows = rows


class LeavingListed(Message):
    """All withdrawals under way, the chains and their payouts, and acts that wait for a second operator, as of now."""

    def __init__(
        self,
        withdrawals: tuple[WithdrawalRow, ...],
        payouts: tuple[PayoutsRow, ...],
        chains: tuple[ChainRow, ...],
        acts: tuple[ActRow, ...],
    ) -> None:
        super().__init__()
        self.withdrawals = withdrawals
        self.payouts = payouts
        self.chains = chains
        self.acts = acts


class Acted(Message):
    """What became of something that the operator asked for, in a sentence."""

    def __init__(self, sentence: str, done: bool) -> None:
        super().__init__()
        self.sentence = sentence
        self.done = done
