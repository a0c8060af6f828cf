"""Addresses of ours on one chain: made ahead of need, given once, watched for good.

Those of a deposit wallet wait in a pool. One is given to one person for one asset and never to anybody else; what was
paid to before it was given is never given. How many were made is counted in custody.db.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import apsw
import msgspec
import trio

from exchange.clock import Clock
from exchange.core.units import AccountId, AssetId, Micros
from exchange.custody.port import Owned, Purpose, Watched
from exchange.custody.store import Store

Derive = Callable[[Purpose, str, range], Iterable[tuple[int, str]]]
"""Place and address of each place of a wallet, from its public key."""

_CHANGE_AHEAD: Final = 50
_COLD: Final = 100
"""So many addresses of a cold wallet are watched; a refill may spend from any of them."""
_AT_ONCE: Final = 1_000
_GIVEN: Final = "SELECT address FROM addresses WHERE chain = ? AND account = ? AND asset = ?"
_GIVE: Final = """
UPDATE addresses SET account = ?1, asset = ?2, given = ?3 WHERE rowid = (
  SELECT rowid FROM addresses AS a WHERE chain = ?4 AND purpose = ?5 AND given = 0
  AND NOT EXISTS (SELECT 1 FROM incoming AS i WHERE i.chain = a.chain AND i.to_key = a.key AND i.purpose = a.purpose)
  ORDER BY place LIMIT 1)
RETURNING key, address, place
"""


class NoWallet(Exception):
    """The chain has no deposit wallet yet, so there is no address to give."""


class Wallet(msgspec.Struct, frozen=True):
    """A public key that addresses come from."""

    chain: str
    purpose: Purpose
    xpub: str
    derived: int


class WalletExists(Exception):
    """The chain has another wallet for this purpose already, with addresses that people know."""


class Pool:
    """All addresses of one chain."""

    def __init__(
        self,
        store: Store,
        chain: str,
        key_of: Callable[[str], str],
        derive: Derive,
        clock: Clock,
        ahead: int,
    ) -> None:
        """`ahead`: so many deposit addresses are made before they are needed."""
        self.chain = chain
        self.watched: Watched = _load(store.reader, chain)
        """What is replaced as a whole when addresses are added, so that other threads may walk through it."""
        self._store = store
        self._key_of = key_of
        self._derive = derive
        self._clock = clock
        self._ahead = ahead
        self._filling = trio.Lock()

    def wallets(self) -> Sequence[Wallet]:
        """What addresses come from, by purpose."""
        rows = self._store.reader.execute("SELECT * FROM wallets WHERE chain = ? ORDER BY purpose", (self.chain,))
        return [Wallet(chain, Purpose(purpose), xpub, derived) for chain, purpose, xpub, derived in rows]

    async def add_wallet(self, purpose: Purpose, xpub: str) -> None:
        """Take a wallet into use: the same again changes nothing. Raises `WalletExists`."""
        known = {wallet.purpose: wallet.xpub for wallet in self.wallets()}
        if known.get(purpose, xpub) != xpub:
            raise WalletExists(f"{self.chain}: {purpose.name.lower()} has another wallet. Nothing was changed.")
        row = (self.chain, purpose, xpub, 0)
        await self._store.write(lambda db: db.execute("INSERT OR IGNORE INTO wallets VALUES (?, ?, ?, ?)", row))
        await self.fill()

    async def fill(self) -> None:
        """Make addresses until there are enough ahead of need."""
        async with self._filling:
            for wallet in self.wallets():
                while (missing := self._missing(wallet)) > 0:
                    await self._make(wallet, min(missing, _AT_ONCE))

    def _missing(self, wallet: Wallet) -> int:
        counted = "SELECT count(*) FROM addresses WHERE chain = ? AND purpose = ? AND given = 0"
        ((unused,),) = self._store.reader.execute(counted, (self.chain, wallet.purpose))
        if wallet.purpose is Purpose.DEPOSIT:
            return self._ahead - int(unused)
        if wallet.purpose is Purpose.CHANGE:
            return _CHANGE_AHEAD - int(unused)
        if wallet.purpose in {Purpose.WARM, Purpose.COLD}:
            made = "SELECT derived FROM wallets WHERE chain = ? AND purpose = ?"
            ((derived,),) = self._store.reader.execute(made, (self.chain, wallet.purpose))
            return _COLD - int(derived)
        return 0 if unused else 1

    async def _make(self, wallet: Wallet, count: int) -> None:
        """The next `count` addresses of a wallet; the counter moves with them."""

        def make(db: apsw.Connection) -> dict[str, Owned]:
            where = (self.chain, wallet.purpose)
            ((first,),) = db.execute("SELECT derived FROM wallets WHERE chain = ? AND purpose = ?", where)
            places = range(int(first), int(first) + count)
            made = {
                self._key_of(text): Owned(text, wallet.purpose, place)
                for place, text in self._derive(wallet.purpose, wallet.xpub, places)
            }
            db.executemany(
                "INSERT INTO addresses (chain, key, address, purpose, place) VALUES (?, ?, ?, ?, ?)",
                [(self.chain, key, one.address, one.purpose, one.index) for key, one in made.items()],
            )
            db.execute("UPDATE wallets SET derived = derived + ? WHERE chain = ? AND purpose = ?", (count, *where))
            return made

        added = await self._store.write(make)
        self.watched = {**self.watched, **added}

    async def address_for(self, account: AccountId, asset: AssetId) -> str:
        """The deposit address of an account for an asset: the same for good. Raises `NoWallet`."""
        row = self._store.reader.execute(_GIVEN, (self.chain, account, asset)).fetchone()
        if row is not None:
            return str(row[0])
        given = await self._give(account, asset)
        if given is None:
            await self.fill()
            given = await self._give(account, asset)
        if given is None:
            raise NoWallet(f"{self.chain} has no deposit addresses: it lacks a wallet.")
        await self._fill_in_time()
        return given

    async def _fill_in_time(self) -> None:
        """Make more once half of the pool is given."""
        for wallet in self.wallets():
            if wallet.purpose is Purpose.DEPOSIT and self._missing(wallet) * 2 >= self._ahead:
                await self.fill()

    async def _give(self, account: AccountId, asset: AssetId) -> str | None:
        now = self._clock.now()
        found = await self._store.write(lambda db: self._give_in(db, account, asset, now))
        if found is None:
            return None
        key, owned = found
        watched: dict[str, Owned] = self.watched  # type: ignore[assignment]  # its size stays: who walks is not hurt
        watched[key] = owned
        return owned.address

    def _give_in(
        self, db: apsw.Connection, account: AccountId, asset: AssetId, now: Micros
    ) -> tuple[str, Owned] | None:
        """Give an address, or the one that was given in the meantime."""
        have = "SELECT key, address, place FROM addresses WHERE chain = ? AND account = ? AND asset = ?"
        row = db.execute(have, (self.chain, account, asset)).fetchone()
        if row is None:
            row = db.execute(_GIVE, (account, asset, now, self.chain, Purpose.DEPOSIT)).fetchone()
        if row is None:
            return None
        return str(row[0]), Owned(str(row[1]), Purpose.DEPOSIT, int(row[2]), account)


def _load(db: apsw.Connection, chain: str) -> dict[str, Owned]:
    rows = db.execute("SELECT key, address, purpose, place, account FROM addresses WHERE chain = ?", (chain,))
    return {
        str(key): Owned(
            str(address), Purpose(purpose), int(place), None if account is None else AccountId(int(account))
        )
        for key, address, purpose, place, account in rows
    }
