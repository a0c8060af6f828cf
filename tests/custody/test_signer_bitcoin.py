"""What the signer signs and refuses on Bitcoin's family. The server that asks is taken for hostile."""

from __future__ import annotations

from pathlib import Path

import pytest
from embit.psbt import PSBT
from embit.transaction import Transaction

from exchange.custody.derivation import EVM, HARD, path
from exchange.custody.port import Payment, Purpose
from exchange.custody.signer.bitcoin import script_of
from exchange.custody.signer.judge import Judge
from exchange.custody.signer.judged import No
from exchange.custody.signing import Wish
from tests.custody import signing_kit as kit
from tests.custody.signing_kit import ANN, BEN, BTC, EVE, HOT, SATS, Coin

SMALL = Payment("w-1", kit.STRANGER, SATS // 20)
LARGE = Payment("w-2", kit.STRANGER, SATS // 2)
HUGE = Payment("w-3", kit.STRANGER, 2 * SATS)


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    return kit.open_judge(kit.make_wallet(tmp_path / "signer"))


def edited(wish: Wish, act: str) -> Wish:
    """The wish with something of its PSBT changed."""
    psbt = PSBT.parse(wish.body)
    scope = psbt.inputs[0]
    match act:
        case "no previous transaction":
            scope.non_witness_utxo = None
        case "another previous transaction":
            scope.non_witness_utxo = Coin(HOT, 9 * SATS, salt=9).previous()
        case "lying witness amount":
            scope.witness_utxo.value += 1
        case "lying witness script":
            scope.witness_utxo.script_pubkey.data = b"\x00\x14" + bytes(20)
        case "sighash none":
            scope.sighash_type = 2
        case "no path":
            scope.bip32_derivations.clear()
        case "another path":
            next(iter(scope.bip32_derivations.values())).derivation[-1] = 1
        case "a path that is not ours":
            next(iter(scope.bip32_derivations.values())).derivation[0] = 49 + HARD
        case "locked until later":
            psbt.locktime = 900_000
        case "no outputs":
            psbt.outputs.clear()
        case "a coin twice":
            psbt.inputs.append(scope)
        case _:
            raise AssertionError(act)
    return Wish(wish.id, wish.chain, psbt.serialize(), wish.payments, wish.approvals)


def test_an_approved_payment_is_signed_as_it_was_drafted(judge: Judge) -> None:
    signed = judge.sign(kit.bitcoin_wish(LARGE, kit.approve(LARGE, ANN)))
    transaction = Transaction.parse(signed.raw)
    assert transaction.txid().hex() == signed.txid
    assert [(out.value, out.script_pubkey.data) for out in transaction.vout] == [
        (LARGE.amount, script_of(BTC, kit.STRANGER)),
        (3 * SATS - LARGE.amount - 10_000, kit.script((Purpose.CHANGE, 4))),
    ]
    assert transaction.vin[0].witness.items[1] == kit.key_at(HOT)


def test_a_small_payment_needs_nobody(judge: Judge) -> None:
    assert judge.sign(kit.bitcoin_wish(SMALL)).raw


def batch(paid: tuple[Payment, ...], named: tuple[Payment, ...]) -> Wish:
    outputs = [(script_of(BTC, one.address), one.amount, None) for one in paid]
    return Wish("draft-1", "BTC", kit.psbt([Coin(HOT, SATS // 10)], outputs).serialize(), named)


def test_a_batch_pays_each_its_own(judge: Judge) -> None:
    other = Payment("w-9", "bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry", SATS // 25)
    wish = batch((other, SMALL), (SMALL, other))
    spare = Coin(HOT, SMALL.amount + other.amount + 1_000)
    outputs = [(script_of(BTC, one.address), one.amount, None) for one in (other, SMALL)]
    assert judge.sign(Wish(wish.id, "BTC", kit.psbt([spare], outputs).serialize(), wish.payments)).raw


def test_a_batch_that_leaves_one_out_is_refused(judge: Judge) -> None:
    twin = Payment("w-9", SMALL.address, SMALL.amount)
    with pytest.raises(No, match="w-9 is not paid as approved"):
        judge.sign(batch((SMALL,), (SMALL, twin)))


def test_a_batch_that_pays_one_twice_is_refused(judge: Judge) -> None:
    with pytest.raises(No, match="nobody approved"):
        judge.sign(batch((SMALL, SMALL), (SMALL,)))
    with pytest.raises(No, match="stands in it twice"):
        judge.sign(batch((SMALL, SMALL), (SMALL, SMALL)))


def test_a_swapped_recipient_is_refused(judge: Judge) -> None:
    thief = script_of(BTC, kit.own((Purpose.HOT, 77)))
    with pytest.raises(No, match="not paid as approved"):
        judge.sign(kit.bitcoin_wish(LARGE, kit.approve(LARGE, ANN), to=b"\x00\x14" + bytes(20)))
    with pytest.raises(No, match="not paid as approved"):
        judge.sign(kit.bitcoin_wish(LARGE, kit.approve(LARGE, ANN), to=thief))


@pytest.mark.parametrize("amount", [LARGE.amount + 1, LARGE.amount - 1])
def test_a_swapped_amount_is_refused(judge: Judge, amount: int) -> None:
    with pytest.raises(No, match="not paid as approved"):
        judge.sign(kit.bitcoin_wish(LARGE, kit.approve(LARGE, ANN), amount=amount))


def test_swapped_change_that_claims_to_be_ours_is_refused(judge: Judge) -> None:
    with pytest.raises(No, match="swapped change address"):
        judge.sign(kit.bitcoin_wish(LARGE, kit.approve(LARGE, ANN), change_to=b"\x00\x14" + bytes(20)))


def test_change_to_a_stranger_is_refused(judge: Judge) -> None:
    wish = kit.bitcoin_wish(LARGE, kit.approve(LARGE, ANN), change=None, change_to=b"\x00\x14" + bytes(20))
    with pytest.raises(No, match="nobody approved and that is no change"):
        judge.sign(wish)


@pytest.mark.parametrize("place", [(Purpose.DEPOSIT, 0), (Purpose.GAS, 0)])
def test_change_to_another_wallet_of_ours_is_refused(judge: Judge, place: tuple[Purpose, int]) -> None:
    with pytest.raises(No, match="no change"):
        judge.sign(kit.bitcoin_wish(LARGE, kit.approve(LARGE, ANN), change=place))


def test_change_far_beyond_any_search_is_refused(judge: Judge) -> None:
    with pytest.raises(No, match="swapped change"):
        judge.sign(kit.bitcoin_wish(LARGE, kit.approve(LARGE, ANN), change=(Purpose.CHANGE, 10_000_001)))


def test_a_payment_out_of_a_deposit_address_is_refused(judge: Judge) -> None:
    coin = Coin((Purpose.DEPOSIT, 5), 3 * SATS)
    with pytest.raises(No, match="from the hot wallet alone"):
        judge.sign(kit.bitcoin_wish(LARGE, kit.approve(LARGE, ANN), coin=coin))


@pytest.mark.parametrize(
    ("act", "why"),
    [
        ("no previous transaction", "is not shown"),
        ("another previous transaction", "is another one"),
        ("lying witness amount", "is a lie"),
        ("lying witness script", "is a lie"),
        ("sighash none", "less than the whole"),
        ("no path", "no coin of a place of ours"),
        ("another path", "no coin of a place of ours"),
        ("a path that is not ours", "no coin of a place of ours"),
        ("locked until later", "locked until later"),
        ("no outputs", "0 outputs"),
        ("a coin twice", "spent twice"),
    ],
)
def test_an_edited_psbt_is_refused(judge: Judge, act: str, why: str) -> None:
    with pytest.raises(No, match=why):
        judge.sign(edited(kit.bitcoin_wish(LARGE, kit.approve(LARGE, ANN)), act))


def test_a_fee_above_the_ceiling_is_absurd(judge: Judge) -> None:
    with pytest.raises(No, match="absurd"):
        judge.sign(kit.bitcoin_wish(LARGE, kit.approve(LARGE, ANN), fee=100_001))


def test_more_out_than_in_is_refused(judge: Judge) -> None:
    with pytest.raises(No, match="more than it takes in"):
        judge.sign(kit.bitcoin_wish(LARGE, kit.approve(LARGE, ANN), fee=-1))


@pytest.mark.parametrize("body", [b"", b"psbt\xff", b"psbt\xff\x00", b"\x00" * 100, b"psbt\xff" + b"\xff" * 50])
def test_bytes_that_are_no_psbt_are_refused(judge: Judge, body: bytes) -> None:
    with pytest.raises(No):
        judge.sign(Wish("draft-1", "BTC", body, (SMALL,)))


def test_every_cut_of_a_draft_is_refused_or_the_same_payment(judge: Judge) -> None:
    whole = kit.bitcoin_wish(SMALL)
    for size in range(0, len(whole.body), 7):
        with pytest.raises(No):
            judge.sign(Wish("draft-1", "BTC", whole.body[:size], (SMALL,)))


def test_without_payments_it_sends_to_our_own_hot_wallet(judge: Judge) -> None:
    coin = Coin((Purpose.DEPOSIT, 8), SATS)
    assert judge.sign(kit.inside_wish("sweep-1", coin, [(kit.script(HOT), SATS - 500, HOT)])).raw


@pytest.mark.parametrize("place", [(Purpose.DEPOSIT, 3), (Purpose.DEPOSIT, 8)])
def test_without_payments_nothing_goes_to_a_persons_deposit_address(judge: Judge, place: tuple[Purpose, int]) -> None:
    wish = kit.inside_wish("sweep-1", Coin(HOT, SATS), [(kit.script(place), SATS - 500, place)])
    with pytest.raises(No, match="not ours to send to"):
        judge.sign(wish)


@pytest.mark.parametrize("claimed", [None, HOT])
def test_without_payments_nothing_goes_to_a_stranger(judge: Judge, claimed: tuple[Purpose, int] | None) -> None:
    wish = kit.inside_wish("sweep-1", Coin(HOT, SATS), [(script_of(BTC, kit.STRANGER), SATS - 500, claimed)])
    with pytest.raises(No):
        judge.sign(wish)


def test_without_payments_coins_go_to_a_sealed_cold_address(tmp_path: Path) -> None:
    judge = kit.open_judge(kit.make_wallet(tmp_path / "signer"), cold={"BTC": (kit.STRANGER,)})
    to_cold = (script_of(BTC, kit.STRANGER), SATS - 500, None)
    assert judge.sign(kit.inside_wish("spill-1", Coin(HOT, SATS), [to_cold])).raw


def test_two_people_are_needed_above_the_limit_of_one(judge: Judge) -> None:
    with pytest.raises(No, match="wants 2 approvals and has 1"):
        judge.sign(kit.bitcoin_wish(HUGE, kit.approve(HUGE, ANN)))
    assert judge.sign(kit.bitcoin_wish(HUGE, kit.approve(HUGE, ANN, BEN))).raw


def test_an_approver_counts_once(judge: Judge) -> None:
    with pytest.raises(No, match="wants 2 approvals and has 1"):
        judge.sign(kit.bitcoin_wish(HUGE, kit.approve(HUGE, ANN, ANN)))


def test_an_approval_by_an_unknown_key_is_refused(judge: Judge) -> None:
    with pytest.raises(No, match="a key that the signer does not know"):
        judge.sign(kit.bitcoin_wish(LARGE, kit.approve(LARGE, ANN, EVE)))


def test_an_edited_approval_is_refused(judge: Judge) -> None:
    (approval,) = kit.approve(LARGE, ANN)
    broken = approval.signature[:-1] + bytes((approval.signature[-1] ^ 1,))
    with pytest.raises(No, match="edited or replayed"):
        judge.sign(kit.bitcoin_wish(LARGE, (type(approval)(approval.payment, approval.approver, broken),)))


def test_an_approval_of_another_content_is_refused(judge: Judge) -> None:
    cheaper = Payment(LARGE.id, LARGE.address, LARGE.amount - 1)
    with pytest.raises(No, match="edited or replayed"):
        judge.sign(kit.bitcoin_wish(LARGE, kit.approve(cheaper, ANN)))


def test_an_approval_for_another_chain_is_refused(judge: Judge) -> None:
    with pytest.raises(No, match="edited or replayed"):
        judge.sign(kit.bitcoin_wish(LARGE, kit.approve(LARGE, ANN, chain="LTC")))
    with pytest.raises(No, match="edited or replayed"):
        judge.sign(kit.bitcoin_wish(LARGE, kit.approve(LARGE, ANN, identity="00" * 32)))


def test_an_approval_replayed_for_another_payment_is_refused(judge: Judge) -> None:
    again = Payment("w-8", LARGE.address, LARGE.amount)
    with pytest.raises(No, match="a payment that is not in it"):
        judge.sign(kit.bitcoin_wish(again, kit.approve(LARGE, ANN)))
    (approval,) = kit.approve(LARGE, ANN)
    renamed = type(approval)(again.id, approval.approver, approval.signature)
    with pytest.raises(No, match="edited or replayed"):
        judge.sign(kit.bitcoin_wish(again, (renamed,)))


def test_an_unknown_chain_is_refused(judge: Judge) -> None:
    with pytest.raises(No, match="know no chain DOGE"):
        judge.sign(Wish("draft-1", "DOGE", kit.bitcoin_wish(SMALL).body, (SMALL,)))


def test_a_wrong_networks_address_is_refused(judge: Judge) -> None:
    elsewhere = Payment("w-1", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", SATS // 20)
    with pytest.raises(No, match="address of"):
        judge.sign(kit.bitcoin_wish(elsewhere, to=b"\x00\x14" + bytes(20)))


def test_paths_of_the_other_family_open_nothing(judge: Judge) -> None:
    wish = kit.bitcoin_wish(SMALL)
    psbt = PSBT.parse(wish.body)
    next(iter(psbt.inputs[0].bip32_derivations.values())).derivation = list(path(EVM, *HOT))
    with pytest.raises(No, match="no coin of a place of ours"):
        judge.sign(Wish("draft-1", "BTC", psbt.serialize(), (SMALL,)))
