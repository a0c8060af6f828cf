"""Addresses: made ahead of need, one to a person and asset, never another's."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from exchange.core.units import AccountId
from exchange.custody.deposits.pool import NoWallet, WalletExists
from exchange.custody.port import Purpose
from exchange.custody.store import Store
from tests.custody.harbour import ALICE, BOB, BTC, TOK, grown, harbour, pool_of


async def test_one_address_per_person_and_asset_for_good(tmp_path: Path) -> None:
    """Also after a restart, and when asked for many times at once."""
    store = Store(tmp_path / "custody.db")
    pool = pool_of(store, grown())
    await pool.add_wallet(Purpose.DEPOSIT, "xpub")
    got: list[str] = []

    async def ask() -> None:
        got.append(await pool.address_for(ALICE, BTC))

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(ask)
    others = {await pool.address_for(ALICE, TOK), await pool.address_for(BOB, BTC)}
    assert len(set(got)) == 1
    assert len({*got, *others}) == 3
    assert await pool_of(store, grown()).address_for(ALICE, BTC) == got[0]
    store.close()


async def test_the_pool_never_runs_dry_and_counts_in_the_file(tmp_path: Path) -> None:
    """Places follow one another without a gap."""
    store = Store(tmp_path / "custody.db")
    pool = pool_of(store, grown(), ahead=3)
    await pool.add_wallet(Purpose.DEPOSIT, "xpub")
    given = [await pool.address_for(AccountId(100 + n), BTC) for n in range(20)]
    assert len(set(given)) == 20
    assert len(pool.watched) == pool.wallets()[0].derived >= 22
    assert sorted(one.index for one in pool.watched.values()) == list(range(len(pool.watched)))
    store.close()


async def test_an_address_that_was_paid_before_it_was_given_is_never_given(tmp_path: Path) -> None:
    """What is there is nobody's, and stays so."""
    async with harbour(tmp_path) as h:
        free = [one.address for one in h.pool.watched.values() if one.account is None]
        await h.pay_and_mine(address=free[0])
        given = [await h.pool.address_for(AccountId(n), BTC) for n in range(200, 210)]
        assert free[0] not in given
        assert h.rows()[0].why.startswith("nobody's address")


async def test_a_deposit_to_an_address_that_was_just_given_is_its_owners(tmp_path: Path) -> None:
    """Whoever reads the block knows."""
    async with harbour(tmp_path) as h:
        await h.pay_and_mine(address=await h.pool.address_for(BOB, TOK))
        assert h.has(BOB) == 5_000


async def test_without_a_wallet_there_is_no_address(tmp_path: Path) -> None:
    """And another wallet in place of one that people know is refused."""
    store = Store(tmp_path / "custody.db")
    pool = pool_of(store, grown())
    with pytest.raises(NoWallet):
        await pool.address_for(ALICE, BTC)
    await pool.add_wallet(Purpose.DEPOSIT, "xpub")
    await pool.add_wallet(Purpose.DEPOSIT, "xpub")
    with pytest.raises(WalletExists):
        await pool.add_wallet(Purpose.DEPOSIT, "another")
    store.close()
