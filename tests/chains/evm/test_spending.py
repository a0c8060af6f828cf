"""What a draft fixes, what it costs at most, and what is refused before anything is signed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from eth_account import Account

from exchange.custody.evm import body as evm_body
from exchange.custody.evm.handing import txid
from exchange.custody.evm.spending import EvmSpending
from exchange.custody.port import (
    BadAddress,
    Coin,
    Draft,
    FeeTooHigh,
    Handed,
    NodeFault,
    Owned,
    Payment,
    Purpose,
    Standing,
    Unaffordable,
)
from tests.chains.evm.lying import Lying
from tests.chains.evm.world import CHAIN_ID, ETHER, World

GWEI = 10**9


class Books:
    """A purse of nonces alone."""

    def __init__(self, nonce: int = 0) -> None:
        self.next = nonce

    def nonce(self, sender: str) -> int:
        self.next += 1
        return self.next - 1

    def coins(self, purposes: frozenset[Purpose]) -> Sequence[Coin]:
        raise AssertionError

    def transaction(self, txid: str) -> bytes:
        raise AssertionError

    def change(self) -> Owned:
        raise AssertionError


def spending(evm: World, ceiling: int = 0, **changes: Any) -> EvmSpending:
    rpc = Lying(evm.url)
    rpc.changes = changes
    evm.opened.append(rpc)
    return EvmSpending("ETH", CHAIN_ID, rpc, evm.hot, ceiling)


def signed(evm: World, draft: Draft) -> bytes:
    """As the signer would: with the key of the place that the body names."""
    body = evm_body.decode(draft.body)
    return bytes(Account.sign_transaction(evm_body.unsigned(body), evm.keys[body.index].key).raw_transaction)


async def drafted(evm: World, payment: Payment, books: Books | None = None, **options: Any) -> Draft:
    one = spending(evm, **options)
    return one.build("d1", [payment], await one.quote([payment]), books or Books())


async def test_a_payment_arrives_to_the_wei_and_costs_no_more_than_was_said(evm: World) -> None:
    await evm.fund(evm.hot)
    draft = await drafted(evm, Payment("w1", evm.people[7], ETHER // 3))
    raw = signed(evm, draft)
    before = int(await evm.rpc.call("eth_getBalance", evm.people[7], "latest"), 16)
    assert await evm.evm.hand(raw) is Handed.ACCEPTED
    await evm.mine()
    found = await evm.evm.find(txid(raw))
    assert found.standing is Standing.MINED
    assert 0 < found.cost <= draft.fee
    assert int(await evm.rpc.call("eth_getBalance", evm.people[7], "latest"), 16) == before + ETHER // 3
    assert await evm.evm.balances([evm.hot.address], "", await evm.evm.tip()) == [ETHER - ETHER // 3 - found.cost]


@pytest.mark.parametrize("name", ["Token", "Silent"])
async def test_a_token_is_paid_whether_or_not_it_returns_a_value(evm: World, name: str) -> None:
    token = await evm.deploy(name, listed=True)
    await evm.fund(evm.hot)
    await evm.call(token, "mint(address,uint256)", evm.hot.address, 100)
    await evm.mine()
    raw = signed(evm, await drafted(evm, Payment("w1", evm.people[7], 60, token)))
    await evm.evm.hand(raw)
    tip = await evm.mine()
    assert await evm.evm.balances([evm.hot.address, evm.people[7]], token, tip) == [40, 60]
    block = await evm.read([txid(raw)])
    assert [(one.txid, one.succeeded) for one in block.mined] == [(txid(raw), True)]
    assert block.spent == [(f"{evm.hot.address.lower()}:0", txid(raw))]


async def test_a_person_gets_exactly_the_gas_that_a_transfer_takes_and_a_contract_more(evm: World) -> None:
    await evm.fund(evm.hot)
    thirsty = await evm.deploy("Thirsty")
    plain = evm_body.decode((await drafted(evm, Payment("w1", evm.people[7], 5))).body)
    more = evm_body.decode((await drafted(evm, Payment("w2", thirsty, 5))).body)
    assert plain.gas == 21_000
    assert more.gas > 40_000


async def test_a_payment_to_a_contract_that_wants_more_gas_arrives(evm: World) -> None:
    await evm.fund(evm.hot)
    thirsty = await evm.deploy("Thirsty")
    await evm.evm.hand(signed(evm, await drafted(evm, Payment("w1", thirsty, 5))))
    assert await evm.evm.balances([thirsty], "", await evm.mine()) == [5]


async def test_a_destination_that_refuses_coins_is_refused_before_anything_is_signed(evm: World) -> None:
    await evm.fund(evm.hot)
    refuser = await evm.deploy("Refuser")
    with pytest.raises(BadAddress, match="contract at this address refuses"):
        await spending(evm).quote([Payment("w1", refuser, 5)])


async def test_a_black_listed_destination_is_refused_before_anything_is_signed(evm: World) -> None:
    token = await evm.deploy("Silent", listed=True)
    await evm.fund(evm.hot)
    await evm.call(token, "mint(address,uint256)", evm.hot.address, 100)
    await evm.call(token, "ban(address)", evm.people[7])
    await evm.mine()
    with pytest.raises(BadAddress, match="the token refuses this payment"):
        await spending(evm).quote([Payment("w1", evm.people[7], 60, token)])


async def test_a_black_listed_sweep_is_refused_before_anything_is_signed(evm: World) -> None:
    token = await evm.deploy("Silent", listed=True)
    await evm.fund(evm.deposit)
    await evm.call(token, "mint(address,uint256)", evm.deposit.address, 100)
    await evm.call(token, "ban(address)", evm.deposit.address)
    await evm.mine()
    with pytest.raises(BadAddress, match="the token refuses this payment"):
        await spending(evm).quote_from(evm.deposit, Payment("sweep", evm.hot.address, 100, token))


async def test_a_token_that_says_false_is_refused_before_anything_is_signed(evm: World) -> None:
    token = await evm.deploy("Falsy", listed=True)
    await evm.fund(evm.hot)
    await evm.call(token, "mint(address,uint256)", evm.hot.address, 100)
    await evm.mine()
    with pytest.raises(BadAddress, match="says no"):
        await spending(evm).quote([Payment("w1", evm.people[7], 60, token)])


async def test_a_token_that_says_false_when_it_is_mined_counts_as_not_paid(evm: World) -> None:
    """Its receipt says success; there is no event."""
    token = await evm.deploy("Falsy", listed=True)
    await evm.fund(evm.hot)
    await evm.call(token, "mint(address,uint256)", evm.hot.address, 100)
    await evm.call(token, "setOpen(bool)", True)
    await evm.mine()
    raw = signed(evm, await drafted(evm, Payment("w1", evm.people[7], 60, token)))
    await evm.call(token, "setOpen(bool)", False)
    await evm.mine()
    await evm.evm.hand(raw)
    await evm.mine()
    assert (await evm.evm.find(txid(raw))).standing is Standing.REVERTED
    assert not (await evm.read([txid(raw)])).mined[0].succeeded


async def test_too_few_coins_are_said_with_what_is_missing(evm: World) -> None:
    with pytest.raises(Unaffordable, match=r"^5 wei are missing"):
        await spending(evm).quote([Payment("w1", evm.people[7], 5)])


async def test_an_empty_gas_tank_is_said(evm: World) -> None:
    """Tokens are there, and nothing to pay the network with."""
    token = await evm.deploy("Token", listed=True)
    await evm.call(token, "mint(address,uint256)", evm.hot.address, 100)
    await evm.mine()
    with pytest.raises(Unaffordable, match="wei are missing"):
        await drafted(evm, Payment("w1", evm.people[7], 60, token))


async def test_too_few_tokens_are_said(evm: World) -> None:
    token = await evm.deploy("Token", listed=True)
    await evm.fund(evm.hot)
    with pytest.raises(Unaffordable, match="60 of the token"):
        await spending(evm).quote([Payment("w1", evm.people[7], 60, token)])


async def test_a_spike_of_the_base_fee_makes_payouts_wait(evm: World) -> None:
    await evm.fund(evm.hot)
    await evm.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(900 * GWEI))
    await evm.mine()
    with pytest.raises(FeeTooHigh, match="the ceiling is 300000000000"):
        await drafted(evm, Payment("w1", evm.people[7], 5))


@pytest.mark.parametrize("price", ["0x" + "f" * 64, hex(10**18)])
async def test_an_absurd_base_fee_is_not_paid(evm: World, price: str) -> None:
    await evm.fund(evm.hot)
    with pytest.raises(FeeTooHigh):
        await drafted(evm, Payment("w1", evm.people[7], 5), eth_feeHistory=lambda h: {**h, "baseFeePerGas": [price]})


async def test_of_an_absurd_tip_a_quarter_of_the_ceiling_is_paid_at_most(evm: World) -> None:
    await evm.fund(evm.hot)
    payment = Payment("w1", evm.people[7], 5)
    draft = await drafted(evm, payment, ceiling=100 * GWEI, eth_maxPriorityFeePerGas=lambda _: hex(10**30))
    assert evm_body.decode(draft.body).tip == 25 * GWEI


async def test_an_absurd_amount_of_gas_is_not_paid(evm: World) -> None:
    await evm.fund(evm.hot)
    with pytest.raises(FeeTooHigh, match="more than any"):
        await drafted(evm, Payment("w1", evm.people[7], 5), eth_estimateGas=lambda _: hex(2**200))


@pytest.mark.parametrize("nonsense", [None, [], {}, "0x", {"baseFeePerGas": []}, {"baseFeePerGas": [7]}])
async def test_nonsense_about_fees_is_a_fault(evm: World, nonsense: object) -> None:
    await evm.fund(evm.hot)
    with pytest.raises(NodeFault):
        await spending(evm, eth_feeHistory=lambda _: nonsense).quote([Payment("w1", evm.people[7], 5)])


async def test_a_replacement_keeps_the_nonce_and_pays_an_eighth_more_of_both_fees(evm: World) -> None:
    await evm.fund(evm.hot)
    one, books = spending(evm), Books()
    payment = Payment("w1", evm.people[7], 5)
    quote = await one.quote([payment])
    first = one.build("d1", [payment], quote, books)
    second = one.replace("d2", [first], await one.quote(()), books)
    third = one.replace("d3", [first, second], await one.quote(()), books)
    bodies = [evm_body.decode(draft.body) for draft in (first, second, third)]
    assert first.claims == second.claims == third.claims
    assert {(body.to, body.value, body.data, body.gas) for body in bodies} == {(evm.people[7], "5", b"", 21_000)}
    for old, new in pairwise(bodies):
        assert new.tip * 8 >= old.tip * 9
        assert new.price * 8 >= old.price * 9
    assert books.next == 1


async def test_of_all_attempts_one_is_mined(evm: World) -> None:
    await evm.fund(evm.hot)
    one, books = spending(evm), Books()
    payment = Payment("w1", evm.people[7], 5)
    first = one.build("d1", [payment], await one.quote([payment]), books)
    second = one.replace("d2", [first], await one.quote(()), books)
    raws = [signed(evm, first), signed(evm, second)]
    assert [await evm.evm.hand(raw) for raw in raws] == [Handed.ACCEPTED, Handed.ACCEPTED]
    await evm.mine()
    standings = [(await evm.evm.find(txid(raw))).standing for raw in raws]
    assert standings == [Standing.UNKNOWN, Standing.MINED]
    assert await evm.evm.hand(raws[0]) is Handed.CONFLICT


async def test_a_bump_above_the_ceiling_waits(evm: World) -> None:
    await evm.fund(evm.hot)
    one, books = spending(evm, ceiling=3 * GWEI), Books()
    payment = Payment("w1", evm.people[7], 5)
    drafts = [one.build("d1", [payment], await one.quote([payment]), books)]
    for number in range(3):
        drafts.append(one.replace(f"r{number}", drafts, await one.quote(()), books))
    assert max(evm_body.decode(draft.body).price for draft in drafts) <= 3 * GWEI
    quote = await one.quote(())
    with pytest.raises(FeeTooHigh, match="to replace it costs"):
        one.replace("r3", drafts, quote, books)


async def test_what_moves_between_our_own_addresses_needs_no_approval_and_says_where_it_goes(evm: World) -> None:
    await evm.fund(evm.deposit)
    one, move = spending(evm), Payment("sweep", evm.hot.address, ETHER // 2)
    quote = await one.quote_from(evm.deposit, move)
    draft = one.build_from("s1", evm.deposit, move, quote, Books(), aim=evm.hot)
    body = evm_body.decode(draft.body)
    assert draft.payments == ()
    assert (body.purpose, body.index, body.aim) == (Purpose.DEPOSIT, 1, (Purpose.HOT, 0))
    await evm.evm.hand(signed(evm, draft))
    (one_in,) = await evm.mined()
    assert (one_in.to, one_in.amount, one_in.sender) == (evm.hot, ETHER // 2, evm.deposit.address.lower())


async def test_two_payments_do_not_go_into_one_transaction(evm: World) -> None:
    with pytest.raises(ValueError, match="one payment"):
        await spending(evm).quote([Payment("w1", evm.people[7], 5), Payment("w2", evm.people[7], 5)])
