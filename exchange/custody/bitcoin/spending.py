"""Paying on Bitcoin's family: many payments in one transaction, replaceable, helped by a child where it is stuck."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from exchange.custody.bitcoin import psbt as bitcoin_psbt
from exchange.custody.bitcoin.address import dust, script_of
from exchange.custody.bitcoin.answers import a_count, an_object, atoms, some_bytes
from exchange.custody.bitcoin.coins import CHANGE, MOST_INPUTS, choose, fee_of, vsize, worth
from exchange.custody.bitcoin.networks import Network
from exchange.custody.bitcoin.psbt import Input, Output, Place
from exchange.custody.bitcoin.raw import read_transaction
from exchange.custody.derivation import path
from exchange.custody.port import (
    BadAddress,
    Coin,
    Draft,
    FeeTooHigh,
    NodeFault,
    Owned,
    Payment,
    Purpose,
    Purse,
    Unaffordable,
)
from exchange.custody.rpc import Rpc

_HOT: Final = frozenset({Purpose.HOT, Purpose.CHANGE})
_TARGET_BLOCKS: Final = 3
_STEP: Final = 125
"""A replacement's rate in percent of the one before, at least."""
_OWN_SCRIPT: Final = bytes((0x00, 0x14)) + bytes(20)


class Quote(msgspec.Struct, frozen=True):
    """Rates per 1,000 virtual bytes: what to pay, and what a replacement pays on top. And the parent of a rescue."""

    rate: int
    step: int
    parent: str = ""
    parent_fee: int = 0
    parent_size: int = 0


class BitcoinSpending:
    """What it takes to pay: a `Spending`, and besides it moves of the house's own coins."""

    def __init__(
        self, name: str, network: Network, rpc: Rpc, public_key: Callable[[Owned], bytes], ceiling_rate: int = 0
    ) -> None:
        """`public_key` of an address of ours (33 bytes); `ceiling_rate` per 1,000 virtual bytes, 0: the chain's own."""
        self._name = name
        self._network = network
        self._rpc = rpc
        self._public_key = public_key
        self._ceiling = ceiling_rate or network.ceiling_rate
        self._least_change = dust(network, _OWN_SCRIPT)

    async def quote(self, payments: Sequence[Payment]) -> bytes:
        """What the node's estimator advises, or a set rate where it knows nothing yet; never less than nodes take.

        Raises `BadAddress` for what nobody would pass on.
        """
        for one in payments:
            least = dust(self._network, script_of(self._network, one.address))
            if one.amount < least:
                raise BadAddress(f"{one.amount} is dust: an output of less than {least} is not passed on")
        return msgspec.json.encode(await self._rates())

    async def quote_rescue(self, txid: str) -> bytes:
        """The same with what a waiting transaction, and all that it waits for, pays and weighs."""
        rates = await self._rates()
        entry = an_object(await self._rpc.call("getmempoolentry", txid))
        fee = atoms(an_object(entry.get("fees")).get("ancestor"))
        size = a_count(entry.get("ancestorsize"))
        return msgspec.json.encode(msgspec.structs.replace(rates, parent=txid, parent_fee=fee, parent_size=size))

    async def waiting(self, txid: str) -> bytes:
        """A transaction that waits in the node's pool, whole: whoever spends its outputs shows it to the signer."""
        raw = some_bytes(await self._rpc.call("getrawtransaction", txid, False))
        found = read_transaction(raw)
        if found.txid != txid:
            raise NodeFault(f"{self._name}: the node gives another transaction than {txid}")
        return found.stripped

    async def _rates(self) -> Quote:
        advice = an_object(await self._rpc.call("estimatesmartfee", _TARGET_BLOCKS))
        pool = an_object(await self._rpc.call("getmempoolinfo"))
        rate = atoms(advice["feerate"]) if "feerate" in advice else self._network.fallback_rate
        lowest = max(atoms(pool.get("mempoolminfee")), atoms(pool.get("minrelaytxfee")), self._network.floor_rate)
        return Quote(max(rate, lowest), max(atoms(pool.get("incrementalrelayfee", 0)), self._network.floor_rate))

    def burden(self, quote: bytes) -> int:
        """Nothing: an output costs by its length alone."""
        del quote
        return 0

    def build(self, id: str, payments: Sequence[Payment], quote: bytes, purse: Purse) -> Draft:
        """One transaction for all payments."""
        rate = self._rate(quote)
        outputs = [Output(one.amount, script_of(self._network, one.address)) for one in payments]
        scripts, total = [len(one.script) for one in outputs], sum(one.amount for one in outputs)
        found = choose(purse.coins(_HOT), scripts, total, rate, self._least_change)
        if found.change:
            outputs.append(self._own(purse.change(), found.change))
        return self._draft(id, tuple(payments), [self._input(coin, purse) for coin in found.coins], outputs)

    def replace(self, id: str, earlier: Sequence[Draft], quote: bytes, purse: Purse) -> Draft:
        """The same outputs with the same coins, and more if need be; the change pays, or new coins do."""
        last = earlier[-1]
        inputs, outputs = bitcoin_psbt.decode(last.body)
        before = 1_000 * last.fee // vsize(len(inputs), [len(one.script) for one in outputs])
        asked = msgspec.json.decode(quote, type=Quote)
        rate = self._allowed(max(asked.rate, before * _STEP // 100 + 1))
        paid = [one for one in outputs if one.place is None]
        change = next((one for one in outputs if one.place is not None), None)
        spare = [coin for coin in purse.coins(_HOT) if coin.height > 0 and worth(coin, rate) > 0]
        spare.sort(key=lambda coin: (-coin.amount, coin.outpoint))
        while (left := self._left(inputs, paid, rate, last.fee, asked.step)) is None:
            if not spare or len(inputs) >= MOST_INPUTS:
                raise Unaffordable("no change and no coin is left to pay the network more")
            inputs = [*inputs, self._input(spare.pop(0), purse)]
        if left:
            script, place = (change.script, change.place) if change else self._place(purse.change())
            paid = [*paid, Output(left, script, place)]
        return self._draft(id, last.payments, inputs, paid)

    def _left(self, inputs: Sequence[Input], paid: Sequence[Output], rate: int, before: int, step: int) -> int | None:
        """What comes back at this rate, no less being paid than nodes want of a replacement; None: it is not enough."""
        scripts = [len(one.script) for one in paid]
        there = sum(one.amount for one in inputs) - sum(one.amount for one in paid)

        def needed(size: int) -> int:
            return max(fee_of(rate, size), before + fee_of(step, size))

        left = there - needed(vsize(len(inputs), [*scripts, CHANGE]))
        if left >= self._least_change:
            return left
        return 0 if there >= needed(vsize(len(inputs), scripts)) else None

    def gather(self, id: str, coins: Sequence[Coin], to: Owned, quote: bytes, purse: Purse) -> Draft:
        """As many of these coins as fit, the largest first, to one address of ours; those not worth it are left.

        Sweeping deposits and putting small coins together. Raises `Unaffordable` where nothing is worth it.
        """
        rate = self._rate(quote)
        worthy = sorted((c for c in coins if worth(c, rate) > 0), key=lambda c: (-c.amount, c.outpoint))[:MOST_INPUTS]
        there = sum(coin.amount for coin in worthy)
        amount = there - fee_of(rate, vsize(len(worthy), [CHANGE]))
        if not worthy or amount < self._least_change:
            raise Unaffordable(f"none of {len(coins)} coins is worth the network's fee")
        return self._draft(id, (), [self._input(coin, purse) for coin in worthy], [self._own(to, amount)])

    def rescue(self, id: str, coin: Coin, quote: bytes, purse: Purse) -> Draft:
        """Spend an output of ours of a waiting transaction for so much that a miner takes both (child pays for parent).

        `quote` is of `quote_rescue`, for the transaction that has this coin. More coins are added if it is too small.
        """
        asked = msgspec.json.decode(quote, type=Quote)
        if coin.outpoint.partition(":")[0] != asked.parent:
            raise NodeFault("the rescue was quoted for another transaction")
        rate = self._rate(quote)
        spare = [one for one in purse.coins(_HOT) if one.height > 0 and worth(one, rate) > 0]
        spare.sort(key=lambda one: (-one.amount, one.outpoint))
        for count in range(min(len(spare), MOST_INPUTS - 1) + 1):
            coins = (coin, *spare[:count])
            size = vsize(len(coins), [CHANGE])
            fee = max(fee_of(rate, size + asked.parent_size) - asked.parent_fee, fee_of(rate, size))
            amount = sum(one.amount for one in coins) - fee
            if amount >= self._least_change:
                self._allowed(1_000 * fee // (size + asked.parent_size))
                inputs = [self._input(one, purse) for one in coins]
                return self._draft(id, (), inputs, [self._own(purse.change(), amount)])
        raise Unaffordable("no coin of ours is large enough to help that transaction")

    def _rate(self, quote: bytes) -> int:
        return self._allowed(msgspec.json.decode(quote, type=Quote).rate)

    def _allowed(self, rate: int) -> int:
        if rate > self._ceiling:
            raise FeeTooHigh(
                f"{self._name}: {rate} per 1,000 virtual bytes is asked, and {self._ceiling} is the ceiling"
            )
        return rate

    def _place(self, owned: Owned) -> tuple[bytes, Place]:
        steps = path(self._network.parameters, owned.purpose, owned.index)
        return script_of(self._network, owned.address), Place(self._public_key(owned), steps)

    def _own(self, owned: Owned, amount: int) -> Output:
        script, place = self._place(owned)
        return Output(amount, script, place)

    def _input(self, coin: Coin, purse: Purse) -> Input:
        """Raises `NodeFault` where our books contradict the transaction itself."""
        script, place = self._place(coin.owned)
        txid, _, number = coin.outpoint.partition(":")
        previous = read_transaction(purse.transaction(txid))
        if previous.txid != txid or previous.outputs[int(number)] != (coin.amount, script):
            raise NodeFault(f"{self._name}: the transaction that we kept for {coin.outpoint} is another one")
        return Input(coin.outpoint, coin.amount, script, previous.stripped, place)

    def _draft(
        self, id: str, payments: tuple[Payment, ...], inputs: Sequence[Input], outputs: Sequence[Output]
    ) -> Draft:
        arranged = bitcoin_psbt.arranged(inputs, outputs)
        fee = sum(one.amount for one in inputs) - sum(one.amount for one in outputs)
        claims = tuple(one.outpoint for one in arranged[0])
        return Draft(id, self._name, bitcoin_psbt.encode(*arranged), payments, claims, fee)
