"""Tokens: an event counts as far as balances agree, and only of listed contracts; the rest is told with its doubt."""

import pytest

from exchange.custody.port import NodeFault
from tests.chains.evm.lying import lying, refuse
from tests.chains.evm.world import CONTRACTS, World, encoded


async def test_a_transfer_is_seen_at_the_ordinal_of_its_log(evm: World) -> None:
    token = await evm.deploy("Token", listed=True)
    await evm.call(token, "mint(address,uint256)", evm.people[0], 100)
    txid = await evm.call(token, "transfer(address,uint256)", evm.deposit.address, 60)
    (one,) = await evm.mined()
    assert (one.key, one.txid, one.contract, one.amount) == (f"{txid}:log:0", txid, token, 60)
    assert (one.to, one.sender, one.doubt) == (evm.deposit, evm.people[0], "")


async def test_a_token_without_return_values_is_as_good(evm: World) -> None:
    token = await evm.deploy("Silent", listed=True)
    await evm.call(token, "mint(address,uint256)", evm.people[0], 100)
    await evm.call(token, "transfer(address,uint256)", evm.deposit.address, 60)
    (one,) = await evm.mined()
    assert (one.amount, one.doubt) == (60, "")


async def test_a_transfer_by_a_third_party_is_seen(evm: World) -> None:
    token = await evm.deploy("Token", listed=True)
    await evm.call(token, "mint(address,uint256)", evm.people[0], 100)
    await evm.call(token, "approve(address,uint256)", evm.people[1], 100)
    signature = "transferFrom(address,address,uint256)"
    await evm.call(token, signature, evm.people[0], evm.deposit.address, 60, sender=evm.people[1])
    (one,) = await evm.mined()
    assert (one.amount, one.sender, one.doubt) == (60, evm.people[0], "")


async def test_tokens_made_for_us_are_seen(evm: World) -> None:
    token = await evm.deploy("Token", listed=True)
    await evm.call(token, "mint(address,uint256)", evm.deposit.address, 60)
    (one,) = await evm.mined()
    assert (one.amount, one.sender, one.doubt) == (60, "0x" + "0" * 40, "")


async def test_a_deposit_by_another_call_than_transfer_is_seen(evm: World) -> None:
    token = await evm.deploy("Token", listed=True)
    await evm.call(token, "mint(address,uint256)", evm.people[0], 100)
    await evm.call(token, "transferWithNote(address,uint256,bytes)", evm.deposit.address, 60, b"order 7")
    (one,) = await evm.mined()
    assert (one.amount, one.doubt) == (60, "")


async def test_four_of_our_addresses_paid_by_one_transaction_are_four_payments(evm: World) -> None:
    token, sender = await evm.deploy("Token", listed=True), await evm.deploy("Sender")
    await evm.call(token, "mint(address,uint256)", sender, 100)
    to = [owned.address for owned in evm.ours[:4]]
    txid = await evm.call(sender, "tokens(address,address[],uint256)", token, to, 5)
    found = await evm.mined()
    assert [(one.key, one.to, one.amount) for one in found] == [
        (f"{txid}:log:{place}", evm.ours[place], 5) for place in range(4)
    ]


async def test_one_address_paid_twice_by_one_transaction_gets_two_payments(evm: World) -> None:
    token, sender = await evm.deploy("Token", listed=True), await evm.deploy("Sender")
    await evm.call(token, "mint(address,uint256)", sender, 100)
    await evm.call(sender, "tokens(address,address[],uint256)", token, [evm.deposit.address] * 2, 5)
    found = await evm.mined()
    assert [(one.amount, one.doubt) for one in found] == [(5, ""), (5, "")]
    assert len({one.key for one in found}) == 2


async def test_a_token_that_keeps_a_part_for_itself_is_told_with_its_doubt(evm: World) -> None:
    token = await evm.deploy("Feeing", listed=True)
    await evm.call(token, "mint(address,uint256)", evm.people[0], 100)
    await evm.call(token, "transfer(address,uint256)", evm.deposit.address, 100)
    (one,) = await evm.mined()
    assert one.doubt == "the token's events say 100, its balances 98"


async def test_a_listed_contract_that_forges_an_event_is_told_with_its_doubt(evm: World) -> None:
    forger = await evm.deploy("Forger", listed=True)
    await evm.call(forger, "say(address,address,uint256)", evm.people[0], evm.deposit.address, 10**24)
    (one,) = await evm.mined()
    assert (one.amount, one.doubt) == (10**24, f"the token's events say {10**24}, its balances 0")


async def test_a_fake_token_is_told_under_its_own_contract_not_under_the_one_it_mimics(evm: World) -> None:
    token, forger = await evm.deploy("Token", listed=True), await evm.deploy("Forger")
    await evm.call(forger, "say(address,address,uint256)", evm.people[0], evm.deposit.address, 60)
    (one,) = await evm.mined()
    assert one.contract == forger != token


async def test_a_token_that_says_false_and_moves_nothing_pays_nothing(evm: World) -> None:
    token = await evm.deploy("Falsy", listed=True)
    await evm.call(token, "mint(address,uint256)", evm.people[0], 100)
    await evm.call(token, "transfer(address,uint256)", evm.deposit.address, 60)
    assert await evm.mined() == []


async def test_a_transfer_of_no_tokens_poisons_nothing(evm: World) -> None:
    """Anybody may send nothing in anybody's name, to have an address like ours stand in the history."""
    token = await evm.deploy("Token", listed=True)
    await evm.call(token, "transferFrom(address,address,uint256)", evm.people[5], evm.deposit.address, 0)
    assert await evm.mined() == []


async def test_a_transfer_that_was_reverted_pays_nothing(evm: World) -> None:
    token = await evm.deploy("Token", listed=True)
    await evm.call(token, "transfer(address,uint256)", evm.deposit.address, 60)
    assert await evm.mined() == []


async def test_events_that_only_resemble_a_transfer_are_passed_over(evm: World) -> None:
    forger = await evm.deploy("Forger", listed=True)
    ours = bytes(12) + bytes.fromhex(evm.deposit.address[2:])
    dirty = b"\x01" + ours[1:]
    odd = [
        (0, ours, ours, ours, bytes(32)),  # no topics but the name
        (1, ours, ours, ours, bytes(32)),
        (2, ours, dirty, ours, (5).to_bytes(32, "big")),  # more than an address where one should be
        (2, dirty, ours, ours, (5).to_bytes(32, "big")),
        (2, ours, ours, ours, b""),
        (2, ours, ours, ours, bytes(31)),
        (2, ours, ours, ours, (5).to_bytes(32, "big") + b"\x00"),
        (3, ours, ours, ours, b""),  # an NFT's
        (3, ours, ours, ours, (5).to_bytes(32, "big")),
    ]
    for count, first, second, third, data in odd:
        await evm.call(forger, "odd(uint256,bytes32,bytes32,bytes32,bytes)", count, first, second, third, data)
    assert await evm.mined() == []
    assert (await evm.read()).transactions == len(odd)


async def test_an_amount_of_256_bits_is_told_as_it_is(evm: World) -> None:
    forger = await evm.deploy("Forger")
    await evm.call(forger, "say(address,address,uint256)", evm.people[0], evm.deposit.address, 2**256 - 1)
    (one,) = await evm.mined()
    assert one.amount == 2**256 - 1


async def test_junk_of_unlisted_contracts_cannot_fill_the_disk_nor_hide_a_real_deposit(evm: World) -> None:
    token, forger = await evm.deploy("Token", listed=True), await evm.deploy("Forger")
    data = encoded("many(address,uint256)", evm.deposit.address, 1_500)
    await evm.send(forger, 0, data, gas=hex(10_000_000))
    await evm.call(token, "mint(address,uint256)", evm.deposit.address, 60)
    found = await evm.mined()
    assert [one.amount for one in found if one.contract == token] == [60]
    assert sum(one.contract == forger for one in found) == 1_000


async def test_tokens_that_come_and_go_in_one_block_add_up(evm: World) -> None:
    """A sweep in the same block as the deposit: what came is told whole, and without a doubt."""
    token = await evm.deploy("Token", listed=True)
    await evm.rpc.call("anvil_impersonateAccount", evm.deposit.address)
    await evm.fund(evm.deposit)
    await evm.call(token, "mint(address,uint256)", evm.deposit.address, 60)
    await evm.call(token, "transfer(address,uint256)", evm.hot.address, 60, sender=evm.deposit.address)
    found = await evm.mined()
    assert [(one.to, one.amount, one.doubt) for one in found] == [(evm.deposit, 60, ""), (evm.hot, 60, "")]


async def test_a_token_made_and_paid_in_one_block_is_seen(evm: World) -> None:
    """Before its block the contract had no code, so its balances begin at nothing."""
    txid = await evm.send(None, 0, "0x" + CONTRACTS["Token"]["bytecode"])
    address = "0x5fbdb2315678afecb367f032d93f642f64180aa3"  # the first contract of Anvil's first account
    evm.listed.add(address)
    await evm.call(address, "mint(address,uint256)", evm.deposit.address, 60)
    found = await evm.mined()
    assert (await evm.rpc.call("eth_getTransactionReceipt", txid))["contractAddress"] == address
    assert [(one.amount, one.doubt) for one in found] == [(60, "")]


async def test_balances_that_can_no_longer_be_asked_are_a_doubt(evm: World) -> None:
    """A node without an archive, after a long outage: the deposit is told, and waits for an operator."""
    token = await evm.deploy("Token", listed=True)
    await evm.call(token, "mint(address,uint256)", evm.deposit.address, 60)
    block = await evm.mine()
    await evm.mine(130)
    chain = lying(evm, eth_call=refuse(-32000, "missing trie node"))
    (one,) = (await chain.block(block, evm.watched, frozenset())).incoming
    assert "no longer be asked" in one.doubt


async def test_balances_that_a_node_should_know_and_does_not_say_are_asked_again(evm: World) -> None:
    token = await evm.deploy("Token", listed=True)
    await evm.call(token, "mint(address,uint256)", evm.deposit.address, 60)
    block = await evm.mine()
    chain = lying(evm, eth_call=refuse(-32000, "header not found"))
    with pytest.raises(NodeFault):
        await chain.block(block, evm.watched, frozenset())
