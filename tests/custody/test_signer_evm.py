"""What the signer signs and refuses on EVM chains. The server that asks is taken for hostile."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from exchange.custody.derivation import EVM, checksummed, path
from exchange.custody.evm import body as evm_body
from exchange.custody.port import Payment, Purpose
from exchange.custody.signer.judge import Judge
from exchange.custody.signer.judged import No
from exchange.custody.signing import Wish
from tests.custody import signing_kit as kit
from tests.custody.signing_kit import ANN, ETHER, EVM_STRANGER, HOT, USDT

PAID = kit.half_ether()
TOKENS = Payment("w-2", EVM_STRANGER, 50 * 10**6, USDT)
SWEPT = (Purpose.DEPOSIT, 6)
GAS = (Purpose.GAS, 0)


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    return kit.open_judge(kit.make_wallet(tmp_path / "signer"))


def token_body(**changes: object) -> evm_body.Body:
    data = evm_body.transfer(EVM_STRANGER.lower(), TOKENS.amount)
    return kit.body(**{"to": USDT, "value": "0", "data": data, "gas": 90_000, **changes})


def between(sender: tuple[Purpose, int], aim: tuple[Purpose, int], **changes: object) -> evm_body.Body:
    """Coins from one place of ours to another."""
    return kit.body(
        sender=kit.own(sender, EVM).lower(),
        purpose=sender[0],
        index=sender[1],
        to=kit.own(aim, EVM).lower(),
        aim=aim,
        **{"value": str(ETHER // 1_000), **changes},
    )


def inside(said: evm_body.Body) -> Wish:
    return kit.evm_wish(said, (), id="inside-1")


def test_the_signature_is_the_one_that_eth_account_makes(judge: Judge) -> None:
    said = token_body()
    signed = judge.sign(kit.evm_wish(said, (TOKENS,)))
    theirs = Account.sign_transaction(evm_body.unsigned(said), kit.TREE.below(path(EVM, *HOT)).key.secret)
    assert signed.raw == bytes(theirs.raw_transaction)
    assert signed.txid == theirs.hash.to_0x_hex()


def test_a_payment_of_the_chains_coin_is_signed_by_the_hot_wallet(judge: Judge) -> None:
    signed = judge.sign(kit.evm_wish(kit.body(), (PAID,)))
    assert Account.recover_transaction(signed.raw) == kit.own(HOT, EVM)
    assert TypedTransaction.from_bytes(HexBytes(signed.raw)).as_dict()["value"] == ETHER // 2


def test_amounts_beyond_64_bits_are_exact(judge: Judge) -> None:
    paid = Payment("w-1", EVM_STRANGER, 19 * ETHER + 1)
    approvals = kit.approve(paid, ANN, kit.BEN, chain="ETH", identity=str(kit.CHAIN_ID))
    signed = judge.sign(kit.evm_wish(kit.body(value=str(paid.amount)), (paid,), approvals))
    assert TypedTransaction.from_bytes(HexBytes(signed.raw)).as_dict()["value"] == paid.amount


@pytest.mark.parametrize(
    "changes",
    [
        {"to": "0x" + "ab" * 20},
        {"value": str(ETHER // 2 + 1)},
        {"value": "0"},
        {"to": kit.own((Purpose.HOT, 1), EVM).lower()},
    ],
)
def test_a_swapped_recipient_or_amount_is_refused(judge: Judge, changes: dict[str, object]) -> None:
    with pytest.raises(No, match="not paid as approved"):
        judge.sign(kit.evm_wish(kit.body(**changes), (PAID,)))


@pytest.mark.parametrize(
    "data",
    [
        evm_body.transfer("0x" + "ab" * 20, TOKENS.amount),
        evm_body.transfer(EVM_STRANGER.lower(), TOKENS.amount + 1),
    ],
)
def test_a_swapped_token_transfer_is_refused(judge: Judge, data: bytes) -> None:
    with pytest.raises(No, match="not paid as approved"):
        judge.sign(kit.evm_wish(token_body(data=data), (TOKENS,)))


def test_another_token_is_refused(judge: Judge) -> None:
    with pytest.raises(No, match="not paid as approved"):
        judge.sign(kit.evm_wish(token_body(to="0x" + "66" * 20), (TOKENS,)))
    unknown = Payment("w-2", EVM_STRANGER, TOKENS.amount, "0x" + "66" * 20)
    with pytest.raises(No, match="know no such asset"):
        judge.sign(kit.evm_wish(token_body(to="0x" + "66" * 20), (unknown,)))


@pytest.mark.parametrize(
    "changes",
    [
        {"data": bytes.fromhex("095ea7b3") + bytes(64)},
        {"data": evm_body.transfer(EVM_STRANGER.lower(), TOKENS.amount) + b"\x00"},
        {"data": evm_body.TRANSFER + b"\x01" + bytes(63)},
        {"value": "1"},
    ],
)
def test_a_call_that_is_no_plain_transfer_is_refused(judge: Judge, changes: dict[str, object]) -> None:
    with pytest.raises(No, match="a call"):
        judge.sign(kit.evm_wish(token_body(**changes), (TOKENS,)))


def test_a_wrong_chain_id_is_refused(judge: Judge) -> None:
    with pytest.raises(No, match="for chain 1, and ETH is 31337"):
        judge.sign(kit.evm_wish(kit.body(chain_id=1), (PAID,)))


def test_an_absurd_fee_is_refused(judge: Judge) -> None:
    with pytest.raises(No, match="absurd"):
        judge.sign(kit.evm_wish(kit.body(price=10**12), (PAID,)))


@pytest.mark.parametrize("changes", [{"sender": "0x" + "ab" * 20}, {"index": 1}, {"purpose": Purpose.COLD}])
def test_a_sender_that_is_not_ours_is_refused(judge: Judge, changes: dict[str, object]) -> None:
    with pytest.raises(No, match="not the place of ours"):
        judge.sign(kit.evm_wish(kit.body(**changes), (PAID,)))


def test_a_payment_from_a_deposit_address_is_refused(judge: Judge) -> None:
    said = kit.body(sender=kit.own(SWEPT, EVM).lower(), purpose=SWEPT[0], index=SWEPT[1])
    with pytest.raises(No, match="from the hot wallet alone"):
        judge.sign(kit.evm_wish(said, (PAID,)))


@pytest.mark.parametrize("address", [EVM_STRANGER[:-1] + "B", "0x" + "aA" * 20, "bcrt1q", "", "0x12"])
def test_a_mistyped_address_is_refused(judge: Judge, address: str) -> None:
    with pytest.raises(No):
        judge.sign(kit.evm_wish(kit.body(), (msgspec.structs.replace(PAID, address=address),)))


def test_an_approval_for_another_chain_id_is_refused(judge: Judge) -> None:
    approvals = kit.approve(PAID, ANN, chain="ETH", identity="1")
    with pytest.raises(No, match="edited or replayed"):
        judge.sign(kit.evm_wish(kit.body(), (PAID,), approvals))


def test_a_sweep_to_the_hot_wallet_is_signed(judge: Judge) -> None:
    assert judge.sign(inside(between(SWEPT, HOT))).raw


def test_a_token_sweep_to_the_hot_wallet_is_signed(judge: Judge) -> None:
    data = evm_body.transfer(kit.own(HOT, EVM).lower(), 10**9)
    said = msgspec.structs.replace(between(SWEPT, HOT), to=USDT, value="0", data=data, gas=90_000)
    assert judge.sign(inside(said)).raw


def test_a_sweep_of_a_token_that_no_rule_names_is_refused(judge: Judge) -> None:
    data = evm_body.transfer(kit.own(HOT, EVM).lower(), 10**9)
    said = msgspec.structs.replace(between(SWEPT, HOT), to="0x" + "66" * 20, value="0", data=data, gas=90_000)
    with pytest.raises(No, match="know no token"):
        judge.sign(inside(said))


@pytest.mark.parametrize("aim", [None, HOT])
def test_a_sweep_to_a_stranger_is_refused(judge: Judge, aim: tuple[Purpose, int] | None) -> None:
    said = msgspec.structs.replace(between(SWEPT, HOT), to="0x" + "ab" * 20, aim=aim)
    with pytest.raises(No):
        judge.sign(inside(said))


def test_gas_for_a_deposit_address_is_signed_up_to_the_limit(judge: Judge) -> None:
    assert judge.sign(inside(between(GAS, SWEPT, value=str(5 * ETHER // 1_000)))).raw


def test_too_much_gas_for_a_deposit_address_is_refused(judge: Judge) -> None:
    with pytest.raises(No, match="may be given"):
        judge.sign(inside(between(GAS, SWEPT, value=str(5 * ETHER // 1_000 + 1))))


def test_hot_coins_to_a_deposit_address_are_refused(judge: Judge) -> None:
    with pytest.raises(No, match="not ours to send to"):
        judge.sign(inside(between(HOT, SWEPT)))


def test_gas_given_away_counts_as_fees_of_the_day(judge: Judge) -> None:
    for number in range(9):
        said = between(GAS, SWEPT, value=str(5 * ETHER // 1_000), nonce=number)
        judge.sign(kit.evm_wish(said, (), id=f"gas-{number}"))
    with pytest.raises(No, match="fees of"):
        judge.sign(kit.evm_wish(between(GAS, SWEPT, value=str(5 * ETHER // 1_000), nonce=9), (), id="gas-9"))


def test_a_nonce_is_given_up_by_paying_ourselves(judge: Judge) -> None:
    assert judge.sign(inside(between(HOT, HOT, value="0"))).raw


def test_every_cut_of_a_body_is_refused(judge: Judge) -> None:
    whole = evm_body.encode(token_body())
    for size in range(len(whole)):
        with pytest.raises(No):
            judge.sign(Wish("draft-1", "ETH", whole[:size], (TOKENS,)))


def test_a_checksummed_or_lower_case_address_is_one_recipient(judge: Judge) -> None:
    lower = msgspec.structs.replace(PAID, address=EVM_STRANGER.lower())
    assert judge.sign(kit.evm_wish(kit.body(), (lower,))).raw
    assert checksummed(EVM_STRANGER[2:].lower()) == EVM_STRANGER
