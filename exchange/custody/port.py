"""What the house asks of a blockchain, whatever its family: to be read block by block, and to be handed transactions.

A family implements `Chain` (reading) and `Spending` (what it takes to pay). Amounts are whole numbers of the chain's
smallest unit (satoshi, wei, a token's own), never of the ledger's. Hashes and transaction ids are lower-case
hexadecimal as the chain's own tools print them. Everything a node says may be wrong or hostile: an implementation
checks shapes and sizes, and raises `NodeFault` for what cannot be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Protocol

import msgspec

from exchange.core.units import AccountId


class NodeFault(Exception):
    """A node cannot be reached, is too slow, or says what cannot be. Nothing was changed; it is asked again later."""


class OutcomeUnknown(NodeFault):
    """A node was handed something and did not answer in time: it may have taken it. Look before acting again."""


class WrongChain(Exception):
    """The node follows another chain than the settings name, or a reorg goes deeper than allowed: the chain stops."""


class BadAddress(Exception):
    """Not an address of this chain. The message says what is wrong with it, in words for the person who sent it."""


class Purpose(IntEnum):
    """What an address of ours is for. WARM and COLD ones are watched; their keys are not on this machine."""

    DEPOSIT = 1
    HOT = 2
    CHANGE = 3
    GAS = 4
    WARM = 5
    COLD = 6


class Owned(msgspec.Struct, frozen=True, gc=False):
    """An address of ours: what for, whose (deposits only), and its place in its wallet."""

    address: str
    purpose: Purpose
    index: int
    account: AccountId | None = None


Watched = Mapping[str, Owned]
"""Addresses of ours by `Chain.key_of`: scriptPubKey in hexadecimal, or a lower-case EVM address."""


class Header(msgspec.Struct, frozen=True, gc=False):
    """A block's place in the chain; `time` in seconds since 1970, as its miner gave it."""

    height: int
    hash: str
    parent: str
    time: int


class Incoming(msgspec.Struct, frozen=True, gc=False):
    """One payment to an address of ours.

    `key` is its name for good, unchanged by a reorg: `txid:vout`; `txid:native`, `txid:call:0.2.1` or `txid:log:n`, n
    counted among the logs of its own transaction; where a node cannot say which transaction made an EVM balance grow,
    `block hash:balance:address`, with the block's hash for `txid`. `contract` is the token's in lower case, empty for
    the chain's own coin. `sender` is empty where the chain does not say. `doubt` says why it must not be credited
    unseen (a token's event and its balances disagree, say); empty where there is none.
    """

    key: str
    txid: str
    to: Owned
    contract: str
    amount: int
    coinbase: bool = False
    sender: str = ""
    doubt: str = ""


class Mined(msgspec.Struct, frozen=True, gc=False):
    """What a block says of a transaction that we asked for by its id, or that a WARM or COLD account of ours sent.

    `cost` is what it paid the network, by us.
    """

    txid: str
    succeeded: bool
    cost: int


class Block(msgspec.Struct, frozen=True, gc=False):
    """A block, as far as it concerns us.

    `spent` names those outpoints of ours that it spends, or on EVM chains those `sender:nonce` of ours that it uses,
    with the transaction's id. Of Bitcoin's family only: `raw` has every transaction that pays us, whole, by id:
    whoever spends its outputs must show it to the signer; and `totals` what all outputs of each are worth.
    """

    header: Header
    incoming: Sequence[Incoming]
    spent: Sequence[tuple[str, str]] = ()
    mined: Sequence[Mined] = ()
    raw: Mapping[str, bytes] = msgspec.field(default_factory=dict[str, bytes])
    totals: Mapping[str, int] = msgspec.field(default_factory=dict[str, int])
    transactions: int = 0


class Standing(IntEnum):
    """Where a transaction of ours stands. REVERTED: it is in a block, and paid nobody.

    UNCLEAR: it is in a block, and what it moved is not what it was to move; nobody but a person can say who got what.
    """

    UNKNOWN = 0
    PENDING = 1
    MINED = 2
    REVERTED = 3
    UNCLEAR = 4


class Found(msgspec.Struct, frozen=True, gc=False):
    """What a node knows of a transaction; `header` only when it is in a block of the node's best chain."""

    standing: Standing
    header: Header | None = None
    cost: int = 0


class Handed(IntEnum):
    """What became of a transaction that was handed to a node. KNOWN: it had it already, in a block perhaps.

    CONFLICT: something that excludes it is known (nonce too low, missing inputs, −27): look. REFUSED: as it is, the
    node will not take it (fee too low, mempool full): it may take it later.
    """

    ACCEPTED = 1
    KNOWN = 2
    CONFLICT = 3
    REFUSED = 4


class Chain(Protocol):
    """One chain as one node sees it. Every method that asks the node raises `NodeFault`."""

    name: str
    """As in `exchange.toml`; the dialect's `network`."""
    identity: str
    """Hash of the genesis block, or the EVM chain id in decimal digits: part of everything that is signed for."""

    async def check(self) -> None:
        """The node follows the chain we mean; raises `WrongChain` where not."""
        ...

    async def tip(self) -> Header:
        """The newest block that the node has."""
        ...

    async def finalized(self) -> int | None:
        """Height up to which the chain itself promises never to change; None where it makes no promise."""
        ...

    async def header(self, height: int) -> Header | None:
        """The block at a height of the node's best chain; None above its tip."""
        ...

    async def block(self, header: Header, watched: Watched, ours: frozenset[str]) -> Block:
        """This very block (by hash), with what concerns `watched` addresses and the transactions `ours`."""
        ...

    async def pending(self, watched: Watched) -> Sequence[Incoming]:
        """Payments to us that wait to be mined: to be shown, never credited. May leave some out."""
        ...

    def address(self, text: str) -> str:
        """The address as we write it. Raises `BadAddress`, for a mistyped checksum and for another network too."""
        ...

    def key_of(self, address: str) -> str:
        """What `Watched` knows an address by."""
        ...

    def spends(self, raw: bytes) -> Sequence[str]:
        """The outpoints that a transaction spends, by its bytes (`Block.raw`); on chains of accounts none."""
        ...

    async def balances(self, addresses: Sequence[str], contract: str, header: Header) -> Sequence[int]:
        """What each address had at that block, for reconciliation."""
        ...

    async def find(self, txid: str) -> Found:
        """Where a transaction stands."""
        ...

    async def hand(self, raw: bytes) -> Handed:
        """Broadcast. Raises `OutcomeUnknown` where the node may have taken it."""
        ...

    async def used(self, claim: str) -> bool:
        """Whether a claim of a draft of ours is used up in the node's best chain, by whichever transaction.

        Transactions that wait to be mined do not count. An outpoint that the node does not know counts as used.
        """
        ...


class Payment(msgspec.Struct, frozen=True, gc=False):
    """One payment that somebody approved, or that the house makes to itself. `id` is the withdrawal's key, or its own.

    This is what approvals are bound to, together with the chain's name and identity. `contract` is in lower case.
    """

    id: str
    address: str
    amount: int
    contract: str = ""


class Coin(msgspec.Struct, frozen=True, gc=False):
    """An unspent output of ours."""

    outpoint: str
    amount: int
    owned: Owned
    height: int
    """Of the block that has it; 0 while it waits to be mined (our own change only)."""


class Purse(Protocol):
    """Our own books of what there is to spend: the node is not asked."""

    def coins(self, purposes: frozenset[Purpose]) -> Sequence[Coin]:
        """Unspent outputs that no draft has claimed."""
        ...

    def nonce(self, sender: str) -> int:
        """The next nonce of an address of ours, by our own books."""
        ...

    def transaction(self, txid: str) -> bytes:
        """A whole transaction that paid us, as it came in `Block.raw` or was drafted here."""
        ...

    def change(self) -> Owned:
        """An address for change that was never used."""
        ...


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A transaction with everything fixed, to be signed; equal drafts are signed to equal bytes.

    `body` is the family's own encoding, with all that the signer needs to judge it (for Bitcoin's family the whole
    previous transactions). `claims` are what it uses up: outpoints, or `sender:nonce`. Two drafts that share a claim
    can never both be mined. `fee` is what the network gets at most.
    """

    id: str
    chain: str
    body: bytes
    payments: tuple[Payment, ...]
    claims: tuple[str, ...]
    fee: int


class Unaffordable(Exception):
    """The hot wallet cannot pay this now. The message says what is missing."""


class FeeTooHigh(Exception):
    """The network asks more than the ceiling in the settings allows. Payouts wait."""


class Spending(Protocol):
    """What it takes to pay on a chain. `quote` asks the node; `build` does not, so that it can be one transaction."""

    async def quote(self, payments: Sequence[Payment]) -> bytes:
        """What must be asked of the node before a draft: fee rates, gas, previous transactions; its own encoding.

        Raises `BadAddress` where a destination refuses what it would be paid (an EVM contract, a token's black list),
        and `Unaffordable` where that cannot be tried because the hot wallet has too little.
        """
        ...

    def burden(self, quote: bytes) -> int:
        """What its recipient makes a payment cost more than a plain one, in the chain's own coin, at this quote.

        A contract takes what gas it likes; where recipients have no say in the cost it is 0.
        """
        ...

    def build(self, id: str, payments: Sequence[Payment], quote: bytes, purse: Purse) -> Draft:
        """A draft that pays all of `payments` from the hot wallet. Raises `Unaffordable`, `FeeTooHigh`."""
        ...

    def replace(self, id: str, earlier: Sequence[Draft], quote: bytes, purse: Purse) -> Draft:
        """The same payments for a higher fee, sharing a claim with every one of `earlier`: only one can be mined."""
        ...
