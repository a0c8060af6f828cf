"""Deposits on a real bitcoind: credited once, never too early, and what is no deposit is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.core import audit
from exchange.core.transfers import DepositState
from exchange.custody.bitcoin.address import script_of
from exchange.custody.bitcoin.chain import BitcoinChain
from exchange.custody.bitcoin.networks import NETWORKS
from exchange.custody.port import Purpose, WrongChain
from exchange.custody.rpc import Rpc
from tests.chains.bitcoin.house import ALICE, BOB, DUST, FUNDED, NAME, house
from tests.chains.bitcoin.regtest import COIN, Regtest

SEEN, CONFIRMING, CREDITED, HELD, ORPHANED = (
    DepositState.SEEN,
    DepositState.CONFIRMING,
    DepositState.CREDITED,
    DepositState.HELD,
    DepositState.ORPHANED,
)


async def test_a_deposit_is_seen_then_confirming_then_credited_to_the_last_unit(
    tmp_path: Path, regtest: Regtest
) -> None:
    async with house(tmp_path, regtest) as h:
        txid = regtest.pay(h.alice, 12_345_678)
        await h.follow()
        assert (h.states(txid), h.has()) == ([SEEN], 0)
        await h.mine()
        assert (h.states(txid), h.has()) == ([CONFIRMING], 0)
        await h.mine()
        assert (h.states(txid), h.has(), h.credits()) == ([CREDITED], 12_345_678, [CREDITED])
        assert not list(audit.violations(h.sequencer.state))


async def test_a_large_deposit_waits_for_more_blocks(tmp_path: Path, regtest: Regtest) -> None:
    """By the network's table: four from a whole coin on."""
    async with house(tmp_path, regtest) as h:
        regtest.pay(h.alice, COIN)
        await h.mine(3)
        assert h.has() == 0
        await h.mine()
        assert h.has() == COIN


async def test_an_unconfirmed_deposit_that_is_replaced_is_never_credited(tmp_path: Path, regtest: Regtest) -> None:
    """RBF: the sender takes it back for a higher fee before it is mined."""
    async with house(tmp_path, regtest) as h:
        first = regtest.send(regtest.craft([(script_of(regtest.network, h.alice), COIN // 2)]))
        await h.follow()
        assert h.states(first) == [SEEN]
        regtest.send(regtest.craft([], spending=first, fee=200_000))
        await h.follow()
        assert h.states(first) == [ORPHANED]
        await h.mine(5)
        assert (h.states(first), h.has(), h.credits()) == ([ORPHANED], 0, [])


async def test_a_deposit_replaced_by_one_that_pays_us_too_is_credited_once(tmp_path: Path, regtest: Regtest) -> None:
    async with house(tmp_path, regtest) as h:
        to = script_of(regtest.network, h.alice)
        first = regtest.send(regtest.craft([(to, COIN // 2)]))
        await h.follow()
        second = regtest.send(regtest.craft([(to, COIN // 2)], spending=first, fee=200_000))
        await h.mine(3)
        assert (h.states(first), h.states(second)) == ([ORPHANED], [CREDITED])
        assert h.has() == COIN // 2


async def test_what_a_miner_made_is_credited_when_it_may_be_spent(tmp_path: Path, regtest: Regtest) -> None:
    """Coinbase: a hundred blocks."""
    async with house(tmp_path, regtest) as h:
        regtest.mine(1, to=h.alice)
        await h.mine(98)
        assert (h.states(), h.has()) == ([CONFIRMING], 0)
        await h.mine()
        assert h.states() == [CREDITED]
        assert h.has() == int(h.rows()[0].amount) > 0


async def test_four_outputs_of_one_transaction_are_four_deposits(tmp_path: Path, regtest: Regtest) -> None:
    """Three of them to one address."""
    async with house(tmp_path, regtest) as h:
        alice, bob = script_of(regtest.network, h.alice), script_of(regtest.network, h.bob)
        txid = regtest.send(regtest.craft([(alice, 5_000), (bob, 6_000), (alice, 5_000), (alice, 7_000)]))
        await h.mine(2)
        assert sorted(row.key for row in h.rows(txid)) == [f"{txid}:{place}" for place in range(4)]
        assert h.states(txid) == [CREDITED] * 4
        assert (h.has(ALICE), h.has(BOB)) == (17_000, FUNDED + 6_000)


async def test_dust_is_recorded_and_not_credited(tmp_path: Path, regtest: Regtest) -> None:
    async with house(tmp_path, regtest) as h:
        txid = regtest.pay(h.alice, DUST - 1)
        await h.mine(5)
        assert (h.states(txid), h.has()) == ([HELD], 0)
        assert "dust" in h.rows(txid)[0].why


async def test_an_address_that_was_given_to_nobody_credits_nobody(tmp_path: Path, regtest: Regtest) -> None:
    async with house(tmp_path, regtest) as h:
        given = {h.alice, h.bob}
        spare = [one for one in h.pool.watched.values() if one.purpose is Purpose.DEPOSIT and one.address not in given]
        txid = regtest.pay(spare[0].address, 50_000)
        await h.mine(5)
        assert (h.states(txid), h.credits()) == ([HELD], [])


async def test_payments_to_the_house_itself_are_coins_and_nobodys_deposit(tmp_path: Path, regtest: Regtest) -> None:
    async with house(tmp_path, regtest) as h:
        await h.fill(COIN, 2 * COIN)
        coins = await h.books(lambda purse: purse.coins(frozenset({Purpose.HOT})))
        assert sorted(coin.amount for coin in coins) == [COIN, 2 * COIN]
        assert h.credits() == []


async def test_after_an_outage_longer_than_any_window_every_block_is_read(tmp_path: Path, regtest: Regtest) -> None:
    """Far more blocks than a reorganisation may undo."""
    async with house(tmp_path, regtest) as h:
        first = regtest.pay(h.alice, 10_000)
        regtest.mine(60)
        second = regtest.pay(h.alice, 20_000)
        regtest.mine(60)
        await h.follow()
        assert h.states(first) == h.states(second) == [CREDITED]
        assert h.has() == 30_000


async def test_what_came_while_the_house_was_down_is_credited_once_it_is_up(tmp_path: Path, regtest: Regtest) -> None:
    async with house(tmp_path, regtest) as h:
        alice = h.alice
        regtest.pay(alice, 10_000)
        await h.mine()
    regtest.pay(alice, 20_000)
    regtest.mine(3)
    async with house(tmp_path, regtest) as h:
        assert (h.alice, h.has()) == (alice, 30_000)


async def test_what_the_chain_has_is_what_the_books_have(tmp_path: Path, regtest: Regtest) -> None:
    """The node's own set of unspent outputs, at one block."""
    async with house(tmp_path, regtest) as h:
        regtest.pay_many({h.alice: 50_000, h.bob: 70_000, h.hot: 90_000})
        await h.mine()
        asked = [h.alice, h.bob, h.hot, next(a.address for a in h.pool.watched.values() if a.purpose is Purpose.CHANGE)]
        assert await h.chain.balances(asked, "", await h.chain.tip()) == [50_000, 70_000, 90_000, 0]


@pytest.mark.parametrize("parameters", ["bitcoin-mainnet", "bitcoin-signet", "litecoin-regtest"])
async def test_a_node_of_another_chain_is_not_followed(regtest: Regtest, parameters: str) -> None:
    """Another genesis block."""
    with Rpc(regtest.node.url, login_file=regtest.node.login_file) as rpc:
        with pytest.raises(WrongChain, match="genesis"):
            await BitcoinChain(NAME, NETWORKS[parameters], rpc).check()
        await BitcoinChain(NAME, regtest.network, rpc).check()
