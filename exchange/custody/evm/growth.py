"""What the balances of our addresses grew by in one block: how coins are found that no transaction of it names.

For nodes that do not trace, all addresses are read at every block, and only what differs from the block before is
looked at; and for those few that traces or transactions name, as a second opinion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from exchange.custody.evm.balances import COINS_AT_ONCE, Balances
from exchange.custody.evm.shapes import ReceiptShape, TxShape, address20, cost, succeeded, whole
from exchange.custody.port import Header, Incoming, Watched


class Growth:
    """Balances of the block that was read last are kept, so that of two following ones each is asked once."""

    def __init__(self, balances: Balances) -> None:
        self._balances = balances
        self._block = ""
        self._read: dict[tuple[str, ...], bytes] = {}

    async def all(self, addresses: Sequence[str], header: Header) -> dict[str, int]:
        """By lower-case address what it grew by (or shrank, below zero) in this block; the unchanged are left out.

        Raises `RpcError` where the node can no longer tell.
        """
        before = self._read if self._block == header.parent else {}
        read: dict[tuple[str, ...], bytes] = {}
        grown: dict[str, int] = {}
        for start in range(0, len(addresses), COINS_AT_ONCE):
            some = tuple(addresses[start : start + COINS_AT_ONCE])
            old = before.get(some) or await self._balances.words(some, header.parent)
            read[some] = await self._balances.words(some, header.hash)
            if read[some] != old:
                grown.update(_differences(some, old, read[some]))
        self._block, self._read = header.hash, read
        return grown

    async def few(self, addresses: Sequence[str], header: Header) -> dict[str, int]:
        """The same of these addresses only, the unchanged among them."""
        after = await self._balances.coins(addresses, header.hash)
        before = await self._balances.coins(addresses, header.parent)
        return {address: new - old for address, new, old in zip(addresses, after, before, strict=True)}


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
