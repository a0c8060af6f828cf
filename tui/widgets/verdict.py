"""The second line: the one thing to know now, worst first. A tired reader may stop here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from tui.ink import ALARM, BUTTON, WELL
from tui.seen import Attaching, CodeNeeded, Gone, Seen
from tui.text import at, counted, fit, plain
from tui.widgets.pulse import FULL_PERCENT, fill_percent


class Said(NamedTuple):
    """A sentence and how loudly it is said."""

    style: Style
    words: str


def verdict(seen: Seen) -> Said:
    """What matters of all that has been seen, the worst first and loudest."""
    concerns = list(_concerns(seen))
    if not concerns:
        return Said(WELL, f"✔ ALL WELL  {_summary(seen)}")
    return Said(concerns[0].style, "  ".join(concern.words for concern in concerns))


def _concerns(seen: Seen) -> Iterator[Said]:
    as_of = f" (figures of {at(seen.status.time)})" if seen.status else ""
    match seen.link:
        case Gone(why, retry_s, sent_away):
            what = "NOT ATTACHED" if sent_away else "SERVER GONE"
            yield Said(ALARM, f"✖ {what}, reattaching in {retry_s} s{as_of}: {plain(why)}")
        case Attaching():
            yield Said(BUTTON, f"◌ Attaching{as_of} to {plain(seen.socket)} …")
        case CodeNeeded():
            yield Said(BUTTON, f"◌ NOT ATTACHED{as_of}: a code is asked for; press a to enter it")
        case _:
            yield from _troubles(seen, as_of)


def _troubles(seen: Seen, as_of: str) -> Iterator[Said]:
    """What may be wrong with a server that we are attached to."""
    status = seen.status
    if status is None:
        yield Said(BUTTON, "◌ Attached; waiting for the first figures …")
        return
    if silent := seen.silent_s():
        yield Said(ALARM, f"▲ NO WORD FROM THE SERVER for {silent:.0f} s{as_of}")
    if status.violations:
        broken = counted(len(status.violations), "invariant").upper()
        yield Said(ALARM, f"✖ {broken} BROKEN: {plain(status.violations[0])}")
    for sentence in status.quarantined:
        yield Said(ALARM, f"✖ {plain(sentence)}")
    for sentence in status.alarms:
        yield Said(ALARM, f"▲ {plain(sentence)}")
    percent = fill_percent(status.queue_length, status.queue_limit)
    if percent >= FULL_PERCENT:
        yield Said(ALARM, f"▲ QUEUE {percent} % FULL: at 100 % new orders are refused")
    for phase, words in _SHUT.items():
        if shut := [row.symbol for row in seen.markets if row.phase == phase]:
            yield Said(BUTTON, f"▲ {words}: {plain(', '.join(shut))}")


_SHUT = {"HALTED": "HALTED", "CANCEL_ONLY": "CANCEL-ONLY", "POST_ONLY": "POST-ONLY", "PRE_OPEN": "NOT YET OPEN"}


def _summary(seen: Seen) -> str:
    shown = f"{counted(len(seen.markets), 'market')} open" if seen.markets else "no markets listed"
    status = seen.status
    return f"{shown}, invariants {'hold' if status and status.checked else 'not checked yet'}"


class Verdict(Widget):
    """One line, always there, so that nothing jumps when something happens."""

    def __init__(self) -> None:
        super().__init__(id="verdict")
        self.said = Said(WELL, "")

    def show(self, seen: Seen) -> None:
        """Say what matters now."""
        said = verdict(seen)
        if said != self.said:
            self.said = said
            self.refresh()

    def render(self) -> Text:
        return Text(fit(f" {self.said.words}", self.size.width), self.said.style, no_wrap=True)
