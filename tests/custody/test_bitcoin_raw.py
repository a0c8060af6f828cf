"""Blocks and PSBTs by their bytes: as a library reads them, and refused where they do not add up."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256

import pytest
from embit.psbt import PSBT
from embit.script import Script, Witness
from embit.transaction import Transaction, TransactionInput, TransactionOutput
from hypothesis import given
from hypothesis import strategies as st

from exchange.custody.bitcoin import psbt as bitcoin_psbt
from exchange.custody.bitcoin.psbt import Input, Output, Place
from exchange.custody.bitcoin.raw import Malformed, merkle_root, read_header, read_transaction, read_transactions
from exchange.custody.derivation import path
from exchange.custody.port import Purpose
from tests.custody.signing_kit import HOT, Coin, key_at, script

GENESIS = bytes.fromhex(
    "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a"
    "51323a9fb8aa4b1e5e4a29ab5f49ffff001d1dac2b7c0101000000010000000000000000000000000000000000000000000000000000000000000"
    "000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66"
    "207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6"
    "a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000"
)
amounts = st.integers(0, 2**63)
scripts = st.binary(max_size=300)


@st.composite
def transactions(draw: st.DrawFn) -> Transaction:
    """Of every shape, signed or not, as a library makes them."""
    signed = draw(st.booleans())
    inputs = []
    for number in range(draw(st.integers(1, 4))):
        witness = Witness(draw(st.lists(st.binary(max_size=80), min_size=1, max_size=3))) if signed else None
        salt = draw(st.binary(min_size=32, max_size=32))
        inputs.append(TransactionInput(salt, number, Script(draw(scripts)), draw(st.integers(0, 2**32 - 1)), witness))
    outputs = [
        TransactionOutput(amount, Script(to)) for amount, to in draw(st.lists(st.tuples(amounts, scripts), min_size=1))
    ]
    return Transaction(draw(st.integers(1, 2)), inputs, outputs, draw(st.integers(0, 2**32 - 1)))


def test_the_first_block_of_all_is_read() -> None:
    header = read_header(GENESIS)
    (only,) = read_transactions(GENESIS)
    assert header.hash == "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
    assert only.txid == "4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"
    assert only.coinbase
    assert only.outputs[0][0] == 50 * 10**8
    assert merkle_root([only.txid]) == header.root
    assert header.time == 1231006505


@given(transactions())
def test_a_transaction_is_read_as_a_library_reads_it(made: Transaction) -> None:
    found = read_transaction(made.serialize())
    assert found.txid == made.txid().hex()
    assert list(found.spends()) == [f"{one.txid.hex()}:{one.vout}" for one in made.vin]
    assert list(found.outputs) == [(one.value, one.script_pubkey.data) for one in made.vout]
    assert read_transaction(found.stripped).txid == found.txid


@given(transactions(), st.data())
def test_a_transaction_cut_short_is_refused(made: Transaction, data: st.DataObject) -> None:
    whole = made.serialize()
    with pytest.raises(Malformed):
        read_transaction(whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(st.binary(max_size=400), st.binary(max_size=400))
def test_no_bytes_do_worse_than_being_refused(first: bytes, second: bytes) -> None:
    for content in (first, GENESIS[:80] + first, GENESIS[:150] + second, GENESIS[:81] + first):
        for reading in (read_transaction, read_header, bitcoin_psbt.decode, lambda raw: list(read_transactions(raw))):
            with suppress(Malformed):
                reading(content)
    with pytest.raises(Malformed):
        bitcoin_psbt.decode(b"psbt\xff" + first)


@pytest.mark.parametrize("count", ["fdffff", "feffffffff", "ffffffffffffffffff", "00"])
def test_a_count_that_cannot_be_is_refused_before_anything_is_made_of_it(count: str) -> None:
    with pytest.raises(Malformed):
        list(read_transactions(GENESIS[:80] + bytes.fromhex(count) + GENESIS[81:]))
    with pytest.raises(Malformed):
        read_transaction(bytes(3) + b"\2" + bytes.fromhex(count) + bytes(60))


def test_litecoins_transaction_of_the_extension_is_read_without_its_mark() -> None:
    """What the two chains exchange (HogEx): flag 8, and a zero byte before the lock time."""
    plain = read_transaction(Coin(HOT, 5).previous().serialize())
    marked = plain.stripped[:4] + b"\x00\x08" + plain.stripped[4:-4] + b"\x00" + plain.stripped[-4:]
    assert read_transaction(marked).txid == plain.txid
    with pytest.raises(Malformed, match="extension"):
        read_transaction(marked[:-5] + b"\x01" + marked[-4:])


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=20))
def test_the_root_of_a_tree_is_that_of_its_two_halves(leaves: list[bytes]) -> None:
    """A slow, obvious one beside it."""
    level = [leaf[::-1] for leaf in leaves]
    while len(level) > 1:
        level += level[-1:] * (len(level) % 2)
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [sha256(sha256(left + right).digest()).digest() for left, right in pairs]
    assert merkle_root([leaf.hex() for leaf in leaves]) == level[0]


def _parts(count: int) -> tuple[list[Input], list[Output]]:
    inputs = []
    for salt in range(count):
        coin = Coin(HOT, 1_000 + salt, salt)
        previous = coin.previous()
        place = Place(key_at(HOT), path("bitcoin-regtest", *HOT))
        outpoint = f"{previous.txid().hex()}:0"
        inputs.append(Input(outpoint, coin.amount, script(HOT), previous.serialize(), place))
    change = Place(key_at((Purpose.CHANGE, 3)), path("bitcoin-regtest", Purpose.CHANGE, 3))
    return inputs, [Output(700, b"\x51" * 300), Output(90, script((Purpose.CHANGE, 3)), change)]


@pytest.mark.parametrize("count", [1, 2, 255])
def test_a_psbt_is_read_back_as_it_was_written_and_by_a_library_too(count: int) -> None:
    inputs, outputs = bitcoin_psbt.arranged(*_parts(count))
    body = bitcoin_psbt.encode(inputs, outputs)
    assert bitcoin_psbt.decode(body) == (inputs, outputs)
    theirs = PSBT.parse(body)
    assert [scope.witness_utxo.value for scope in theirs.inputs] == [one.amount for one in inputs]
    assert all(scope.non_witness_utxo is not None for scope in theirs.inputs)
    assert theirs.tx.serialize() == bitcoin_psbt.unsigned(inputs, outputs)
    assert [len(scope.bip32_derivations) for scope in theirs.outputs] == [1, 0]


def test_the_order_tells_nobody_which_output_is_the_change() -> None:
    inputs, outputs = _parts(5)
    assert bitcoin_psbt.arranged(inputs[::-1], outputs[::-1]) == bitcoin_psbt.arranged(inputs, outputs)
