"""An EVM body says one thing, is written in one way, and says what it pays."""

import msgspec
import pytest
from eth_account import Account

from exchange.custody.evm import body as evm_body
from exchange.custody.evm.body import Body
from exchange.custody.port import Payment, Purpose

TO = "0x2b5ad5c4795c026514f8317c7a215e218dccd6cf"
TOKEN = "0x6813eb9362372eef6200f3b1dbc3f819671cba69"
ACCOUNT = Account.from_key("0x" + "11" * 32)
PLAIN = Body(31337, 7, 1, 20, 21_000, TO, str(10**20), b"", ACCOUNT.address.lower(), Purpose.HOT, 0)


def changed(**fields: object) -> bytes:
    return evm_body.encode(msgspec.structs.replace(PLAIN, **fields))


def test_a_body_is_read_back_as_it_was_written() -> None:
    assert evm_body.decode(evm_body.encode(PLAIN)) == PLAIN


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"to": TO.upper()}, "address"),
        ({"to": TO[:-1]}, "address"),
        ({"sender": ""}, "address"),
        ({"value": "-1"}, "value"),
        ({"value": "01"}, "value"),
        ({"value": str(2**256)}, "value"),
        ({"chain_id": 0}, "chain id"),
        ({"nonce": -1}, "nonce"),
        ({"tip": 21}, "price"),
        ({"price": 2**64 - 1}, "price"),
        ({"gas": 20_999}, "amount of gas"),
        ({"gas": 30_000_001}, "amount of gas"),
    ],
)
def test_a_field_out_of_bounds_is_refused_by_name(fields: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        evm_body.decode(changed(**fields))


@pytest.mark.parametrize(
    "raw",
    [b"", b"\xc0", b"\x90", evm_body.encode(PLAIN)[:-1], evm_body.encode(PLAIN) + b"\x00", b"\x91" * 100_000],
)
def test_bytes_that_are_no_body_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="body"):
        evm_body.decode(raw)


def test_a_second_encoding_of_the_same_body_is_refused() -> None:
    """Otherwise the digest of a body would not name it."""
    longer = evm_body.encode(PLAIN).replace(b"\xcdR\x08", b"\xce\x00\x00R\x08")
    with pytest.raises(ValueError, match="one encoding"):
        evm_body.decode(longer)


def test_coins_without_data_are_a_payment_of_the_chains_own_coin() -> None:
    paid = evm_body.payment(PLAIN, "w1")
    assert paid == Payment("w1", "0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF", 10**20)


def test_one_transfer_without_coins_is_a_payment_of_a_token() -> None:
    body = msgspec.structs.replace(PLAIN, to=TOKEN, value="0", data=evm_body.transfer(TO, 5))
    assert evm_body.payment(body, "w1") == Payment("w1", "0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF", 5, TOKEN)


@pytest.mark.parametrize(
    "data",
    [
        bytes.fromhex("095ea7b3") + evm_body.transfer(TO, 5)[4:],  # approve
        evm_body.transfer(TO, 5) + b"\x00",
        evm_body.transfer(TO, 5)[:-1],
        evm_body.transfer(TO, 5)[:4] + b"\x01" + evm_body.transfer(TO, 5)[5:],
        b"\x00",
    ],
)
def test_any_other_call_is_no_payment(data: bytes) -> None:
    with pytest.raises(ValueError, match="something else"):
        evm_body.payment(msgspec.structs.replace(PLAIN, value="0", data=data), "w1")


def test_a_transfer_that_carries_coins_is_no_payment() -> None:
    with pytest.raises(ValueError, match="coins as well"):
        evm_body.payment(msgspec.structs.replace(PLAIN, data=evm_body.transfer(TO, 5)), "w1")


def test_equal_bodies_are_signed_to_equal_bytes() -> None:
    once, again = (ACCOUNT.sign_transaction(evm_body.unsigned(PLAIN)).raw_transaction for _ in range(2))
    assert once == again
    assert Account.recover_transaction(once) == ACCOUNT.address


def test_two_transactions_with_one_nonce_of_one_sender_share_a_claim() -> None:
    dearer = msgspec.structs.replace(PLAIN, price=40, gas=50_000)
    assert evm_body.claim(dearer) == evm_body.claim(PLAIN) == f"{ACCOUNT.address.lower()}:7"
