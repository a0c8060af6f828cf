"""The proof of liabilities: what the house owes, as one published root, and for each person a file that checks it.

Each asset has a tree (`merkle`). An account's money (available and held) stands in it as `PARTS` leaves, cut at
random, among all others in an order of chance. A leaf's hash covers the asset, the account, the part and 32 bytes of
chance that only its owner's file has: neighbours on a path show a part of somebody's money and no name, and no guess
can be tried. A path file is checked by its owner with no server at all.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from exchange.clock import Clock
from exchange.core.units import AccountId
from exchange.custody.proof import merkle
from exchange.custody.proof.merkle import BadTree, Node
from exchange.ledger.liabilities import Liabilities

PARTS: Final = 2
"""Leaves of an account in each asset, so that no neighbour's sum is somebody's whole balance."""
MAX_FILE: Final = 4 << 20
_SALT: Final = 32
_MAX_DECIMALS: Final = 18


class AssetRoot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An asset's tree: `sum` in atoms, of which 10**`decimals` make one unit."""

    decimals: int
    sum: str
    hash: str
    depth: int
    accounts: int


class Root(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is published: everything owed after event `sequence`, where the journal's hash is `journal`."""

    sequence: int
    journal: str
    time: int
    assets: dict[str, AssetRoot]
    kind: str = "reserves root 1"

    @property
    def fingerprint(self) -> str:
        """One hash of it all, short enough to read out."""
        return hashlib.sha256(_json(self, order="sorted")).hexdigest()


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sibling on the way up."""

    hash: str
    sum: str


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of an account's leaves."""

    amount: str
    salt: str
    place: int
    path: tuple[Step, ...]


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an account has of an asset, in atoms, and the leaves that stand for it."""

    available: str
    held: str
    parts: tuple[Part, ...]


class PathFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One person's own: whoever has it knows his balances."""

    root: Root
    account: int
    name: str
    assets: dict[str, Share]
    kind: str = "reserves path 1"


class Tree(msgspec.Struct, frozen=True):
    """One asset's levels, and where each account's parts stand: (place, amount, salt)."""

    levels: Sequence[Sequence[Node]]
    parts: Mapping[AccountId, Sequence[tuple[int, int, bytes]]]


class Proof(msgspec.Struct, frozen=True):
    """Root and trees, by asset code. The trees are secret."""

    root: Root
    trees: Mapping[str, Tree]


_json: Final = msgspec.json.encode


def make(owed: Liabilities, clock: Clock) -> Proof:
    """All trees. Raises `BadTree` for a negative balance."""
    trees: dict[str, Tree] = {}
    roots: dict[str, AssetRoot] = {}
    dice = random.Random(clock.token_bytes(_SALT))  # noqa: S311  # it cuts and shuffles; what must be unguessable is salted
    master = clock.token_bytes(_SALT)
    for number, asset in owed.assets.items():
        amounts = {account: one.total for account, one in owed.owed[number].items() if one.total}
        tree = trees[asset.code] = _tree(asset.code, amounts, owed.names, dice, master)
        top = tree.levels[-1][0]
        depth = len(tree.levels) - 1
        roots[asset.code] = AssetRoot(asset.decimals, str(top.sum), top.hash.hex(), depth, len(amounts))
    return Proof(Root(owed.seq, owed.hash.hex(), owed.time, roots), trees)


def _tree(
    code: str, amounts: Mapping[AccountId, int], names: Mapping[AccountId, str], dice: random.Random, master: bytes
) -> Tree:
    cut = [(account, part) for account, amount in amounts.items() for part in _cut(amount, dice)]
    dice.shuffle(cut)
    leaves: list[Node] = []
    parts: dict[AccountId, list[tuple[int, int, bytes]]] = {account: [] for account in amounts}
    for place, (account, amount) in enumerate(cut):
        salt = hashlib.blake2b(f"{code} {place}".encode(), key=master, digest_size=_SALT).digest()
        leaves.append(_leaf(code, account, names[account], amount, salt))
        parts[account].append((place, amount, salt))
    return Tree(merkle.grow(leaves), parts)


def _cut(amount: int, dice: random.Random) -> list[int]:
    """At random into `PARTS`, which add up to it."""
    marks = sorted(dice.randint(0, amount) for _ in range(PARTS - 1))
    return [high - low for low, high in zip([0, *marks], [*marks, amount], strict=True)]


def _leaf(code: str, account: int, name: str, amount: int, salt: bytes) -> Node:
    return merkle.leaf((code.encode(), str(account).encode(), name.encode(), salt), amount)


def path_files(owed: Liabilities, proof: Proof) -> Iterator[PathFile]:
    """Every account's own file, of those that have anything."""
    ids = {asset.code: number for number, asset in owed.assets.items()}
    holders = sorted({account for tree in proof.trees.values() for account in tree.parts})
    for account in holders:
        shares = {}
        for code, tree in proof.trees.items():
            if account in tree.parts:
                has = owed.owed[ids[code]][account]
                parts = tuple(_part(tree, *one) for one in tree.parts[account])
                shares[code] = Share(str(has.available), str(has.held), parts)
        yield PathFile(proof.root, account, owed.names[account], shares)


def _part(tree: Tree, place: int, amount: int, salt: bytes) -> Part:
    steps = tuple(Step(node.hash.hex(), str(node.sum)) for node in merkle.path(tree.levels, place))
    return Part(str(amount), salt.hex(), place, steps)


def check(content: bytes, published: bytes | None = None) -> PathFile:
    """Whether a path file proves what it says, against the root in it, and against the `published` one if given.

    Raises `BadTree` with the reason where not. Nothing is asked of anybody.
    """
    if len(content) > MAX_FILE:
        raise BadTree("the file is larger than any path")
    try:
        file = msgspec.json.decode(content, type=PathFile)
        root = file.root if published is None else msgspec.json.decode(published, type=Root)
        if (file.kind, root.kind) != ("reserves path 1", "reserves root 1"):
            raise BadTree("it is a file of another kind")
        if file.root != root:
            raise BadTree("its root is not the published one")
        if not all(0 <= one.decimals <= _MAX_DECIMALS and _sum(one.sum) >= 0 for one in root.assets.values()):
            raise BadTree("the root has impossible decimals")
        for code, share in file.assets.items():
            _check_share(file, code, share)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadTree(f"it cannot be read: {error}") from error
    return file


def _check_share(file: PathFile, code: str, share: Share) -> None:
    root = file.root.assets.get(code)
    if root is None:
        raise BadTree(f"{code}: the root does not know this asset")
    available, held = _sum(share.available), _sum(share.held)
    if len({part.place for part in share.parts}) != len(share.parts):
        raise BadTree(f"{code}: one leaf is counted twice")
    if sum(_sum(part.amount) for part in share.parts) != available + held:
        raise BadTree(f"{code}: the leaves do not add up to what the account has")
    for part in share.parts:
        start = _leaf(code, file.account, file.name, _sum(part.amount), _bytes(part.salt))
        if len(part.path) != root.depth:
            raise BadTree(f"{code}: the path has another length than the tree")
        top = merkle.climb(start, part.place, [Node(_bytes(step.hash), _sum(step.sum)) for step in part.path])
        if top.hash != _bytes(root.hash):
            raise BadTree(f"{code}: the path leads to another root: this account is not counted there")
        if top.sum != _sum(root.sum):
            raise BadTree(f"{code}: the sums add up to {top.sum}, and the root says {root.sum}")


def _sum(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise BadTree(f"{text[:20]!r} is no sum: sums are whole numbers from 0 on")
    return int(text)


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise BadTree("a hash or salt is not hexadecimal") from error
