"""A blockchain in memory: what real nodes do, in a few lines, for tests and for a demo without nodes.

There is one world per chain, and any number of `MemoryChain` look at it. A transaction uses up claims: outpoints where
coins are counted one by one (`accounts` false), or a sender's next nonce. What claims nothing comes from outside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from exchange.custody.port import BadAddress, Handed, Header

_SECONDS_PER_BLOCK: Final = 600
_START: Final = 1_700_000_000

_encode: Final = msgspec.msgpack.Encoder().encode


class Output(msgspec.Struct, frozen=True, array_like=True):
    """What an address gets; `amount` in the smallest unit, as text, since it may be beyond 64 bits."""

    address: str
    amount: str
    contract: str = ""


class Transaction(msgspec.Struct, frozen=True, array_like=True):
    """A transaction. `salt` tells apart what comes from outside; `fee` is what replaces by paying more."""

    claims: tuple[str, ...]
    outputs: tuple[Output, ...]
    fee: int = 0
    salt: int = 0
    coinbase: bool = False
    reverts: bool = False

    @property
    def raw(self) -> bytes:
        """The bytes that are handed to a node."""
        return _encode(self)

    @property
    def txid(self) -> str:
        """Its id."""
        return hashlib.sha256(self.raw).hexdigest()


class Mint(msgspec.Struct, frozen=True):
    """A block: its header, and its transactions by id."""

    header: Header
    transactions: dict[str, Transaction]


def decode(raw: bytes) -> Transaction:
    """The transaction of these bytes; raises `msgspec.DecodeError` for others."""
    return msgspec.msgpack.decode(raw, type=Transaction)


def address_of(name: str, words: str) -> str:
    """An address of the chain `name`, the same for the same `words`; its last four digits are a checksum."""
    body = hashlib.sha256(f"{name} {words}".encode()).hexdigest()[:32]
    return f"{name.lower()}1{body}{_checksum(name, body)}"


def check_address(name: str, text: str) -> str:
    """The address as we write it. Raises `BadAddress`."""
    text = text.strip().lower()
    prefix = f"{name.lower()}1"
    if not text.startswith(prefix):
        raise BadAddress(f"an address of {name} begins with {prefix}")
    body, checksum = text[len(prefix) : -4], text[-4:]
    if len(body) != 32 or checksum != _checksum(name, body):
        raise BadAddress("its checksum is wrong: a letter may be mistyped")
    return text


def _checksum(name: str, body: str) -> str:
    return hashlib.sha256(f"{name} checksum {body}".encode()).hexdigest()[:4]


class MemoryWorld:
    """Blocks, and what waits to be mined."""

    def __init__(self, name: str, *, accounts: bool = False) -> None:
        """`name` as in `exchange.toml`; every world of one name has the same genesis."""
        self.name = name
        self.accounts = accounts
        genesis = Header(0, _digest(name, "genesis"), "0" * 64, _START)
        self.best: list[Mint] = [Mint(genesis, {})]
        self.pool: dict[str, Transaction] = {}
        self._salt = 0

    @property
    def tip(self) -> Header:
        """The newest block."""
        return self.best[-1].header

    def address(self, words: str) -> str:
        """An address on this chain, the same for the same words."""
        return address_of(self.name, words)

    def pay(self, address: str, *amounts: int, contract: str = "", coinbase: bool = False, fee: int = 0) -> str:
        """Somebody outside pays to `address`, an output for each amount; it waits to be mined. Its id."""
        self._salt += 1
        outputs = tuple(Output(address, str(amount), contract) for amount in amounts)
        transaction = Transaction((), outputs, fee, self._salt, coinbase)
        self.pool[transaction.txid] = transaction
        return transaction.txid

    def drop(self, txid: str) -> None:
        """What waits under this id never comes: it was replaced, or every node forgot it."""
        del self.pool[txid]

    def mine(self, blocks: int = 1, only: Sequence[str] | None = None) -> Header:
        """So many blocks; the first has all that waits, or `only` these. The new tip."""
        for _ in range(blocks):
            chosen = self._fitting(self.pool if only is None else only)
            self._salt += 1
            parent = self.tip
            name = _digest(parent.hash, str(self._salt), *chosen)
            header = Header(parent.height + 1, name, parent.hash, parent.time + _SECONDS_PER_BLOCK)
            self.best.append(Mint(header, chosen))
            for one in chosen.values():
                self._forget_rivals(one)
            self._forget_orphans()
            only = ()  # what was left out of the first waits on
        return self.tip

    def reorg(self, depth: int, length: int | None = None, only: Sequence[str] | None = None) -> Header:
        """The last `depth` blocks give way to `length` others (one more, if not said), the first with `only` these.

        All transactions of the blocks that went wait again, unless what they claim is used up meanwhile.
        """
        gone = self.best[-depth:] if depth else []
        assert len(gone) < len(self.best), "the genesis block stays"
        del self.best[len(self.best) - depth :]
        for mint in gone:
            self.pool.update({txid: one for txid, one in mint.transactions.items() if not one.coinbase})
        length = depth + 1 if length is None else length
        if length:
            self.mine(1, only=() if only is None else only)
            self.mine(length - 1, only=())
        return self.tip

    def _forget_rivals(self, mined: Transaction) -> None:
        """What claims the same as a mined transaction can never be mined."""
        self.pool.pop(mined.txid, None)
        for txid, waiting in list(self.pool.items()):
            if set(mined.claims) & set(waiting.claims):
                del self.pool[txid]

    def _fitting(self, wanted: Collection[str]) -> dict[str, Transaction]:
        """Those that one block can have: what they claim is there, and is claimed once."""
        chosen: dict[str, Transaction] = {}
        claimed: set[str] = set()
        for txid, one in self.pool.items():
            free = claimed.isdisjoint(one.claims) and all(self._is_free(claim, chosen) for claim in one.claims)
            if txid in wanted and free:
                chosen[txid] = one
                claimed.update(one.claims)
        return chosen

    def _is_free(self, claim: str, chosen: dict[str, Transaction]) -> bool:
        return (not self.accounts and claim.rpartition(":")[0] in chosen) or not self.used(claim)

    def _forget_orphans(self) -> None:
        """What spends an output of a transaction that no node knows any more is forgotten with it."""
        while not self.accounts:
            gone = [txid for txid, one in self.pool.items() if any(self._is_lost(claim) for claim in one.claims)]
            if not gone:
                return
            for txid in gone:
                del self.pool[txid]

    def _is_lost(self, claim: str) -> bool:
        txid = claim.rpartition(":")[0]
        return txid not in self.pool and self.mint_of(txid) is None

    def mint_of(self, txid: str) -> Mint | None:
        """The block of the best chain that has the transaction."""
        return next((mint for mint in reversed(self.best) if txid in mint.transactions), None)

    def used(self, claim: str) -> bool:
        """Whether a transaction of the best chain has used it up, or it is an output that is not there."""
        if any(claim in one.claims for mint in self.best for one in mint.transactions.values()):
            return True
        if self.accounts:
            return False
        txid, _, place = claim.rpartition(":")
        mint = self.mint_of(txid)
        return mint is None or int(place) >= len(mint.transactions[txid].outputs)

    def hand(self, raw: bytes) -> Handed:
        """A node takes a transaction, or says why not: a higher fee replaces, a used claim is a conflict."""
        one = decode(raw)
        if one.txid in self.pool or self.mint_of(one.txid) is not None:
            return Handed.KNOWN
        if any(self.used(claim) and not self._in_pool(claim) for claim in one.claims) or not self._in_turn(one):
            return Handed.CONFLICT
        rivals = [txid for txid, waiting in self.pool.items() if set(one.claims) & set(waiting.claims)]
        if any(self.pool[txid].fee >= one.fee for txid in rivals):
            return Handed.REFUSED
        for txid in rivals:
            del self.pool[txid]
        self.pool[one.txid] = one
        return Handed.ACCEPTED

    def _in_pool(self, claim: str) -> bool:
        """Whether an output that waits to be mined is claimed, as our own change may be."""
        return not self.accounts and claim.rpartition(":")[0] in self.pool

    def _in_turn(self, one: Transaction) -> bool:
        """Whether every nonce before the claimed one is used."""
        if not self.accounts:
            return True
        sender, _, nonce = one.claims[0].rpartition(":")
        waiting = {claim for other in self.pool.values() for claim in other.claims}
        return all(f"{sender}:{n}" in waiting or self.used(f"{sender}:{n}") for n in range(int(nonce)))

    def balance(self, address: str, contract: str = "", height: int | None = None) -> int:
        """What came in at an address up to a height, without what its transactions used up."""
        mints = self.best if height is None else self.best[: height + 1]
        used = {claim for mint in mints for one in mint.transactions.values() for claim in one.claims}
        total = 0
        for mint in mints:
            for txid, one in mint.transactions.items():
                for place, output in enumerate(one.outputs):
                    if output.address == address and output.contract == contract and f"{txid}:{place}" not in used:
                        total += int(output.amount)
                if self.accounts and not one.reverts and any(c.rpartition(":")[0] == address for c in one.claims):
                    total -= sum(int(output.amount) for output in one.outputs if output.contract == contract)
                    total -= one.fee if not contract else 0
        return total


def _digest(*words: str) -> str:
    return hashlib.sha256(" ".join(words).encode()).hexdigest()
