"""The signer's limits of a day, and its memory: the same wish twice, another draft of one payment, a restart."""

from __future__ import annotations

from pathlib import Path

import apsw
import msgspec
import pytest

from exchange.custody.port import Payment, Purpose
from exchange.custody.signer import keystore
from exchange.custody.signer.bitcoin import script_of
from exchange.custody.signer.folder import Folder
from exchange.custody.signer.judge import Judge
from exchange.custody.signer.judged import No
from exchange.custody.signer.record import DAY, Record, RecordDamaged
from exchange.custody.signing import Wish
from tests.custody import signing_kit as kit
from tests.custody.signing_kit import ANN, BEN, HOT, SATS, Coin, Hands


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return kit.make_wallet(tmp_path / "signer")


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def judge(folder: Folder, clock: Hands) -> Judge:
    return kit.open_judge(folder, clock)


def paying(number: int, amount: int, coin: Coin | None = None, fee: int = 1_000) -> Wish:
    payment = Payment(f"w-{number}", kit.STRANGER, amount)
    approvals = kit.approve(payment, ANN, BEN) if amount > SATS // 10 else ()
    coin = coin or Coin(HOT, 6 * SATS, salt=number)
    return kit.bitcoin_wish(payment, approvals, id=f"draft-{number}", coin=coin, fee=fee)


def record_of(folder: Folder) -> Record:
    secrets = keystore.open_vault(folder.vault, kit.PASSPHRASE, Hands()).secrets
    return Record(folder.record, secrets.record_key, Hands())


def test_over_the_days_limit_is_refused_however_many_approve(judge: Judge) -> None:
    judge.sign(paying(1, 3 * SATS))
    with pytest.raises(No, match="over the signer's limit"):
        judge.sign(paying(2, 2 * SATS + 1))
    assert judge.sign(paying(3, 2 * SATS)).raw


def test_a_day_later_there_is_room_again(judge: Judge, clock: Hands) -> None:
    judge.sign(paying(1, 5 * SATS))
    clock.time += DAY - 1
    with pytest.raises(No, match="over the signer's limit"):
        judge.sign(paying(2, SATS))
    clock.time += 1
    assert judge.sign(paying(2, SATS)).raw


def test_a_clock_put_back_makes_no_room(judge: Judge, clock: Hands) -> None:
    judge.sign(paying(1, 5 * SATS))
    clock.time -= 3 * DAY
    with pytest.raises(No, match="over the signer's limit"):
        judge.sign(paying(2, SATS))


def test_many_small_payments_without_a_person_have_a_limit_of_their_own(judge: Judge) -> None:
    for number in range(2):
        judge.sign(paying(number, SATS // 10))
    with pytest.raises(No, match="without a person"):
        judge.sign(paying(3, SATS // 10))
    assert judge.sign(paying(4, SATS)).raw


def test_many_fees_have_a_limit_of_their_own(judge: Judge) -> None:
    for number in range(4):
        judge.sign(
            kit.inside_wish(f"sweep-{number}", Coin(HOT, SATS, number), [(kit.script(HOT), SATS - 100_000, HOT)])
        )
    with pytest.raises(No, match="fees of"):
        judge.sign(kit.inside_wish("sweep-5", Coin(HOT, SATS, 5), [(kit.script(HOT), SATS - 1, HOT)]))


def test_the_same_wish_gets_the_same_bytes_and_counts_once(judge: Judge) -> None:
    signed = judge.sign(paying(1, 3 * SATS))
    assert judge.sign(paying(1, 3 * SATS)) == signed
    assert judge.sign(paying(2, 2 * SATS)).raw


def test_the_same_id_with_another_content_is_refused(judge: Judge) -> None:
    judge.sign(paying(1, SATS))
    with pytest.raises(No, match="signed with another content"):
        judge.sign(paying(1, SATS, fee=2_000))


def test_a_second_draft_that_excludes_no_earlier_one_would_pay_twice(judge: Judge) -> None:
    wish = paying(1, SATS)
    judge.sign(wish)
    other = paying(1, SATS, Coin(HOT, 6 * SATS, salt=99))
    with pytest.raises(No, match="could be paid twice"):
        judge.sign(msgspec.structs.replace(other, id="draft-1b"))


def test_a_replacement_must_exclude_every_earlier_draft(judge: Judge) -> None:
    """A spends x; B spends x and y; C spends only y: B excludes A, C excludes B, and A and C could both be mined."""
    payment = Payment("w-1", kit.STRANGER, SATS)
    x, y = Coin(HOT, 3 * SATS, salt=1), Coin(HOT, 3 * SATS, salt=2)

    def draft(id: str, *coins: Coin) -> Wish:
        change = sum(coin.amount for coin in coins) - SATS - 2_000
        place = (Purpose.CHANGE, 1)
        outputs = [(script_of(kit.BTC, kit.STRANGER), SATS, None), (kit.script(place), change, place)]
        return Wish(id, "BTC", kit.psbt(coins, outputs).serialize(), (payment,), kit.approve(payment, ANN))

    judge.sign(draft("a", x))
    judge.sign(draft("b", x, y))
    with pytest.raises(No, match="could be paid twice"):
        judge.sign(draft("c", y))


def test_a_replacement_for_a_higher_fee_is_signed_and_counts_once(judge: Judge) -> None:
    judge.sign(paying(1, 3 * SATS))
    judge.sign(msgspec.structs.replace(paying(1, 3 * SATS, fee=5_000), id="draft-1b"))
    assert judge.sign(paying(2, 2 * SATS)).raw


def test_an_evm_payment_with_another_nonce_would_pay_twice(judge: Judge) -> None:
    judge.sign(kit.evm_wish(kit.body(), (kit.half_ether(),)))
    with pytest.raises(No, match="could be paid twice"):
        judge.sign(kit.evm_wish(kit.body(nonce=1), (kit.half_ether(),), id="draft-2"))
    assert judge.sign(kit.evm_wish(kit.body(price=3 * 10**9), (kit.half_ether(),), id="draft-3")).raw


def test_a_payments_content_cannot_change_between_drafts(judge: Judge) -> None:
    coin = Coin(HOT, 6 * SATS, salt=1)
    judge.sign(paying(1, SATS, coin))
    with pytest.raises(No, match="another content"):
        judge.sign(msgspec.structs.replace(paying(1, SATS + 1, coin), id="draft-1b"))


def test_a_restart_forgets_neither_limits_nor_bytes_nor_payments(judge: Judge, folder: Folder, clock: Hands) -> None:
    signed = judge.sign(paying(1, 3 * SATS))
    again = kit.open_judge(folder, clock)
    assert again.sign(paying(1, 3 * SATS)) == signed
    with pytest.raises(No, match="over the signer's limit"):
        again.sign(paying(2, 2 * SATS + 1))
    other = paying(1, 3 * SATS, Coin(HOT, 6 * SATS, salt=99))
    with pytest.raises(No, match="could be paid twice"):
        again.sign(msgspec.structs.replace(other, id="draft-1b"))


def test_a_missing_record_is_not_begun_anew(folder: Folder) -> None:
    folder.record.unlink()
    with pytest.raises(RecordDamaged, match="is missing"):
        record_of(folder)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE drafts SET row = zeroblob(length(row)) WHERE number = 1",
        "UPDATE drafts SET code = zeroblob(32) WHERE number = 2",
        "DELETE FROM drafts WHERE number = 1",
        "DELETE FROM drafts WHERE number = 2",
        "DELETE FROM names",
        "DELETE FROM payments WHERE number = 2",
        "UPDATE payments SET number = 1 WHERE number = 2",
        "UPDATE names SET id = 'draft-9' WHERE number = 1",
        "INSERT INTO drafts SELECT 3, row, code FROM drafts WHERE number = 2",
    ],
)
def test_an_altered_record_is_found_when_it_is_opened(judge: Judge, folder: Folder, statement: str) -> None:
    judge.sign(paying(1, SATS))
    judge.sign(paying(2, SATS))
    tampering = apsw.Connection(str(folder.record))
    tampering.execute(statement)
    tampering.close()
    with pytest.raises(RecordDamaged):
        record_of(folder)
