"""Where our transactions stand, what a node's words of refusal mean, and whose address is an address."""

from __future__ import annotations

from typing import Any

import pytest

from exchange.custody.evm.handing import meaning, txid
from exchange.custody.port import BadAddress, Handed, NodeFault, OutcomeUnknown, Standing, WrongChain
from exchange.custody.rpc import Rpc, RpcError
from tests.chains.evm.lying import lying, refuse
from tests.chains.evm.world import CHAIN_ID, ETHER, World, key_pair, world

WORDS = {
    "already known": Handed.KNOWN,  # geth
    "transaction already imported": Handed.KNOWN,  # Anvil
    "AlreadyKnown": Handed.KNOWN,  # Nethermind
    "nonce too low": Handed.CONFLICT,  # geth, Anvil
    "nonce too low: next nonce 5, tx nonce 4": Handed.CONFLICT,
    "OldNonce, Current nonce: 5, nonce of rejected tx: 4": Handed.CONFLICT,  # Nethermind
    "replacement transaction underpriced": Handed.REFUSED,
    "transaction underpriced": Handed.REFUSED,
    "insufficient funds for gas * price + value": Handed.REFUSED,
    "txpool is full": Handed.REFUSED,
    "max fee per gas less than block base fee": Handed.REFUSED,
    "whatever a node of tomorrow says": Handed.REFUSED,
}


@pytest.mark.parametrize("words", WORDS)
def test_the_words_of_each_make_of_node_are_understood(words: str) -> None:
    assert meaning(RpcError(-32000, words)) is WORDS[words]


@pytest.mark.parametrize("words", ["request timed out", "Internal error", "too many requests"])
def test_what_is_no_clear_no_is_looked_for(words: str) -> None:
    with pytest.raises(OutcomeUnknown):
        meaning(RpcError(-32000, words))


async def test_a_transaction_is_unknown_then_pending_then_mined(evm: World) -> None:
    await evm.fund(evm.hot)
    raw = signed(nonce=0)
    assert (await evm.evm.find(txid(raw))).standing is Standing.UNKNOWN
    assert await evm.evm.hand(raw) is Handed.ACCEPTED
    assert (await evm.evm.find(txid(raw))).standing is Standing.PENDING
    tip = await evm.mine()
    found = await evm.evm.find(txid(raw))
    assert (found.standing, found.header) == (Standing.MINED, tip)


def signed(nonce: int, price: int = 10**10, value: int = 1, to: str = "0x" + "77" * 20) -> bytes:
    fields: dict[str, Any] = {
        "type": 2,
        "chainId": CHAIN_ID,
        "nonce": nonce,
        "gas": 21_000,
        "to": bytes.fromhex(to[2:]),
    }
    fields |= {"value": value, "maxFeePerGas": price, "maxPriorityFeePerGas": price}
    return bytes(key_pair(0).sign_transaction(fields).raw_transaction)


async def test_the_same_bytes_twice_are_known_then_in_conflict_once_mined(evm: World) -> None:
    """Nodes say "nonce too low" of a transaction that is mined: whoever hears it looks."""
    await evm.fund(evm.hot)
    raw = signed(nonce=0)
    answers = [await evm.evm.hand(raw), await evm.evm.hand(raw)]
    await evm.mine()
    answers.append(await evm.evm.hand(raw))
    assert answers == [Handed.ACCEPTED, Handed.KNOWN, Handed.CONFLICT]
    assert (await evm.evm.find(txid(raw))).standing is Standing.MINED


async def test_a_dropped_transaction_is_unknown_and_is_taken_again(evm: World) -> None:
    await evm.fund(evm.hot)
    raw = signed(nonce=0)
    await evm.evm.hand(raw)
    await evm.rpc.call("anvil_dropTransaction", txid(raw))
    assert (await evm.evm.find(txid(raw))).standing is Standing.UNKNOWN
    assert await evm.evm.hand(raw) is Handed.ACCEPTED


async def test_a_bump_too_small_is_refused(evm: World) -> None:
    """No bump at all, here: Anvil takes any, where geth wants a tenth more."""
    await evm.fund(evm.hot)
    await evm.evm.hand(signed(nonce=0))
    assert await evm.evm.hand(signed(nonce=0, value=2)) is Handed.REFUSED


async def test_a_nonce_gap_keeps_the_later_one_waiting_until_it_is_filled(evm: World) -> None:
    await evm.fund(evm.hot)
    later, earlier = signed(nonce=1), signed(nonce=0)
    await evm.evm.hand(later)
    await evm.mine()
    assert (await evm.evm.find(txid(later))).standing is Standing.PENDING
    await evm.evm.hand(earlier)
    await evm.mine()
    assert (await evm.evm.find(txid(later))).standing is Standing.MINED


async def test_a_chain_of_25_unmined_transactions_is_taken_and_mined(evm: World) -> None:
    await evm.fund(evm.hot)
    raws = [signed(nonce=nonce) for nonce in range(25)]
    assert {await evm.evm.hand(raw) for raw in raws} == {Handed.ACCEPTED}
    await evm.mine()
    assert {(await evm.evm.find(txid(raw))).standing for raw in raws} == {Standing.MINED}


async def test_a_nonce_used_elsewhere_shows_as_used_and_as_spent_by_a_stranger(evm: World) -> None:
    await evm.fund(evm.hot)
    claim = f"{evm.hot.address.lower()}:0"
    ours, theirs = signed(nonce=0), signed(nonce=0, value=2)
    await evm.evm.hand(ours)
    assert not await evm.evm.used(claim)
    await evm.rpc.call("anvil_dropTransaction", txid(ours))
    await evm.evm.hand(theirs)
    await evm.mine()
    assert await evm.evm.used(claim)
    assert await evm.evm.hand(ours) is Handed.CONFLICT
    assert (await evm.read([txid(ours)])).spent == [(claim, txid(theirs))]


async def test_a_transaction_whose_block_was_orphaned_is_found_no_more(evm: World) -> None:
    """Anvil forgets such ones, where geth puts them back into its pool: either way they are not mined."""
    await evm.fund(evm.hot)
    await evm.mine()
    raw = signed(nonce=0)
    await evm.evm.hand(raw)
    await evm.mine()
    await evm.rewind(1)
    await evm.mine()
    assert (await evm.evm.find(txid(raw))).standing in {Standing.UNKNOWN, Standing.PENDING}


async def test_without_coins_the_node_refuses_and_says_so(evm: World) -> None:
    assert await evm.evm.hand(signed(nonce=0, value=ETHER)) is Handed.REFUSED


async def test_a_node_that_names_another_id_for_our_transaction_is_not_believed(evm: World) -> None:
    await evm.fund(evm.hot)
    with pytest.raises(OutcomeUnknown, match="another id"):
        await lying(evm, eth_sendRawTransaction=lambda _: "0x" + "12" * 32).hand(signed(nonce=0))


async def test_a_node_that_is_gone_is_a_fault(evm: World) -> None:
    from exchange.custody.evm.chain import Evm

    rpc = Rpc("http://127.0.0.1:9", timeout_seconds=5)
    with pytest.raises(NodeFault):
        await Evm("ETH", CHAIN_ID, rpc, frozenset).tip()
    rpc.close()


async def test_another_chain_id_is_another_chain(evm: World) -> None:
    with pytest.raises(WrongChain, match="follows chain 1, not 31337"):
        await lying(evm, eth_chainId=lambda _: "0x1").check()


async def test_another_genesis_block_is_another_chain(evm: World) -> None:
    from exchange.custody.evm.chain import Evm

    first = await evm.evm.header(0)
    assert first is not None
    await Evm("ETH", CHAIN_ID, evm.rpc, frozenset, genesis=first.hash).check()
    async with world("--timestamp", "1000") as other:
        with pytest.raises(WrongChain, match="another genesis"):
            await Evm("ETH", CHAIN_ID, other.rpc, frozenset, genesis=first.hash).check()


async def test_what_the_chain_calls_final_is_told_and_nothing_where_it_does_not(evm: World) -> None:
    await evm.mine(70)
    assert await evm.evm.finalized() == 70 - 64
    assert await lying(evm, eth_getBlockByNumber=refuse(-39001, "unknown block")).finalized() is None


GOOD = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
BAD = {
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD": "mistyped",
    "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed": "mistyped",
    GOOD[:-1]: "has 40 digits after 0x, this one has 39",
    GOOD[2:]: "begins with 0x",
    f" {GOOD}": "spaces",
    "vitalik.eth": "names are not looked up",
    "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4": "not an address of this network",
    "LVg2kJoFNg45Nbpy53h7Fe1wKyeXVRhMH9": "not an address of this network",
    "0x" + "0" * 40: "lost",
    "0x" + "0" * 39 + "9": "lost",
    "": "not an address",
    "0x" + "٣" * 40: "not an address",
}


@pytest.mark.parametrize("text", [GOOD, GOOD.lower(), "0x" + GOOD[2:].upper()])
async def test_an_address_is_written_with_its_checksum(evm: World, text: str) -> None:
    assert evm.evm.address(text) == GOOD
    assert evm.evm.key_of(GOOD) == GOOD.lower()


@pytest.mark.parametrize("text", BAD)
async def test_a_mistyped_or_foreign_address_is_refused_in_words(evm: World, text: str) -> None:
    with pytest.raises(BadAddress, match=BAD[text]):
        evm.evm.address(text)


async def test_a_tokens_own_contract_is_no_destination(evm: World) -> None:
    token = await evm.deploy("Token", listed=True)
    with pytest.raises(BadAddress, match="contract of a token"):
        evm.evm.address(token)


async def test_a_node_that_forgets_to_promise_takes_no_promise_back(evm: World) -> None:
    """Just started, geth knows no finalized block for a while: large deposits go on waiting for the chain's word."""
    silent: list[bool] = []

    def head(answer: Any) -> Any:
        if silent:
            raise RpcError(-39001, "finalized block not found")
        return answer

    chain = lying(evm, eth_getBlockByNumber=head)
    promised = await chain.finalized()
    silent.append(True)
    assert promised is not None
    assert await chain.finalized() == promised
