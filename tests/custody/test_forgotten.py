"""A ledger that was restored from an older copy has forgotten what was paid: it is booked as what it was."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from exchange.clock import SystemClock
from exchange.core import commands as co
from exchange.core.postings import Bucket, balance_key
from exchange.core.transfers import WithdrawalState
from exchange.core.units import AccountId, Amount
from exchange.custody.memory.chain import MemoryChain
from exchange.custody.payouts.forgotten import Forgotten, Recall, unknown
from exchange.custody.payouts.rows import attempts
from exchange.custody.signer.record import Entry, Paid, Record, create_record
from exchange.custody.signer.wire import PAGE, Row
from exchange.ledger.reconcile import verify
from tests.custody.test_withdrawals import desk, wanted
from tests.custody.till import ASSET, FUNDED, WHO, Till, family, till

OWED = balance_key(WHO, ASSET, Bucket.RECEIVABLE)


def recall_of(record: Record) -> Recall:
    """As the signer's process answers."""

    async def recall(after: int) -> Sequence[Row]:
        return [
            Row(
                number,
                one.time,
                one.id,
                one.chain,
                one.txid,
                tuple(paid.id for paid in one.payments),
                one.claims,
                one.cost,
                one.raw,
            )
            for number, one in record.page(after, PAGE)
        ]

    return recall


async def forget(folder: Path, chain: MemoryChain) -> str:
    """Pay a withdrawal, then put back the ledger of before; the withdrawal's id."""
    async with till(folder, chain) as house:
        await desk(house, folder)
    copied(folder, folder / "older")
    async with till(folder, chain) as house:
        room = await desk(house, folder)
        row = await room.ask(wanted(house, 5_000))
        await house.until_final(house.worker())
    copied(folder / "older", folder)
    return row.id


def copied(here: Path, there: Path) -> None:
    """The ledger and all that stands beside it, and nothing else of it there."""
    there.mkdir(exist_ok=True)
    for file in there.glob("ledger*"):
        file.unlink()
    for file in here.glob("ledger*"):
        shutil.copy(file, there)


def signed(house: Till, folder: Path, *ids: str) -> Record:
    """A signer's record, real, with what it signed for these withdrawals, behind much else."""
    create_record(folder / "record.db")
    record = Record(folder / "record.db", bytes(32), SystemClock())
    for n in range(PAGE + 5):
        record.add(Entry(n, f"move {n}", "BTC", b"", (), (f"x:{n}",), "1", f"other {n}", b""))
    for one in attempts(house.store.reader, 1):
        paid = tuple(Paid(name, b"", "", "5000", 0, True) for name in ids)
        record.add(Entry(1, one.id, "BTC", b"", paid, one.draft.claims, "1", one.txid, one.raw or b""))
    return record


async def owes(house: Till) -> tuple[int, bool]:
    return await house.sequencer.read(lambda state: (-state.balances.get(OWED, 0), state.accounts[WHO].frozen))


async def test_b45_what_was_paid_is_booked_once_and_reconciles(tmp_path: Path) -> None:
    """B45: its owner had the money back; now he has not. The restored house knows it as paid."""
    chain = family("BTC")
    lost = await forget(tmp_path, chain)
    async with till(tmp_path, chain) as house:
        room = await desk(house, tmp_path)
        await room.recover()
        assert await house.sequencer.read(lambda state: state.shut(ASSET)) is not None
        assert await house.money() == (FUNDED, 0)
        books, recall = Forgotten(house.store, house.sequencer), recall_of(signed(house, tmp_path, lost))
        assert await books.book(lost, house.chain, recall) == ""
        assert await house.money() == (FUNDED - 5_000, 0)
        assert "there is nothing to book" in await books.book(lost, house.chain, recall)
        await room.recover()
        assert await house.reports.step()
        assert house.withdrawal(lost).told == WithdrawalState.FINAL
        assert await owes(house) == (0, False)


async def test_what_was_spent_meanwhile_is_owed_and_the_account_is_frozen(tmp_path: Path) -> None:
    chain = family("BTC")
    lost = await forget(tmp_path, chain)
    async with till(tmp_path, chain) as house:
        assert (await house.sequencer.call(co.OpenAccount("bob"))).reject is None
        await house.approve("other", FUNDED - 2_000)
        books, recall = Forgotten(house.store, house.sequencer), recall_of(signed(house, tmp_path, lost))
        assert await books.book(lost, house.chain, recall) == ""
        assert (await house.money())[0] == 0
        assert await owes(house) == (3_000, True)
    assert verify(tmp_path / "ledger.db", lambda done, total: None).events > 0


@pytest.mark.parametrize("fault", ["unsigned", "unknown", "unfinished", "orphaned"])
async def test_b45_without_the_signers_record_or_the_chain_nothing_is_booked(tmp_path: Path, fault: str) -> None:
    """B45: no operator's word alone takes anybody's money, not two operators' either."""
    chain = family("BTC")
    lost = await forget(tmp_path, chain)
    async with till(tmp_path, chain) as house:
        recall = recall_of(signed(house, tmp_path, *(["another"] if fault == "unsigned" else [lost])))
        if fault == "unfinished":
            await house.store.write(lambda db: db.execute("UPDATE withdrawals SET state = 7"))
        if fault == "orphaned":
            house.world.reorg(len(house.world.best) - 2)
            house.world.pool.clear()
        books = Forgotten(house.store, house.sequencer)
        assert await books.book("nothing" if fault == "unknown" else lost, house.chain, recall) != ""
        assert (await house.money(), await owes(house)) == ((FUNDED, 0), (0, False))


async def test_b45_nobody_else_pays_it(tmp_path: Path) -> None:
    """B45: account and amount are those of custody's books, whoever asks."""
    chain = family("BTC")
    lost = await forget(tmp_path, chain)
    async with till(tmp_path, chain) as house:
        assert (await house.sequencer.call(co.OpenAccount("bob"))).reject is None
        bob = AccountId(101)
        assert (await house.sequencer.call(co.Credit(bob, ASSET, Amount(9_000), "gift"))).reject is None
        books, recall = Forgotten(house.store, house.sequencer), recall_of(signed(house, tmp_path, lost))
        assert await books.book(lost, house.chain, recall) == ""
        assert await house.sequencer.read(lambda state: state.available(bob, ASSET)) == 9_000


async def test_what_the_signer_signed_and_an_older_copy_of_the_books_does_not_know_is_found(tmp_path: Path) -> None:
    """All of it, beyond a page of the record, and nothing that the books do know."""
    chain = family("BTC")
    lost = await forget(tmp_path, chain)
    async with till(tmp_path, chain) as house:
        recall = recall_of(signed(house, tmp_path, lost))
        paid = {one.txid for one in attempts(house.store.reader, 1)}
        found = [one.txid for one in await unknown(house.store, recall)]
        assert found == [f"other {n}" for n in range(PAGE + 5)]
        await house.store.write(lambda db: db.execute("DELETE FROM attempts"))
        assert {one.txid for one in await unknown(house.store, recall)} == paid | set(found)
