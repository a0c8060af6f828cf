"""Which coins pay: nothing is lost, nothing is paid that need not be, and dust is never spent at a loss."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.custody.bitcoin import psbt as bitcoin_psbt
from exchange.custody.bitcoin.coins import MOST_INPUTS, Choice, choose, fee_of, vsize, worth
from exchange.custody.bitcoin.psbt import Input, Output, Place
from exchange.custody.derivation import path
from exchange.custody.port import Coin, Owned, Purpose, Unaffordable
from exchange.custody.signer.bitcoin import read
from tests.custody.signing_kit import GENESIS, HOT, TREE, key_at, script
from tests.custody.signing_kit import Coin as Previous

LEAST = 294
RATE = 10_000


def coin(number: int, amount: int, height: int = 1) -> Coin:
    return Coin(f"{number:064x}:0", amount, Owned("x", Purpose.HOT, 0), height)


purses = st.lists(st.tuples(st.integers(1, 10**9), st.booleans()), max_size=40).map(
    lambda drawn: [coin(number, amount, int(mined)) for number, (amount, mined) in enumerate(drawn)]
)


@given(
    purses, st.integers(1, 10**9), st.integers(1_000, 500_000), st.lists(st.integers(22, 34), min_size=1, max_size=5)
)
def test_what_goes_in_comes_out(coins: list[Coin], total: int, rate: int, scripts: list[int]) -> None:
    """Payments, fee and change are the coins, to the last unit; the fee is what the rate asks, or hardly more."""
    try:
        found = choose(coins, scripts, total, rate, LEAST)
    except Unaffordable:
        useful = sorted((worth(one, rate) for one in coins if worth(one, rate) > 0), reverse=True)
        assert sum(useful) < total + fee_of(rate, vsize(0, scripts) + 3) + len(useful) + 1
        return
    assert sum(one.amount for one in found.coins) == total + found.fee + found.change
    assert len({one.outpoint for one in found.coins}) == len(found.coins)
    outputs = [*scripts, 22] if found.change else scripts
    asked = fee_of(rate, vsize(len(found.coins), outputs))
    assert asked <= found.fee <= asked + (0 if found.change else LEAST + fee_of(rate, 31 + 68) + 1)
    assert found.change == 0 or found.change >= LEAST
    assert all(worth(one, rate) > 0 for one in found.coins)


def test_mined_coins_are_spent_before_our_own_change_that_waits() -> None:
    coins = [coin(1, 50_000, height=0), coin(2, 100_000), coin(3, 80_000)]
    assert choose(coins, [22], 40_000, RATE, LEAST).coins == (coins[2],)
    assert coins[0] in choose(coins, [22], 200_000, RATE, LEAST).coins


def test_of_many_coins_the_smallest_that_is_enough_pays_alone() -> None:
    coins = [coin(number, amount) for number, amount in enumerate([500, 90_000, 60_000, 10**8])]
    assert [one.amount for one in choose(coins, [22], 50_000, RATE, LEAST).coins] == [60_000]


def test_a_hundred_thousand_dust_coins_are_left_where_they_are() -> None:
    """Whoever sends them to us cannot make us pay for them."""
    dust = [coin(number, 600) for number in range(100_000)]
    found = choose([*dust, coin(100_000, 10**6)], [22], 10_000, RATE, LEAST)
    assert [one.amount for one in found.coins] == [10**6]
    with pytest.raises(Unaffordable, match="100000 coins"):
        choose(dust, [22], 10_000, RATE, LEAST)


def test_no_transaction_has_more_coins_than_a_signer_is_shown() -> None:
    coins = [coin(number, 10_000) for number in range(5_000)]
    with pytest.raises(Unaffordable):
        choose(coins, [22], 10_000 * MOST_INPUTS, RATE, LEAST)
    assert len(choose(coins, [22], 9_000 * MOST_INPUTS, RATE, LEAST).coins) <= MOST_INPUTS


def test_nothing_comes_back_where_it_would_be_dust() -> None:
    fee = fee_of(RATE, vsize(1, [22]))
    assert choose([coin(1, 50_000 + fee + 200)], [22], 50_000, RATE, LEAST) == Choice(
        (coin(1, 50_000 + fee + 200),), fee + 200, 0
    )


@pytest.mark.parametrize("count", [1, 3, 253])
def test_a_signed_transaction_is_as_large_as_was_reckoned(count: int) -> None:
    """Never larger; smaller by what signatures happen to be shorter."""
    place = Place(key_at(HOT), path("bitcoin-regtest", *HOT))
    inputs = []
    for salt in range(count):
        previous = Previous(HOT, 100_000 + salt, salt).previous()
        inputs.append(Input(f"{previous.txid().hex()}:0", 100_000 + salt, script(HOT), previous.serialize(), place))
    outputs = [Output(5_000, bytes(length)) for length in (22, 25, 34)]
    signed = read("bitcoin-regtest", GENESIS, bitcoin_psbt.encode(inputs, outputs), TREE).sign()
    stripped = len(bitcoin_psbt.unsigned(inputs, outputs))
    real = -(-(3 * stripped + len(signed.raw)) // 4)
    reckoned = vsize(count, [22, 25, 34])
    assert reckoned - count - 1 <= real <= reckoned
