"""From a person's wish to a payout: kept, held in the ledger, judged, and, where need be, approved by operators.

What was asked for is on disk before the ledger is asked; what the ledger does not know after a crash never was.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

import msgspec
import trio

from exchange.clock import Clock
from exchange.core.commands import RequestWithdrawal, SettleInside
from exchange.core.networks import Network, to_chain
from exchange.core.postings import Bucket, balance_key
from exchange.core.rejects import Reject
from exchange.core.transfers import WithdrawalState
from exchange.core.units import AccountId, Amount, AssetId, Micros
from exchange.custody.payouts import holds, withdrawal_mending
from exchange.custody.payouts import store as payout_store
from exchange.custody.payouts import withdrawal_store as moves
from exchange.custody.payouts.holds import Facts
from exchange.custody.payouts.rows import ASKED, WithdrawalRow, withdrawal, withdrawals
from exchange.custody.payouts.screening import DENIED, Screen, ScreenLost
from exchange.custody.port import BadAddress, Chain
from exchange.custody.store import Store
from exchange.sequencer import Sequencer

_W = WithdrawalState
_ID_CHARS: Final = 22


class NotAsked(Exception):
    """The withdrawal was not taken, and nothing is held. `reject` is the ledger's own word, where it said no."""

    def __init__(self, text: str, reject: Reject | None = None) -> None:
        """`text` is for whoever asked."""
        super().__init__(text)
        self.reject = reject


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks for. `atoms` is the whole that he pays, fee included.

    `client_id` is his own name for it, "" for none. `new_device` and `credentials` (when they last changed; 0: long
    ago) are what the door knows of who asks.
    """

    account: AccountId
    asset: AssetId
    network: str
    address: str
    atoms: Amount
    client_id: str = ""
    new_device: bool = False
    credentials: Micros = Micros(0)
    fee_along: bool = False
    """Should it stay inside the house, its fee goes along to the recipient."""


class _Known(msgspec.Struct, frozen=True):
    """What the ledger says of account and network."""

    network: Network | None
    decimals: int
    owned: Amount


class Withdrawals:
    """All withdrawals of all chains, up to where a payer takes them."""

    def __init__(
        self, store: Store, sequencer: Sequencer, chains: Mapping[str, Chain], screen: Screen, clock: Clock
    ) -> None:
        """`chains` by name; what is not among them can be asked for by nobody."""
        self.store = store
        self.chains = chains
        self.bell = trio.Event()
        """Set when there is something new for a payer; he takes another."""
        self._sequencer = sequencer
        self._screen = screen
        self._clock = clock

    def ring(self) -> None:
        """Wake the payers."""
        self.bell.set()
        self.bell = trio.Event()

    async def ask(self, wanted: Wanted) -> WithdrawalRow:
        """Take a withdrawal: its money is held when this returns. Raises `NotAsked`."""
        chain = self.chains.get(wanted.network)
        known = await self._known(wanted)
        if chain is None or known.network is None:
            raise NotAsked("there is no such way out for this asset", Reject.UNKNOWN_NETWORK)
        row = self._row(wanted, chain, known.network, known)
        with trio.CancelScope(shield=True):  # whoever asked may be gone; the money must not stay held for nobody
            await self._take(row, wanted, known.network, known.owned)
        found = withdrawal(self.store.reader, row.id)
        assert found is not None, "what the ledger holds money for is never forgotten"
        return found

    async def _take(self, row: WithdrawalRow, wanted: Wanted, network: Network, owned: Amount) -> None:
        """Keep it, have the ledger hold its money, judge it. Raises `NotAsked`."""
        if not await self.store.write(partial(moves.begin, row=row)):
            raise NotAsked("that name of your own was used for a withdrawal before", Reject.DUPLICATE_REFERENCE)
        outcome = await self._sequencer.call(
            RequestWithdrawal(row.id, row.account, row.asset, row.atoms, wanted.network, row.fee)
        )
        if outcome.reject is not None:
            await self.store.write(partial(moves.forget, id=row.id))
            raise NotAsked(outcome.reject.text, outcome.reject)
        await self._judge(row, network, owned, wanted)

    async def _known(self, wanted: Wanted) -> _Known:
        account, asset = wanted.account, wanted.asset
        return await self._sequencer.read(
            lambda state: _Known(
                state.networks.get((asset, wanted.network)),
                state.assets[asset].decimals if asset in state.assets else 0,
                Amount(
                    sum(
                        state.balances.get(balance_key(account, asset, bucket), 0)
                        for bucket in (Bucket.AVAILABLE, Bucket.HELD)
                    )
                ),
            )
        )

    def _row(self, wanted: Wanted, chain: Chain, network: Network, known: _Known) -> WithdrawalRow:
        """The row to begin with. Raises `NotAsked` for an address or an amount that cannot be."""
        try:
            address = chain.address(wanted.address)
            amount = to_chain(Amount(wanted.atoms - network.withdrawal_fee), known.decimals, network.chain_decimals)
        except BadAddress as error:
            raise NotAsked(str(error)) from error
        except ValueError as error:
            raise NotAsked(Reject.TOO_FINE.text, Reject.TOO_FINE) from error
        if amount <= 0:
            raise NotAsked(Reject.BELOW_MINIMUM.text, Reject.BELOW_MINIMUM)
        now = self._clock.now()
        return WithdrawalRow(
            id=self._clock.token(_ID_CHARS),
            account=wanted.account,
            asset=wanted.asset,
            chain=chain.name,
            contract=network.contract,
            address=address,
            amount=amount,
            atoms=wanted.atoms,
            fee=network.withdrawal_fee,
            client_id=wanted.client_id,
            inside=self._inside(wanted.account, chain, address),
            state=ASKED,
            told=0,
            needs=0,
            why="",
            payout=None,
            alone=False,
            not_before=Micros(0),
            asked=now,
            changed=now,
            fee_along=wanted.fee_along,
        )

    def _inside(self, account: AccountId, chain: Chain, address: str) -> AccountId | None:
        """Whose address it is, if it is one of our people's. Raises `NotAsked` for the house's, and for one's own."""
        owner = moves.owner(self.store.reader, chain.name, chain.key_of(address))
        if owner is None:
            return None
        if owner[1] is None or owner[1] == account:
            raise NotAsked("that is an address of this exchange, not of anybody to be paid")
        return AccountId(owner[1])

    async def _judge(self, row: WithdrawalRow, network: Network, owned: Amount, wanted: Wanted | None) -> None:
        """The ledger holds the money: approved at once, or for operators to look at; a breach stops the chain."""
        now, denied = self._clock.now(), self._denied(row)
        reader = self.store.reader
        limits, left = moves.velocity(reader, row.asset), moves.left(reader, row.asset, row.account, now)
        facts = Facts(
            now=now,
            atoms=row.atoms,
            owned=owned,
            new_address=not moves.used_before(reader, row.account, row.chain, row.address),
            new_device=wanted is not None and wanted.new_device,
            credentials=wanted.credentials if wanted else Micros(0),
            denied=denied,
        )
        why = list(holds.reasons(facts, left, limits))
        if breach := holds.breach(left, limits):
            why.append("more leaves than is usual")
            await self.store.write(partial(payout_store.stop, chain=row.chain, why=breach, now=now))
        needs = max(network.approvals_for(row.atoms), 1 if why else 0)
        if needs and not why:
            why.append("the amount needs approval")
        await self.store.write(partial(moves.judge, id=row.id, needs=needs, why="; ".join(why), now=now))
        self.ring()

    def _denied(self, row: WithdrawalRow) -> str:
        """Why nothing may be paid there; where that cannot be known, why not."""
        try:
            return self._screen(row.chain, row.address)
        except ScreenLost as lost:
            return str(lost)

    async def recover(self) -> None:
        """After a start: what the ledger does not know never was; what it knows and nobody judged is judged now."""
        for row in withdrawals(self.store.reader, "state = ?", ASKED):
            if not await self._is_known(row.id):
                await self.store.write(partial(moves.forget, id=row.id))
                continue
            wanted = Wanted(
                account=row.account, asset=row.asset, network=row.chain, address=row.address, atoms=row.atoms
            )
            found = await self._known(wanted)
            assert found.network is not None, "a network is never unlisted"
            await self._judge(row, found.network, found.owned, None)
        await withdrawal_mending.mend(self.store, self._sequencer, self._clock)

    async def _is_known(self, key: str) -> bool:
        return await self._sequencer.read(lambda state: key in state.withdrawals)

    async def settle_inside(self) -> None:
        """Credit approved withdrawals whose destination is one of our own people's."""
        where = "state = ? AND told = ? AND inside IS NOT NULL"
        for row in withdrawals(self.store.reader, where, _W.APPROVED, _W.APPROVED):
            assert row.inside is not None, "it was asked for"
            if denied := self._denied(row):
                await self._hold_again(row, f"{DENIED}: {denied}")
                continue
            outcome = await self._sequencer.call(SettleInside(row.id, row.inside, row.fee_along))
            now = self._clock.now()
            if outcome.reject is None:
                await self.store.write(partial(moves.settled_inside, id=row.id, now=now))
            elif outcome.reject is not Reject.QUEUE_FULL:
                text = f"withdrawal {row.id}: {outcome.reject.text}"
                await self.store.write(
                    partial(payout_store.alarm, chain=row.chain, kind="not settled inside", text=text, now=now)
                )

    async def _hold_again(self, row: WithdrawalRow, why: str) -> None:
        """It waits for an operator once more, with an alarm."""
        now, text = self._clock.now(), f"withdrawal {row.id}: {why}. It waits for an operator"
        await self.store.write(partial(moves.hold_again, id=row.id, why=why, now=now))
        await self.store.write(
            partial(payout_store.alarm, chain=row.chain, kind="destination denied", text=text, now=now)
        )

    async def cancel(self, id: str, account: AccountId) -> bool:
        """Its owner takes it back. False: it is not his, it has ended, or it may be on its way already."""
        row = withdrawal(self.store.reader, id)
        if row is None or row.account != account:
            return False
        return await self._end(id, _W.CANCELLED, "its owner took it back")

    async def reject(self, id: str, why: str) -> bool:
        """An operator says no. False: it has ended, or it may be on its way already."""
        return await self._end(id, _W.REJECTED, why)

    async def _end(self, id: str, to: WithdrawalState, why: str) -> bool:
        done = await self.store.write(partial(moves.end, id=id, to=to, why=why, now=self._clock.now()))
        self.ring()
        return done

    async def approve(self, id: str, operator: str, approver: bytes, signature: bytes) -> int | None:
        """An operator's word, whose signature was checked; how many more are needed.

        None: it waits for no word of his. Raises `NotAsked` where the destination was denied meanwhile.
        """
        row = withdrawal(self.store.reader, id)
        if row is not None and (denied := self._denied(row)):
            raise NotAsked(f"{DENIED}: {denied}")
        now = self._clock.now()
        left = await self.store.write(
            partial(moves.approve, id=id, operator=operator, approver=approver, signature=signature, now=now)
        )
        self.ring()
        return left
