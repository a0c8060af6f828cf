"""A real bitcoind behind somebody who breaks, delays, loses and forges its answers: no harm is done."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from exchange.custody.port import NodeFault
from tests.chains.bitcoin.house import house
from tests.chains.bitcoin.proxy import between
from tests.chains.bitcoin.regtest import COIN, Regtest
from tests.custody.small_server import Act, says, silence, writes

AMOUNT = 4_321_000

FAULTS = {
    "503": says(b"Work queue depth exceeded", "503 Service Unavailable"),
    "502": says(b"<html>bad gateway</html>", "502 Bad Gateway"),
    "401": says(b"", "401 Unauthorized"),
    "closed": writes(b""),
    "half an answer": writes(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"),
    "no JSON": says(b"<html>"),
    "another call's answer": says(b'{"id": 0, "result": {}}'),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_node_in_trouble_is_asked_again_and_the_deposit_credited_once(
    tmp_path: Path, regtest: Regtest, fault: Act
) -> None:
    async with between(regtest.node) as (proxy, url), house(tmp_path, regtest, url=url) as h:
        regtest.pay(h.alice, AMOUNT)
        regtest.mine(2)
        for healthy in range(6):
            proxy.faults = [*[proxy.hand_on] * healthy, fault]
            with pytest.raises(NodeFault):
                await h.step_for_ever()
        proxy.faults.clear()
        await h.follow()
        assert h.has() == AMOUNT
        assert len(h.credits()) == 1


async def test_a_node_that_says_nothing_is_given_up_and_asked_again(tmp_path: Path, regtest: Regtest) -> None:
    async with between(regtest.node) as (proxy, url), house(tmp_path, regtest, url=url, patience=0.2) as h:
        regtest.pay(h.alice, AMOUNT)
        regtest.mine(2)
        proxy.faults = [silence]
        with pytest.raises(NodeFault, match="no answer within"):
            await h.follow()
        await h.follow()
        assert h.has() == AMOUNT


def _flip(hexadecimal: bytes) -> bytes:
    """One digit of the longest run of them, near its beginning: of a hash, or a header."""
    found = max(re.finditer(rb"[0-9a-f]{64,}", hexadecimal), key=lambda one: len(one[0]))
    at = found.start() + 40
    return hexadecimal[:at] + (b"0" if hexadecimal[at : at + 1] != b"0" else b"1") + hexadecimal[at + 1 :]


def _richer(answer: bytes) -> bytes:
    """The amount of a deposit, ten times as much."""
    before, after = (AMOUNT * times for times in (1, 10))
    return answer.replace(before.to_bytes(8, "little").hex().encode(), after.to_bytes(8, "little").hex().encode())


LIES: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "a changed block": ("getblock", _flip),
    "a larger amount in a block": ("getblock", _richer),
    "a changed header": ("getblockheader", _flip),
    "a block that is cut short": ("getblock", lambda answer: re.sub(rb"([0-9a-f]{200})[0-9a-f]+", rb"\1", answer)),
    "no block": ("getblock", lambda answer: re.sub(rb"[0-9a-f]{200,}", b"", answer)),
    "another hash": ("getblockhash", _flip),
    "a height that is none": (
        "getblockchaininfo",
        lambda answer: re.sub(rb'"blocks":\d+', lambda m: b'"blocks":-1' + b" " * (len(m[0]) - 11), answer),
    ),
}


@pytest.mark.parametrize(("method", "change"), LIES.values(), ids=LIES)
async def test_what_does_not_hash_to_its_name_is_not_believed(
    tmp_path: Path, regtest: Regtest, method: str, change: Callable[[bytes], bytes]
) -> None:
    async with between(regtest.node) as (proxy, url), house(tmp_path, regtest, url=url) as h:
        regtest.pay(h.alice, AMOUNT)
        regtest.mine(2)
        proxy.changes[method] = change
        with pytest.raises(NodeFault):
            await h.follow()
        assert (h.rows(), h.credits()) == ([], [])
        proxy.changes.clear()
        await h.follow()
        assert h.has() == AMOUNT


async def test_a_lost_answer_to_a_broadcast_is_no_reason_for_a_second_transaction(
    tmp_path: Path, regtest: Regtest
) -> None:
    """The node took it, and the connection broke: we look, and hand out the same bytes."""
    async with between(regtest.node) as (proxy, url), house(tmp_path, regtest, url=url) as h:
        await h.fill(COIN)
        address, worker = regtest.stranger(), h.worker()
        await h.approve("w1", 10_000, address)
        proxy.swallow.add("sendrawtransaction")
        await h.send(worker)
        assert len(regtest.waiting()) == 1
        proxy.swallow.clear()
        await h.until_final(worker)
        assert (regtest.unspent(address), len(h.attempts())) == ([10_000], 1)


async def test_a_node_that_refuses_broadcasts_for_a_while_is_tried_until_it_takes_it(
    tmp_path: Path, regtest: Regtest
) -> None:
    """Its pool is full, it says."""
    async with between(regtest.node) as (proxy, url), house(tmp_path, regtest, url=url) as h:
        await h.fill(COIN)
        address, worker = regtest.stranger(), h.worker()
        await h.approve("w1", 10_000, address)
        proxy.instead["sendrawtransaction"] = {"code": -26, "message": "mempool full"}
        for _ in range(4):
            await worker.step()
        assert regtest.waiting() == []
        proxy.instead.clear()
        await h.until_final(worker)
        assert (regtest.unspent(address), len(h.attempts())) == ([10_000], 1)
