"""Moving our own coins on EVM chains: deposits to the hot address, tokens only after a little gas was sent there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from exchange.custody.evm import body as evm_body
from exchange.custody.evm import fees as evm_fees
from exchange.custody.evm.fees import Market
from exchange.custody.evm.spending import EvmSpending, Quote
from exchange.custody.payouts.purse import Books
from exchange.custody.port import BadAddress, Chain, Draft, Header, Owned, Payment, Unaffordable
from exchange.custody.treasury.sweep_rows import Pile
from exchange.custody.treasury.sweeping import Planned, TankEmpty

_MARGIN: Final = 5, 4
"""More gas than the token asks now, so that a rising price does not leave it stuck again."""
_decode: Final = msgspec.msgpack.Decoder(Quote).decode


class EvmMoves:
    """Satisfies `sweeping.Moves`."""

    def __init__(self, chain: Chain, spending: EvmSpending, gas: Owned, ceiling: int = 0) -> None:
        """`gas` is the address that pays for the gas of others; `ceiling` as in `spending`."""
        self._chain = chain
        self._spending = spending
        self._gas = gas
        self._ceiling = ceiling or evm_fees.CEILING

    async def sweep(self, piles: Sequence[Pile], least: Mapping[str, int], moving: Sequence[Draft]) -> Planned | None:
        """The first pile that is worth it and whose address has no move under way; or gas for it."""
        busy = {address for draft in moving for address in _addresses(evm_body.decode(draft.body))}
        for pile in piles:
            if pile.contract in least and pile.amount >= least[pile.contract] and _key(pile.owned) not in busy:
                try:
                    planned = await (self._token(pile) if pile.contract else self._coins(pile))
                except (Unaffordable, BadAddress):
                    continue  # a token that refuses, or an address that is empty already: the next one
                if planned is not None:
                    return planned
        return None

    async def rescue(self) -> None:
        """There is no such thing: who sent it may send it dearer, at the same nonce."""

    async def spill(self, contract: str, amount: int, cold: str) -> Planned:
        """So much out of the hot address to a cold one."""
        payment = Payment("", cold, amount, contract)
        quote = await self._spending.quote([payment])
        return self._planned(self._spending.hot, payment, quote, None, ())

    async def hot(self, contract: str, header: Header) -> int:
        """What the hot address has at that block."""
        (amount,) = await self._chain.balances([self._spending.hot.address], contract, header)
        return amount

    async def _coins(self, pile: Pile) -> Planned | None:
        """All of the chain's own coin, less what moving it costs."""
        hot = self._spending.hot
        quote = await self._spending.quote_from(pile.owned, Payment("", hot.address, 1))
        amount = int(_decode(quote).coins) - self._cost(quote)
        if amount <= 0:
            return None
        return self._planned(pile.owned, Payment("", hot.address, amount), quote, hot, pile.keys)

    async def _token(self, pile: Pile) -> Planned | None:
        """All of a token, if the address can pay for its gas; else the gas that is missing."""
        hot = self._spending.hot
        payment = Payment("", hot.address, pile.amount, pile.contract)
        quote = await self._spending.quote_from(pile.owned, payment)
        missing = self._cost(quote) - int(_decode(quote).coins)
        if missing <= 0:
            whole = msgspec.structs.replace(payment, amount=int(_decode(quote).tokens))
            return self._planned(pile.owned, whole, quote, hot, pile.keys)
        given = Payment("", pile.owned.address, missing * _MARGIN[0] // _MARGIN[1])
        try:
            quote = await self._spending.quote_from(self._gas, given)
        except Unaffordable as error:
            raise TankEmpty(f"{self._gas.address} pays for the gas of sweeps: {error}") from error
        return self._planned(self._gas, given, quote, pile.owned, ())

    def _cost(self, quote: bytes) -> int:
        """What the gas of this quote costs at most."""
        said = _decode(quote)
        _, price = evm_fees.fresh(Market(int(said.base), int(said.tip)), self._ceiling)
        return said.gas * price

    def _planned(
        self, sender: Owned, payment: Payment, quote: bytes, aim: Owned | None, keys: tuple[str, ...]
    ) -> Planned:
        def draft(id: str, books: Books) -> Draft:
            made = self._spending.build_from(id, sender, payment, quote, books, aim)
            return msgspec.structs.replace(made, payments=())

        return Planned(draft, keys)


def _key(owned: Owned) -> str:
    return owned.address.lower()


def _addresses(body: evm_body.Body) -> tuple[str, str]:
    """Whom a move concerns: its sender and, of coins, its recipient."""
    return body.sender, body.to
