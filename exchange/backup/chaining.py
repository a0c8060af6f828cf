"""Which journal segments lead on from a full backup, by their names; a gap and a fork are told."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from exchange.backup.fault import BackupFault
from exchange.backup.names import HASH_DIGITS, CopyName, SegmentName

Holds = Callable[[SegmentName], bool]
"""Whether a segment's own rows have the place where one stands: asked where names cannot tell."""


class Chain(msgspec.Struct, frozen=True):
    """Segments that follow on each other, and the next one made that does not: a piece before it is missing."""

    links: tuple[SegmentName, ...]
    beyond_gap: SegmentName | None


def chain(segments: tuple[SegmentName, ...], full: CopyName, holds: Holds, *, until: int | None) -> Chain:
    """The segments that lead on from `full`, up to event `until` or to the end.

    A full backup may have been made in the midst of a segment; that one comes first. Raises `BackupFault` where the
    journal forks: two segments go on from one place, since the ledger was once given up for an older copy.
    """
    links: list[SegmentName] = []
    seq, digits, made = full.seq, full.hash, full.made
    first = _around(segments, seq, holds)
    if first is not None:
        links.append(first)
        seq, digits, made = first.last, first.hash, first.made
    while until is None or seq < until:
        following = [one for one in segments if one.first == seq + 1 and _same(one.before, digits)]
        if len(following) > 1:
            names = " and ".join(one.text for one in following)
            raise BackupFault(
                f"the journal forks after event {seq}: {names} both follow on it, for the ledger was restored to an "
                "older state once. Nothing was changed. Move away the one that you do not mean, with those after it, "
                f"or restore --until {seq}."
            )
        if not following:
            break
        links.append(following[0])
        seq, digits, made = following[0].last, following[0].hash, following[0].made
    beyond = [one for one in segments if one.made > made and one.first > seq + 1]
    nearest = min(beyond, key=lambda one: one.first, default=None)
    return Chain(tuple(links), None if nearest is None or (until is not None and nearest.first > until) else nearest)


def _same(digits: str, others: str) -> bool:
    return digits[:HASH_DIGITS] == others[:HASH_DIGITS]


def _around(segments: tuple[SegmentName, ...], seq: int, holds: Holds) -> SegmentName | None:
    """The segment in the midst of which the full backup was made."""
    found = [one for one in segments if one.first <= seq < one.last and holds(one)]
    return max(found, key=lambda one: one.last, default=None)
