"""What it takes to pay on an EVM chain: one payment a transaction, by one of our addresses, at a nonce of our books."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from exchange.custody.evm import body as evm_body
from exchange.custody.evm import fees as evm_fees
from exchange.custody.evm.balances import Balances
from exchange.custody.evm.body import Body
from exchange.custody.evm.fees import Market
from exchange.custody.evm.node import Node
from exchange.custody.evm.shapes import FeesShape, shaped, whole
from exchange.custody.port import BadAddress, Draft, NodeFault, Owned, Payment, Purse, Unaffordable
from exchange.custody.rpc import Rpc, RpcError

_REVERTED: Final = 3


class Quote(msgspec.Struct, frozen=True, array_like=True):
    """What the node said. Amounts as decimal digits: more than 64 bits hold. `gas` is 0 if only the fees were asked."""

    base: str
    tip: str
    gas: int
    coins: str
    """Wei that the sender has."""
    tokens: str
    """What it has of the token that is paid."""
    token: bool = False
    """Whether it is a token's payment."""


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Quote).decode


class EvmSpending:
    """Pays from the hot address. Satisfies `port.Spending`; `quote_from` and `build_from` serve sweeps as well."""

    def __init__(self, name: str, chain_id: int, rpc: Rpc, hot: Owned, ceiling: int = 0) -> None:
        """`ceiling`: wei per gas at most; 0 for the family's own."""
        self._name = name
        self._chain_id = chain_id
        self._node = Node(rpc)
        self._balances = Balances(self._node)
        self.hot: Final = hot
        self._ceiling = ceiling or evm_fees.CEILING

    async def quote(self, payments: Sequence[Payment]) -> bytes:
        """Fees, gas and what the hot address has. No payments: the fees alone, which is enough for `replace`."""
        return await self.quote_from(self.hot, _only(payments) if payments else None)

    async def quote_from(self, sender: Owned, payment: Payment | None) -> bytes:
        """The same for any sender of ours. Raises `BadAddress` where the destination or the token refuses."""
        market = await self._market()
        if payment is None:
            return _encode(Quote(str(market.base), str(market.tip), 0, "0", "0"))
        coins, tokens = await self._has(sender, payment.contract.lower())
        _affordable(payment, coins, tokens)
        gas = evm_fees.gas_limit(await self._gas(sender, payment))
        said = (str(market.base), str(market.tip), gas, str(coins), str(tokens))
        return _encode(Quote(*said, token=bool(payment.contract)))

    def burden(self, quote: bytes) -> int:
        """Gas beyond that of a plain payment, at the price of the moment. What replaces a payment takes no more gas."""
        said = _decode(quote)
        plain = evm_fees.TOKEN_GAS if said.token else evm_fees.PLAIN_GAS
        return max(0, said.gas - plain) * (int(said.base) + int(said.tip))

    def build(self, id: str, payments: Sequence[Payment], quote: bytes, purse: Purse) -> Draft:
        """A draft that makes the one payment from the hot address. Raises `Unaffordable`, `FeeTooHigh`."""
        return self.build_from(id, self.hot, _only(payments), quote, purse)

    def build_from(
        self, id: str, sender: Owned, payment: Payment, quote: bytes, purse: Purse, aim: Owned | None = None
    ) -> Draft:
        """The same from any sender of ours. `aim`: the recipient, if ours too: nothing is to be approved."""
        said = _decode(quote)
        tip, price = evm_fees.fresh(_market(said), self._ceiling)
        if not said.gas:
            raise ValueError("this quote was asked for a replacement")
        contract, to = payment.contract.lower(), payment.address.lower()
        body = Body(
            chain_id=self._chain_id,
            nonce=0,
            tip=tip,
            price=price,
            gas=said.gas,
            to=contract or to,
            value="0" if contract else str(payment.amount),
            data=evm_body.transfer(to, payment.amount) if contract else b"",
            sender=sender.address.lower(),
            purpose=sender.purpose,
            index=sender.index,
            aim=None if aim is None else (aim.purpose, aim.index),
        )
        _affordable(payment, int(said.coins) - body.gas * price, int(said.tokens))
        body = msgspec.structs.replace(body, nonce=purse.nonce(body.sender))
        return self._draft(id, body, (payment,) if aim is None else ())

    def replace(self, id: str, earlier: Sequence[Draft], quote: bytes, purse: Purse) -> Draft:
        """The same transaction for at least 12.5 % more, at the same nonce. Raises `FeeTooHigh`."""
        del purse
        bodies = [evm_body.decode(draft.body) for draft in earlier]
        if len({evm_body.claim(body) for body in bodies}) != 1:
            raise ValueError("these attempts do not exclude each other")
        tip, price = evm_fees.dearer(bodies, _market(_decode(quote)), self._ceiling)
        return self._draft(id, msgspec.structs.replace(bodies[0], tip=tip, price=price), earlier[0].payments)

    def _draft(self, id: str, body: Body, payments: tuple[Payment, ...]) -> Draft:
        claims = (evm_body.claim(body),)
        return Draft(id, self._name, evm_body.encode(body), payments, claims, body.gas * body.price)

    async def _market(self) -> Market:
        """What the network asks. The tip is the node's own suggestion; what it may be at most is ours to say."""
        history, tip = await self._node.answers(
            [("eth_feeHistory", ("0x1", "latest", [])), ("eth_maxPriorityFeePerGas", ())]
        )
        bases = shaped(history, FeesShape).base_fee_per_gas
        if not bases:
            raise NodeFault("the node knows no base fee: this chain is none of EIP-1559")
        return Market(whole(bases[-1]), whole(tip))

    async def _has(self, sender: Owned, contract: str) -> tuple[int, int]:
        """Wei, and tokens if a contract is named, of an address of ours at the newest block."""
        key = sender.address.lower()
        coins = await self._node.number("eth_getBalance", key, "latest")
        tokens = (await self._balances.tokens(contract, [key], "latest"))[0] if contract else 0
        return coins, tokens

    async def _gas(self, sender: Owned, payment: Payment) -> int:
        """The gas that this very payment would take now, which also tells whether it would go through."""
        call = {"from": sender.address.lower(), "to": payment.address.lower(), "value": hex(payment.amount)}
        if payment.contract:
            data = "0x" + evm_body.transfer(payment.address.lower(), payment.amount).hex()
            call = {"from": sender.address.lower(), "to": payment.contract.lower(), "data": data}
        try:
            said = await self._node.run(call, "latest") if payment.contract else b""
            estimate = await self._node.number("eth_estimateGas", call)
        except RpcError as refusal:
            if refusal.code == _REVERTED or "revert" in refusal.message.lower():
                who = "the token" if payment.contract else "the contract at this address"
                raise BadAddress(f"{who} refuses this payment: {refusal.message}") from refusal
            raise
        if said and int.from_bytes(said, "big") != 1:
            raise BadAddress("the token says no to this transfer")
        return estimate


def _affordable(payment: Payment, coins: int, tokens: int) -> None:
    """Raises `Unaffordable` where a sender with so much cannot pay; `coins` less than nothing: not even the fee."""
    need = 0 if payment.contract else payment.amount
    if coins < need:
        raise Unaffordable(f"{need - coins} wei are missing")
    if payment.contract and tokens < payment.amount:
        raise Unaffordable(f"{payment.amount - tokens} of the token {payment.contract} are missing")


def _market(quote: Quote) -> Market:
    return Market(int(quote.base), int(quote.tip))


def _only(payments: Sequence[Payment]) -> Payment:
    if len(payments) != 1:
        raise ValueError("an EVM transaction makes one payment")
    return payments[0]
