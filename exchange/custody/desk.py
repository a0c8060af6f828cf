"""What the doors ask of custody in a trader's name: addresses, withdrawals, and where these may go.

Whoever asks has been identified; what he is told is his own. Refusals are `Denied`, with a reason that a door knows
how to word.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from functools import partial
from typing import Final, Protocol

import msgspec

from exchange.clock import Clock
from exchange.core.networks import Network
from exchange.core.rejects import Reject
from exchange.core.units import AccountId, Amount, AssetId, Micros
from exchange.custody import destinations
from exchange.custody.deposits.pool import NoWallet, Pool
from exchange.custody.destinations import MAX_LABEL, Destination
from exchange.custody.payouts.rows import WithdrawalRow
from exchange.custody.payouts.withdrawals import NotAsked, Wanted, Withdrawals
from exchange.custody.port import BadAddress, Chain
from exchange.custody.status import ChainStatus
from exchange.custody.store import Store
from exchange.sequencer import Sequencer

HOUR: Final = Micros(3_600_000_000)


class Why(Enum):
    """Why custody does not do what it is asked."""

    NO_NETWORK = 1
    DEPOSITS_CLOSED = 2
    BAD_ADDRESS = 3
    NOT_LISTED = 4
    TOO_NEW = 5
    NEW_KEY = 6
    LIST_FULL = 7
    NO_RECORD = 8
    TOO_LATE = 9
    NAME_USED = 10
    LEDGER = 11


class Denied(Exception):
    """It was not done. `text` is for whoever asked; `reject` is the ledger's word where `why` is LEDGER."""

    def __init__(self, why: Why, text: str = "", reject: Reject | None = None) -> None:
        """Nothing was changed."""
        super().__init__(why, text)
        self.why = why
        self.text = text
        self.reject = reject


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Who may withdraw where. `allow_list`: only to addresses of one's own list, `address_wait` after they were added;
    and with no key that is younger than `key_wait`.
    """

    allow_list: bool = True
    address_wait: Micros = Micros(24 * HOUR)
    key_wait: Micros = Micros(24 * HOUR)


class Line(Protocol):
    """One chain, as far as doors are concerned."""

    @property
    def chain(self) -> Chain: ...
    @property
    def pool(self) -> Pool: ...
    @property
    def status(self) -> ChainStatus: ...


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A withdrawal as a trader asks for it; `amount` has the fee in it. `key_made` is when his API key was made."""

    account: AccountId
    asset: AssetId
    network: str | None
    address: str
    amount: Amount
    client_id: str
    label: str
    key_made: Micros
    fee_along: bool = False
    """Should it stay inside the house, its fee goes along to the recipient."""


class Given(msgspec.Struct, frozen=True):
    """A deposit address and the network it is on."""

    network: str
    address: str


class Desk:
    """Custody's front."""

    def __init__(
        self,
        store: Store,
        sequencer: Sequencer,
        lines: Mapping[str, Line],
        withdrawals: Withdrawals,
        clock: Clock,
        rules: Rules,
        explorers: Mapping[str, str] | None = None,
    ) -> None:
        """`lines` by the chain's name: networks of chains that are not among them are closed.

        `explorers`: where an address of a chain can be looked at; its text follows.
        """
        self.explorers = explorers or {}
        self.store = store
        self.lines = lines
        self.rules = rules
        self._sequencer = sequencer
        self._withdrawals = withdrawals
        self._clock = clock

    async def networks(self) -> list[Network]:
        """Every way in and out there is, by asset, the coin of a chain's own before tokens."""
        found = await self._sequencer.read(lambda state: list(state.networks.values()))
        return sorted(found, key=lambda one: (one.asset, bool(one.contract), one.name))

    async def network(self, asset: AssetId, name: str | None) -> tuple[Network, Line]:
        """The asset's network of that name (None: its first), and its chain. Raises `Denied`."""
        mine = [one for one in await self.networks() if one.asset == asset and name in {None, one.name}]
        for one in mine:
            if one.name in self.lines:
                return one, self.lines[one.name]
        raise Denied(Why.NO_NETWORK)

    async def address(self, account: AccountId, asset: AssetId, name: str | None) -> Given:
        """Where to send: the same for good. Raises `Denied`."""
        network, line = await self.network(asset, name)
        if not network.deposits_open:
            raise Denied(Why.DEPOSITS_CLOSED)
        try:
            return Given(network.name, await line.pool.address_for(account, asset))
        except NoWallet as error:
            raise Denied(Why.DEPOSITS_CLOSED) from error

    async def withdraw(self, asked: Asked) -> WithdrawalRow:
        """Take a withdrawal; its money is held. Raises `Denied`."""
        network, line = await self.network(asked.asset, asked.network)
        if self._clock.now() - asked.key_made < self.rules.key_wait:
            raise Denied(Why.NEW_KEY)
        address = _read(line.chain, asked.address)
        self._check_listed(asked, network.name, address)
        wanted = Wanted(
            account=asked.account,
            asset=asked.asset,
            network=network.name,
            address=address,
            atoms=asked.amount,
            client_id=asked.client_id,
            credentials=asked.key_made if self.rules.key_wait else Micros(0),
            fee_along=asked.fee_along,
        )
        try:
            row = await self._withdrawals.ask(wanted)
        except NotAsked as error:
            raise _denied(error) from error
        if not self.rules.allow_list:  # an address book, then, that keeps nobody from anything
            await self._keep(asked.account, asked.asset, network.name, address, asked.label)
        if asked.label:
            one = Destination(asked.account, asked.asset, network.name, address, asked.label[:MAX_LABEL], Micros(0))
            await self.store.write(partial(destinations.label, one=one))
        return row

    def _check_listed(self, asked: Asked, chain: str, address: str) -> None:
        """Raises `Denied` where the address is not on the account's list, or not for long enough."""
        if not self.rules.allow_list:
            return
        found = destinations.find(self.store.reader, asked.account, asked.asset, chain, address)
        if found is None:
            raise Denied(Why.NOT_LISTED)
        if not self.usable(found):
            raise Denied(Why.TOO_NEW)

    def usable(self, one: Destination) -> bool:
        """Whether it has been on the list for long enough."""
        return not self.rules.allow_list or self._clock.now() - one.added >= self.rules.address_wait

    async def cancel(self, account: AccountId, id: str) -> None:
        """Take a withdrawal back. Raises `Denied`: there is none of that name, or it may be on its way."""
        if await self._withdrawals.cancel(id, account):
            return
        known = self.store.reader.execute("SELECT 1 FROM withdrawals WHERE id = ? AND account = ?", (id, account))
        raise Denied(Why.TOO_LATE if known.fetchone() else Why.NO_RECORD)

    def destinations(self, account: AccountId) -> list[Destination]:
        """The account's allow-list."""
        return destinations.of_account(self.store.reader, account)

    async def allow(self, account: AccountId, asset: AssetId, name: str | None, text: str, label: str) -> Destination:
        """Put an address on the list. What is there stays, with the time it was added. Raises `Denied`."""
        network, line = await self.network(asset, name)
        address = _read(line.chain, text)
        if not await self._keep(account, asset, network.name, address, label):
            raise Denied(Why.LIST_FULL)
        found = destinations.find(self.store.reader, account, asset, network.name, address)
        assert found is not None, "it was just put there"
        return found

    async def _keep(self, account: AccountId, asset: AssetId, chain: str, address: str, label: str) -> bool:
        one = Destination(account, asset, chain, address, label[:MAX_LABEL], self._clock.now())
        return await self.store.write(partial(destinations.add, one=one))

    async def forbid(self, account: AccountId, asset: AssetId, name: str | None, text: str) -> None:
        """Take an address off the list, at once. Raises `Denied`."""
        network, line = await self.network(asset, name)
        where = (account, asset, network.name, _read(line.chain, text))
        if not await self.store.write(lambda db: destinations.remove(db, *where)):
            raise Denied(Why.NOT_LISTED)


def _read(chain: Chain, text: str) -> str:
    """The address as the chain writes it. Raises `Denied`."""
    try:
        return chain.address(text)
    except BadAddress as error:
        raise Denied(Why.BAD_ADDRESS, str(error)) from error


def _denied(error: NotAsked) -> Denied:
    """The same in the desk's words."""
    if error.reject is Reject.DUPLICATE_REFERENCE:
        return Denied(Why.NAME_USED)
    if error.reject is None:
        return Denied(Why.BAD_ADDRESS, str(error))
    return Denied(Why.LEDGER, str(error), error.reject)
