"""A token payout whose tokens moved, but not as it asked for: neither paid nor to be given back."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from exchange.core.transfers import WithdrawalState
from exchange.custody.evm import body as evm_body
from exchange.custody.evm import tokens as evm_tokens
from exchange.custody.evm.node import TRANSFER_EVENT
from exchange.custody.evm.shapes import LogShape, ReceiptShape, TxShape
from exchange.custody.memory.chain import MemoryChain
from exchange.custody.memory.world import MemoryWorld
from exchange.custody.port import Found, Standing
from tests.custody.till import FUNDED, till

HOT, TO, HOUSE, TOKEN, OTHER = ("0x" + digit * 40 for digit in "12345")
TXID, BLOCK = "0x" + "a" * 64, "0x" + "b" * 64


def _moved(sender: str, to: str, amount: int, token: str = TOKEN) -> LogShape:
    topics = [TRANSFER_EVENT, *("0x" + one[2:].rjust(64, "0") for one in (sender, to))]
    return LogShape(token, topics, f"0x{amount:064x}", BLOCK, TXID, "0x0")


@pytest.mark.parametrize(
    ("logs", "standing"),
    [
        ([_moved(HOT, TO, 100)], Standing.MINED),
        ([], Standing.REVERTED),
        ([_moved(HOT, TO, 100, OTHER)], Standing.REVERTED),
        ([_moved(HOUSE, TO, 100)], Standing.REVERTED),
        ([_moved(HOT, TO, 98), _moved(HOT, HOUSE, 2)], Standing.UNCLEAR),
        ([_moved(HOT, TO, 100), _moved(HOT, HOUSE, 2)], Standing.MINED),
        ([_moved(HOT, TO, 100)] * 2, Standing.UNCLEAR),
    ],
)
def test_a_token_payout_is_paid_or_not_or_unclear(logs: list[LogShape], standing: Standing) -> None:
    """USDT can begin to keep a part of each transfer: its recipient then has the rest."""
    data = "0x" + evm_body.transfer(TO, 100).hex()
    sent = TxShape(TXID, HOT, TOKEN, "0x0", "0x0", data)
    assert evm_tokens.standing(sent, ReceiptShape(TXID, BLOCK, "0x1", "0x1", "0x1", "0x1", logs)) is standing


class _Unclear(MemoryChain):
    async def find(self, txid: str) -> Found:
        found = await super().find(txid)
        mined = found.standing is Standing.MINED
        return msgspec.structs.replace(found, standing=Standing.UNCLEAR) if mined else found


async def test_what_is_unclear_is_an_alarm_and_gives_nothing_back(tmp_path: Path) -> None:
    async with till(tmp_path, _Unclear(MemoryWorld("ETH", accounts=True))) as house:
        await house.approve("w1", 5_000)
        worker = house.worker()
        for _ in range(5):
            await worker.step()
            house.world.mine()
        assert house.withdrawal("w1").told == WithdrawalState.CONFIRMED
        assert await house.money() == (FUNDED - 5_000, 5_000)
        alarms = house.store.reader.execute("SELECT count(*) FROM alarms WHERE kind = 'payout unclear'").fetchone()
        assert alarms == (1,)
