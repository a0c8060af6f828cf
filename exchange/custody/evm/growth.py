"""What the balances of our addresses grew by in one block: how coins are found that no transaction of it names.

For nodes that do not trace, all addresses are asked about at every block, and only what transactions do not explain is
looked at; and for those few that traces or transactions name, as a second opinion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

import msgspec
import trio
from eth_hash.auto import keccak

from exchange.custody.evm.balances import COINS_AT_ONCE, DIGEST_AT_ONCE, Balances, digest_program
from exchange.custody.evm.shapes import ReceiptShape, TxShape, address20, cost, succeeded, whole
from exchange.custody.port import Header, Incoming, NodeFault, Watched

_WORD = 2**256


class Growth:
    """What was read last is kept: the balances of all addresses, and a digest of each group of them.

    Of the next block a digest of each group is asked for, a word in place of a thousand; where it is that of what we
    had and what the transactions explain, nothing else happened to these addresses. Else they are read one by one.
    """

    def __init__(self, balances: Balances) -> None:
        self._balances = balances
        self._block = ""
        self._read: dict[tuple[str, ...], _Group] = {}
        self._programs: dict[tuple[str, ...], str] = {}
        self._groups: list[tuple[str, ...]] = []
        self._grouped: Watched = {}

    async def all(self, watched: Watched, told: Mapping[str, int], header: Header) -> dict[str, int]:
        """By address of ours what it grew by (or shrank, below zero) in this block; the unchanged are left out.

        `told` is what transactions explain. Raises `RpcError` where the node can no longer tell.
        """
        known = self._read if self._block == header.parent else {}
        groups = await self._groups_of(watched)
        digests = await self._balances.digests(await self._programs_of(groups), header.hash)
        read: dict[tuple[str, ...], _Group] = {}
        grown: dict[str, int] = {}
        for group, digest in zip(groups, digests, strict=True):
            old = known.get(group)
            new = None if old is None else _expected(group, old, told)
            if old is None or new is None or new.digest != digest:
                old = old or _Group(await self._words(group, header.parent), b"")
                new = _Group(await self._words(group, header.hash), digest)
                await _check(new)
            if new.words != old.words:
                grown.update(_differences(group, old.words, new.words))
            read[group] = new
            await trio.lowlevel.checkpoint()
        self._block, self._read = header.hash, read
        return grown

    async def _groups_of(self, watched: Watched) -> list[tuple[str, ...]]:
        """All addresses in groups; the same groups for as long as the addresses are the same."""
        if watched is not self._grouped:
            groups, addresses = [], iter(watched)  # it is replaced as a whole: its size stays
            while group := tuple(islice(addresses, DIGEST_AT_ONCE)):
                groups.append(group)
                await trio.lowlevel.checkpoint()
            self._groups, self._grouped = groups, watched
        return self._groups

    async def _programs_of(self, groups: Sequence[tuple[str, ...]]) -> list[str]:
        """Made once for each group: most stay what they are for good."""
        programs: dict[tuple[str, ...], str] = {}
        for group in groups:
            programs[group] = self._programs.get(group) or digest_program(group)
            await trio.lowlevel.checkpoint()
        self._programs = programs
        return list(programs.values())

    async def _words(self, group: tuple[str, ...], block: str) -> bytes:
        """The balances of a group, 32 bytes each."""
        parts = [
            await self._balances.words(group[start : start + COINS_AT_ONCE], block)
            for start in range(0, len(group), COINS_AT_ONCE)
        ]
        return b"".join(parts)

    async def few(self, addresses: Sequence[str], header: Header) -> dict[str, int]:
        """The same of these addresses only, the unchanged among them."""
        after = await self._balances.coins(addresses, header.hash)
        before = await self._balances.coins(addresses, header.parent)
        return {address: new - old for address, new, old in zip(addresses, after, before, strict=True)}


class _Group(msgspec.Struct, frozen=True):
    """Balances of a group of addresses, and their digest ("": it was never asked for)."""

    words: bytes
    digest: bytes


def _expected(group: tuple[str, ...], old: _Group, told: Mapping[str, int]) -> _Group:
    """What the group must have if nothing happened but what is told."""
    changed = [(place, told[address]) for place, address in enumerate(group) if told.get(address)]
    if not changed:
        return old
    words = bytearray(old.words)
    for place, change in changed:
        word = slice(32 * place, 32 * place + 32)
        words[word] = ((int.from_bytes(words[word], "big") + change) % _WORD).to_bytes(32, "big")
    return _Group(bytes(words), keccak(bytes(words)))


async def _check(group: _Group) -> None:
    """What a node says one by one must be what it says of all together."""
    await trio.lowlevel.checkpoint()
    if keccak(group.words) != group.digest:
        raise NodeFault("the node's balances are not those that it gave a digest of")


def explained(
    found: Sequence[Incoming], sent: Sequence[TxShape], receipts: Mapping[str, ReceiptShape]
) -> dict[str, int]:
    """By lower-case address what its balance should have changed by: what it got, less what it sent and paid."""
    sums: dict[str, int] = {}
    for one in found:
        key = one.to.address.lower()
        sums[key] = sums.get(key, 0) + one.amount
    for transaction in sent:
        key = address20(transaction.sender)
        receipt = receipts[transaction.hash.lower()]
        value = whole(transaction.value) if succeeded(receipt) else 0
        sums[key] = sums.get(key, 0) - value - cost(receipt)
    return sums


def settled(
    found: Sequence[Incoming], told: Mapping[str, int], grown: Mapping[str, int], watched: Watched, header: Header
) -> list[Incoming]:
    """The same payments, and one more for each address whose balance grew by more than they say.

    Where a balance grew by less, the payments to that address carry a doubt.
    """
    result: list[Incoming] = []
    for one in found:
        key = one.to.address.lower()
        less = told[key] > grown.get(key, 0)
        doubt = f"its balance changed by {grown.get(key, 0)}, not by {told[key]} as the transactions say"
        result.append(msgspec.structs.replace(one, doubt=doubt) if less else one)
    for key, change in grown.items():
        if (more := change - told.get(key, 0)) > 0:
            result.append(Incoming(f"{header.hash}:balance:{key}", header.hash, watched[key], "", more))
    return result


def _differences(addresses: Sequence[str], old: bytes, new: bytes) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, address in enumerate(addresses):
        word = slice(32 * place, 32 * place + 32)
        if old[word] != new[word]:
            found[address] = int.from_bytes(new[word], "big") - int.from_bytes(old[word], "big")
    return found
