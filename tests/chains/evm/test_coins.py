"""The chain's own coin: what reaches us is seen once, whatever way it came; what only seems to reach us is not."""

from collections.abc import Sequence

from exchange.custody.port import Incoming
from tests.chains.evm.lying import lying, refuse
from tests.chains.evm.world import ETHER, World, encoded


def amounts(found: Sequence[Incoming]) -> list[int]:
    return [one.amount for one in found]


async def test_a_plain_transfer_is_seen_with_its_sender(either: World) -> None:
    txid = await either.send(either.deposit.address, 5 * ETHER)
    (one,) = await either.mined()
    assert (one.key, one.txid, one.to, one.contract) == (f"{txid}:native", txid, either.deposit, "")
    assert (one.amount, one.sender, one.doubt) == (5 * ETHER, either.people[0], "")


async def test_amounts_above_64_bits_are_exact(either: World) -> None:
    await either.send(either.deposit.address, 2**70 + 1, sender=either.people[1])
    (one,) = await either.mined()
    assert one.amount == 2**70 + 1


async def test_one_wei_is_seen(either: World) -> None:
    await either.send(either.deposit.address, 1)
    (one,) = await either.mined()
    assert one.amount == 1


async def test_a_transfer_of_nothing_is_not_seen(either: World) -> None:
    await either.send(either.deposit.address, 0)
    assert await either.mined() == []


async def test_a_transfer_between_strangers_is_not_seen(either: World) -> None:
    await either.send(either.people[3], ETHER)
    assert await either.mined() == []


async def test_two_transfers_in_one_block_are_two(either: World) -> None:
    for wei in (1, 2):
        await either.send(either.deposit.address, wei)
    found = await either.mined()
    assert amounts(found) == [1, 2]
    assert len({one.key for one in found}) == 2


async def test_four_of_our_addresses_paid_by_one_transaction_are_four_payments(either: World) -> None:
    sender = await either.deploy("Sender")
    to = [owned.address for owned in either.ours[:4]]
    await either.call(sender, "sendMany(address[],uint256)", to, 7, value=28)
    found = await either.mined()
    assert {one.to for one in found} == set(either.ours[:4])
    assert amounts(found) == [7, 7, 7, 7]
    assert all(one.contract == "" and not one.doubt for one in found)


async def test_a_reverted_outer_call_pays_nothing(either: World) -> None:
    sender = await either.deploy("Sender")
    await either.call(sender, "sendAndFail(address,uint256)", either.deposit.address, 9, value=9)
    assert await either.mined() == []


async def test_a_reverted_inner_call_pays_nothing(either: World) -> None:
    sender = await either.deploy("Sender")
    await either.call(sender, "sendInVain(address,uint256)", either.deposit.address, 9, value=9)
    assert await either.mined() == []


async def test_a_transaction_that_failed_pays_nothing_though_it_carried_coins(either: World) -> None:
    refuser = await either.deploy("Refuser")
    either.watched[refuser] = either.deposit  # as if a contract's address were ours
    await either.send(refuser, ETHER)
    assert await either.mined() == []


async def test_an_internal_transfer_is_seen_at_its_place_among_the_calls(evm: World) -> None:
    sender = await evm.deploy("Sender")
    txid = await evm.call(sender, "send(address,uint256)", evm.deposit.address, 9, value=9)
    (one,) = await evm.mined()
    assert (one.key, one.txid, one.amount, one.sender) == (f"{txid}:call:0", txid, 9, sender)


async def test_the_place_of_a_call_counts_reverted_ones_too(evm: World) -> None:
    sender = await evm.deploy("Sender")
    txid = await evm.call(sender, "sendTwice(address,uint256)", evm.deposit.address, 9, value=18)
    (one,) = await evm.mined()
    assert (one.key, one.amount) == (f"{txid}:call:1", 9)


async def test_without_traces_an_internal_transfer_is_found_by_the_balance(evm: World) -> None:
    evm.evm.traces.ways = []
    sender = await evm.deploy("Sender")
    await evm.call(sender, "send(address,uint256)", evm.deposit.address, 9, value=9)
    (one,) = await evm.mined()
    block = await evm.evm.tip()
    assert one.key == f"{block.hash}:balance:{evm.deposit.address.lower()}"
    assert (one.txid, one.amount, one.contract) == (block.hash, 9, "")


async def test_without_traces_plain_and_internal_transfers_to_one_address_are_told_apart(evm: World) -> None:
    evm.evm.traces.ways = []
    sender = await evm.deploy("Sender")
    await evm.send(evm.deposit.address, 5)
    await evm.call(sender, "send(address,uint256)", evm.deposit.address, 9, value=9)
    assert sorted(amounts(await evm.mined())) == [5, 9]


async def test_what_a_contract_leaves_behind_when_it_ends_is_seen(either: World) -> None:
    sender = await either.deploy("Sender")
    await either.send(sender, 11)
    await either.mine()
    await either.call(sender, "end(address)", either.deposit.address)
    (one,) = await either.mined()
    assert one.amount == 11


async def test_fees_that_the_chain_pays_to_an_address_of_ours_are_seen_by_its_balance(either: World) -> None:
    await either.rpc.call("anvil_setCoinbase", either.deposit.address)
    await either.send(either.people[4], 1)
    (one,) = await either.mined()
    assert ":balance:" in one.key
    assert one.amount > 0


async def test_what_we_send_ourselves_is_no_doubt_about_what_we_get(either: World) -> None:
    """The balance fell by value and gas and grew by the payment: it all adds up."""
    await either.fund(either.deposit, ETHER)
    await either.mine()
    await either.spend(1, either.hot.address, ETHER // 2)
    await either.send(either.deposit.address, 3)
    await either.mine()
    block = await either.read()
    assert {(one.to.index, one.amount, one.doubt) for one in block.incoming} == {(0, ETHER // 2, ""), (1, 3, "")}
    assert [claim for claim, _ in block.spent] == [f"{either.deposit.address.lower()}:0"]


async def test_a_transfer_450_calls_deep_is_seen(either: World) -> None:
    """Whoever writes a contract chooses how deep its calls nest."""
    sender = await either.deploy("Sender")
    data = encoded("deep(address,uint256,uint256)", either.deposit.address, 9, 450)
    await either.rpc.call("evm_setBlockGasLimit", hex(2 * 10**9))
    await either.send(sender, 9, data, gas=hex(1_500_000_000))
    (one,) = await either.mined()
    assert one.amount == 9


async def test_traces_that_cannot_be_had_once_are_made_up_for_by_balances(evm: World) -> None:
    """Too deep, too large, too slow: one block is read by balances, the next one is traced again."""
    chain = lying(evm, trace_block=lambda _: "…")
    sender = await evm.deploy("Sender")
    await evm.call(sender, "send(address,uint256)", evm.deposit.address, 9, value=9)
    (one,) = (await chain.block(await evm.mine(), evm.watched, frozenset())).incoming
    assert (one.amount, ":balance:" in one.key, len(chain.traces.ways)) == (9, True, 2)


async def test_a_node_that_does_not_trace_is_asked_for_it_once(evm: World) -> None:
    chain = lying(evm, trace_block=refuse(-32601, "Method not found"), debug_traceBlockByHash=refuse(-32601, "…"))
    sender = await evm.deploy("Sender")
    for _ in range(2):
        await evm.call(sender, "send(address,uint256)", evm.deposit.address, 9, value=9)
        (one,) = (await chain.block(await evm.mine(), evm.watched, frozenset())).incoming
        assert (one.amount, ":balance:" in one.key, chain.traces.ways) == (9, True, [])


async def test_a_payment_that_waits_is_shown_under_the_key_that_it_will_have(either: World) -> None:
    txid = await either.send(either.deposit.address, 5)
    (waiting,) = await either.evm.pending(either.watched)
    (mined,) = await either.mined()
    assert waiting == mined
    assert waiting.key == f"{txid}:native"
