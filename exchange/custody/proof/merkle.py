"""A Merkle tree that also adds up: whoever sees his own path can check that he was counted, and that the sum is whole.

A node's hash covers both children's hashes and both children's sums, each by itself: a tree whose nodes cover only the
total lets its maker claim less than the leaves add up to. Sums are unsigned and bounded, so that no negative leaf can
hide another. Leaves, nodes and padding are hashed under different first bytes; a level of odd length is padded with an
empty leaf and never by counting one twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

MAX_SUM: Final = (1 << 63) - 1
MAX_DEPTH: Final = 40
_WIDTH: Final = 8
_BAD_SUM: Final = "a sum is negative, or more than an asset can have"
_LEAF, _NODE, _PADDING = b"\x00", b"\x01", b"\x02"


class BadTree(Exception):
    """Sums are negative or too large, or a path does not fit its root. The message says which."""


class Node(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A hash and what all leaves below it add up to."""

    hash: bytes
    sum: int


PADDING: Final = Node(hashlib.sha256(_PADDING).digest(), 0)
"""What makes a level even."""


def leaf(words: Sequence[bytes], amount: int) -> Node:
    """A leaf that stands for `amount` and for these words, each of which is hashed with its length."""
    if not 0 <= amount <= MAX_SUM:
        raise BadTree(_BAD_SUM)
    told = b"".join(len(word).to_bytes(4, "big") + word for word in words)
    return Node(hashlib.sha256(_LEAF + told + amount.to_bytes(_WIDTH, "big")).digest(), amount)


def join(left: Node, right: Node) -> Node:
    """The node above two: H(left hash, left sum, right hash, right sum)."""
    total = left.sum + right.sum
    _check(left.sum, right.sum, total)
    told = b"".join((_NODE, left.hash, left.sum.to_bytes(_WIDTH, "big"), right.hash, right.sum.to_bytes(_WIDTH, "big")))
    return Node(hashlib.sha256(told).digest(), total)


def _check(*sums: int) -> None:
    if any(not 0 <= amount <= MAX_SUM for amount in sums):
        raise BadTree("a sum is negative, or more than an asset can have")


def grow(leaves: Sequence[Node]) -> list[list[Node]]:
    """All levels of the tree, from the leaves (padded) to the root alone."""
    level = list(leaves) or [PADDING]
    levels = [level]
    while len(level) > 1:
        if len(level) % 2:
            level.append(PADDING)
        level = [join(level[at], level[at + 1]) for at in range(0, len(level), 2)]
        levels.append(level)
    return levels


def path(levels: Sequence[Sequence[Node]], place: int) -> list[Node]:
    """The siblings of the leaf at `place`, from below."""
    return [level[(place >> depth) ^ 1] for depth, level in enumerate(levels[:-1])]


def climb(start: Node, place: int, siblings: Sequence[Node]) -> Node:
    """The root that follows from a leaf, its place and its siblings. Raises `BadTree` where no tree can have them."""
    if not 0 <= place < 1 << len(siblings) or len(siblings) > MAX_DEPTH:
        raise BadTree("the place does not fit the path's length")
    if any(len(node.hash) != len(PADDING.hash) for node in siblings):
        raise BadTree("a hash has 32 bytes")
    here = start
    for depth, other in enumerate(siblings):
        here = join(other, here) if place >> depth & 1 else join(here, other)
    return here
