"""The in-memory family: a world as one node sees it, faults included, and what it takes to pay on it.

The third family of the house, and the smallest; it shows how little one needs. It is no chain for money of worth.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec

from exchange.custody.memory import world as memory_world
from exchange.custody.memory.world import MemoryWorld, Mint, Output, Transaction
from exchange.custody.port import (
    Block,
    Draft,
    FeeTooHigh,
    Found,
    Handed,
    Header,
    Incoming,
    Mined,
    NodeFault,
    OutcomeUnknown,
    Owned,
    Payment,
    Purpose,
    Purse,
    Standing,
    Unaffordable,
    Watched,
    WrongChain,
)

_FEE: Final = 1_000
_CEILING: Final = 1_000_000


class MemoryChain:
    """A node of a world. `behind`: so many blocks late. `faults`: raised by the next calls, one each."""

    def __init__(self, world: MemoryWorld) -> None:
        """A healthy node that knows all."""
        self.world = world
        self.name = world.name
        self.identity = world.best[0].header.hash
        self.behind = 0
        self.finality: int | None = None
        """How many blocks below the tip are final, if the chain says such things."""
        self.faults: deque[Exception] = deque()
        self.lose_answer = False
        """The next transaction is taken, and the answer lost."""

    def _seen(self) -> list[Mint]:
        """The chain as far as this node has it."""
        if self.faults:
            raise self.faults.popleft()
        return self.world.best[: max(len(self.world.best) - self.behind, 1)]

    async def check(self) -> None:
        """The genesis block is the one we know."""
        if self._seen()[0].header.hash != self.identity:
            raise WrongChain(f"{self.name}: the node has another genesis block")

    async def tip(self) -> Header:
        """The newest block that the node has."""
        return self._seen()[-1].header

    async def finalized(self) -> int | None:
        """So many blocks below the tip, or no promise."""
        seen = self._seen()
        return None if self.finality is None else max(len(seen) - 1 - self.finality, 0)

    async def header(self, height: int) -> Header | None:
        """The block at that height."""
        seen = self._seen()
        return seen[height].header if height < len(seen) else None

    async def block(self, header: Header, watched: Watched, ours: frozenset[str]) -> Block:
        """This very block; raises `NodeFault` if it is of the best chain no more."""
        seen = self._seen()
        if header.height >= len(seen) or seen[header.height].header.hash != header.hash:
            raise NodeFault(f"{self.name}: no block {header.hash}")
        found = seen[header.height].transactions
        incoming = [one for txid, t in found.items() if not t.reverts for one in self._incoming(txid, t, watched)]
        spent = [(claim, txid) for txid, t in found.items() for claim in t.claims]
        if self.world.accounts:
            away = [txid for claim, txid in spent if _is_away(watched.get(claim.rpartition(":")[0]))]
            mined = self._mined(found, ours | frozenset(away))
            return Block(header, incoming, spent, mined, transactions=len(found))
        raw = {one.txid: found[one.txid].raw for one in incoming}
        totals = {txid: sum(int(output.amount) for output in found[txid].outputs) for txid in raw}
        return Block(header, incoming, spent, self._mined(found, ours), raw, totals, len(found))

    def _mined(self, found: dict[str, Transaction], asked: frozenset[str]) -> list[Mined]:
        return [Mined(txid, not found[txid].reverts, found[txid].fee) for txid in sorted(asked) if txid in found]

    def _incoming(self, txid: str, one: Transaction, watched: Watched) -> list[Incoming]:
        """What a transaction pays us."""
        paid = []
        sender = one.claims[0].rpartition(":")[0] if self.world.accounts and one.claims else ""
        for place, output in enumerate(one.outputs):
            if (owned := watched.get(self.key_of(output.address))) is not None:
                key = f"{txid}:{self._kind(place, output)}"
                paid.append(Incoming(key, txid, owned, output.contract, int(output.amount), one.coinbase, sender))
        return paid

    def _kind(self, place: int, output: Output) -> str:
        """The part of a key that tells one output of a transaction from another."""
        if not self.world.accounts:
            return str(place)
        return f"log:{place}" if output.contract else f"call:{place}"

    async def pending(self, watched: Watched) -> Sequence[Incoming]:
        """What waits to be mined and pays us."""
        self._seen()
        return [one for txid, t in self.world.pool.items() for one in self._incoming(txid, t, watched)]

    def address(self, text: str) -> str:
        """The address as we write it. Raises `BadAddress`."""
        return memory_world.check_address(self.name, text)

    def key_of(self, address: str) -> str:
        """The address itself."""
        return address

    def spends(self, raw: bytes) -> Sequence[str]:
        """What a transaction claims, where coins are counted one by one."""
        return () if self.world.accounts else memory_world.decode(raw).claims

    async def balances(self, addresses: Sequence[str], contract: str, header: Header) -> Sequence[int]:
        """What each address had at that block."""
        self._seen()
        return [self.world.balance(address, contract, header.height) for address in addresses]

    async def find(self, txid: str) -> Found:
        """Where a transaction stands."""
        for mint in self._seen():
            if (one := mint.transactions.get(txid)) is not None:
                return Found(Standing.REVERTED if one.reverts else Standing.MINED, mint.header, one.fee)
        return Found(Standing.PENDING if txid in self.world.pool else Standing.UNKNOWN)

    async def hand(self, raw: bytes) -> Handed:
        """Broadcast."""
        self._seen()
        handed = self.world.hand(raw)
        if self.lose_answer:
            self.lose_answer = False
            raise OutcomeUnknown(f"{self.name}: no answer")
        return handed

    async def used(self, claim: str) -> bool:
        """Whether a claim is used up in the best chain."""
        self._seen()
        return self.world.used(claim)


def _is_away(owned: Owned | None) -> bool:
    """Whether the key of an address is on no machine of ours."""
    return owned is not None and owned.purpose in {Purpose.WARM, Purpose.COLD}


class MemorySpending:
    """What it takes to pay: a flat fee that doubles with each replacement. A draft's body is the raw transaction."""

    def __init__(self, chain: MemoryChain, hot: str, fee: int = _FEE, ceiling: int = _CEILING) -> None:
        """`hot` is the address that pays where coins are not counted one by one."""
        self.chain = chain
        self.hot = hot
        self.fee = fee
        self.ceiling = ceiling
        self.burdened = 0
        """What recipients make payments cost more."""

    async def quote(self, payments: Sequence[Payment]) -> bytes:
        """The fee, in digits."""
        del payments
        await self.chain.tip()
        return str(self.fee).encode()

    def burden(self, quote: bytes) -> int:
        """What was said."""
        del quote
        return self.burdened

    def build(self, id: str, payments: Sequence[Payment], quote: bytes, purse: Purse) -> Draft:
        """A draft that pays all of `payments`."""
        return self._draft(id, payments, int(quote), purse, ())

    def replace(self, id: str, earlier: Sequence[Draft], quote: bytes, purse: Purse) -> Draft:
        """The same payments with the same claims for at least twice the fee of the last."""
        last = earlier[-1]
        body = memory_world.decode(last.body)
        outputs, fee = body.outputs, max(int(quote), 2 * last.fee)
        self._check(fee)
        if not self.chain.world.accounts:
            change = outputs[-1]
            if int(change.amount) <= fee - last.fee or len(outputs) == len(last.payments):
                raise Unaffordable("there is not enough change to raise the fee")
            outputs = (*outputs[:-1], msgspec.structs.replace(change, amount=str(int(change.amount) - fee + last.fee)))
        del purse
        return self._of(id, last.payments, Transaction(body.claims, outputs, fee))

    def _draft(self, id: str, payments: Sequence[Payment], fee: int, purse: Purse, claims: tuple[str, ...]) -> Draft:
        self._check(fee)
        outputs = [Output(p.address, str(p.amount), p.contract) for p in payments]
        if self.chain.world.accounts:
            claims = (f"{self.hot}:{purse.nonce(self.hot)}",)
        else:
            claims, change = self._pick(sum(p.amount for p in payments) + fee, purse)
            if change:
                outputs.append(Output(purse.change().address, str(change)))
        return self._of(id, tuple(payments), Transaction(claims, tuple(outputs), fee))

    def _check(self, fee: int) -> None:
        if fee > self.ceiling:
            raise FeeTooHigh(f"{self.chain.name} asks {fee}, and {self.ceiling} is the ceiling")

    @staticmethod
    def _pick(needed: int, purse: Purse) -> tuple[tuple[str, ...], int]:
        """Coins until it is enough, and what comes back."""
        picked, total = [], 0
        for coin in purse.coins(frozenset({Purpose.HOT, Purpose.CHANGE})):
            if total >= needed:
                break
            picked.append(coin.outpoint)
            total += coin.amount
        if total < needed:
            raise Unaffordable(f"{needed} is needed, and the hot wallet has {total}")
        return tuple(picked), total - needed

    def _of(self, id: str, payments: tuple[Payment, ...], one: Transaction) -> Draft:
        return Draft(id, self.chain.name, one.raw, payments, one.claims, one.fee)
