"""Token deposits: an event in a receipt is a claim; a listed contract's balances must say the same.

Anybody can write a contract that logs whatever it likes. So an event counts only with the exact shape of ERC-20, from
the receipt of a transaction that succeeded, and for listed contracts only as far as the balance of our address really
grew in that block. What disagrees is told all the same, with its doubt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from exchange.custody.evm import body as evm_body
from exchange.custody.evm.balances import Balances
from exchange.custody.evm.node import TRANSFER_EVENT
from exchange.custody.evm.shapes import LogShape, ReceiptShape, TxShape, address20, raw_bytes, succeeded
from exchange.custody.port import Header, Incoming, Standing, Watched

_UNLISTED_AT_MOST: Final = 1_000
"""Of one block, so that junk from strangers cannot fill our disk. Listed tokens have no such limit."""


class Event(msgspec.Struct, frozen=True, gc=False):
    """A well-formed Transfer. All addresses in lower case."""

    contract: str
    sender: str
    to: str
    amount: int


def event(log: LogShape) -> Event | None:
    """What a log says, if it is an ERC-20's Transfer; None for any other, odd ones and NFTs among them."""
    if len(log.topics) != 3 or log.topics[0].lower() != TRANSFER_EVENT:
        return None
    data = raw_bytes(log.data)
    sender, to = raw_bytes(log.topics[1]), raw_bytes(log.topics[2])
    if len(data) != 32 or len(sender) != 32 or len(to) != 32 or any(sender[:12]) or any(to[:12]):
        return None
    return Event(address20(log.address), "0x" + sender[12:].hex(), "0x" + to[12:].hex(), int.from_bytes(data, "big"))


def events(receipt: ReceiptShape) -> Iterator[tuple[int, Event]]:
    """The transfers of a transaction that succeeded, each with its log's ordinal in it."""
    if succeeded(receipt):
        for ordinal, log in enumerate(receipt.logs):
            if found := event(log):
                yield ordinal, found


def concerned(logs: Sequence[LogShape], watched: Watched) -> set[str]:
    """Ids of the transactions whose logs speak of an address of ours, as sender or as recipient."""
    return {
        log.transaction_hash.lower()
        for log in logs
        if any("0x" + topic[26:].lower() in watched for topic in log.topics[1:3])  # a quick look, most are strangers'
        and (found := event(log))
        and (found.to in watched or found.sender in watched)
    }


def incoming(receipts: Mapping[str, ReceiptShape], watched: Watched, listed: Collection[str]) -> list[Incoming]:
    """Every transfer to us of more than nothing; of unlisted contracts not more than so many."""
    found: list[Incoming] = []
    unlisted = 0
    for txid, receipt in receipts.items():
        for ordinal, one in events(receipt):
            owned = watched.get(one.to)
            if owned is None or one.amount == 0:
                continue
            unlisted += one.contract not in listed
            if one.contract in listed or unlisted <= _UNLISTED_AT_MOST:
                key = f"{txid}:log:{ordinal}"
                found.append(Incoming(key, txid, owned, one.contract, one.amount, sender=one.sender))
    return found


def changes(receipts: Mapping[str, ReceiptShape], watched: Watched) -> dict[tuple[str, str], int]:
    """By contract and address of ours: what all the events of the block together say the balance grew by."""
    sums: dict[tuple[str, str], int] = {}
    for receipt in receipts.values():
        for _, one in events(receipt):
            if one.to in watched:
                sums[one.contract, one.to] = sums.get((one.contract, one.to), 0) + one.amount
            if one.sender in watched:
                sums[one.contract, one.sender] = sums.get((one.contract, one.sender), 0) - one.amount
    return sums


async def doubted(
    found: Sequence[Incoming],
    receipts: Mapping[str, ReceiptShape],
    watched: Watched,
    listed: Collection[str],
    balances: Balances,
    header: Header,
) -> list[Incoming]:
    """The same payments; those of listed tokens whose balances say something else carry a doubt."""
    told = changes(receipts, watched)
    judged: dict[tuple[str, str], str] = {}
    result: list[Incoming] = []
    for one in found:
        key = one.contract, one.to.address.lower()
        if one.contract in listed and key not in judged:
            judged[key] = await _doubt(told.get(key, 0), await balances.token_growth(key[0], key[1], header))
        result.append(msgspec.structs.replace(one, doubt=judged.get(key, "")))
    return result


async def _doubt(told: int, grown: int | None) -> str:
    if grown is None:
        return "the token's balances of that block can no longer be asked, or are refused"
    return "" if grown == told else f"the token's events say {told}, its balances {grown}"


def paid(transaction: TxShape, receipt: ReceiptShape) -> bool:
    """Whether a transaction of ours did what it was for: coins moved, or exactly the one transfer that it asked for."""
    return standing(transaction, receipt) is Standing.MINED


def standing(transaction: TxShape, receipt: ReceiptShape) -> Standing:
    """How a transaction of ours ended. It is unclear where tokens of ours moved, but not as it asked for.

    A token may begin to keep a part for itself (USDT can): who then got most of it is not to have all of it back.
    """
    if not succeeded(receipt):
        return Standing.REVERTED
    try:
        to, amount = evm_body.transferred(raw_bytes(transaction.input))
    except ValueError:
        return Standing.MINED
    wanted = Event(address20(transaction.to), address20(transaction.sender), to, amount)
    moved = [one for _, one in events(receipt) if (one.contract, one.sender) == (wanted.contract, wanted.sender)]
    if moved.count(wanted) == 1:
        return Standing.MINED
    return Standing.UNCLEAR if moved else Standing.REVERTED
