"""The real signer, a process with a vault of its own, pays on a real chain; and says no to what was not approved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exchange.core.transfers import WithdrawalState
from exchange.custody.evm import body as evm_body
from exchange.custody.evm.body import Body
from exchange.custody.port import Draft
from exchange.custody.signer.client import SignerClient, open_signer, seal
from exchange.custody.signer.folder import Folder, read_public
from exchange.custody.signer.wire import Looked
from tests.chains.evm.house import ATOMS, House, house
from tests.chains.evm.world import ETHER, World
from tests.custody import signing_kit as kit

TO = "0x000000000000000000000000abCdEF0123456789"
ELSEWHERE = "0x" + "99" * 20


@asynccontextmanager
async def unlocked(folder: Folder) -> AsyncIterator[SignerClient]:
    with open_signer(folder.path) as client:
        looked = await client.look()
        identity = bytes.fromhex(read_public(folder).identity)
        assert isinstance(await client.unlock(seal(kit.PASSPHRASE, looked.box, looked.proof, identity)), Looked)
        yield client


def swapped(h: House, **fields: Any) -> None:
    """From now on whoever drafts writes something else into the body than was approved."""
    build = h.spending.build

    def building(*given: Any) -> Draft:
        draft = build(*given)
        body = evm_body.decode(draft.body)
        return msgspec.structs.replace(draft, body=evm_body.encode(msgspec.structs.replace(body, **fields)))

    h.spending.build = building  # type: ignore[method-assign,assignment]


async def test_the_real_signer_pays_on_a_real_chain(tmp_path: Path, evm: World) -> None:
    async with house(tmp_path, evm) as h, unlocked(kit.make_wallet(tmp_path / "signer")) as client:
        h.signer = client
        await h.approve("w1", ATOMS // 2, TO)
        await h.until_final(h.worker())
        assert await h.chain.balances([TO], "", await h.chain.tip()) == [ETHER // 2]


SWAPS: dict[str, dict[str, Any]] = {
    "recipient": {"to": ELSEWHERE},
    "amount": {"value": str(ETHER)},
    "chain id": {"chain_id": 1},
    "absurd fee": {"price": 10**15, "tip": 10**15},
    "call of a contract": {"data": bytes.fromhex("095ea7b3") + bytes(64), "value": "0"},
}


@pytest.mark.parametrize("what", SWAPS)
async def test_a_server_that_swaps_is_refused_and_nothing_leaves(tmp_path: Path, evm: World, what: str) -> None:
    """The withdrawal stays approved and held, an alarm is raised, the chain sees nothing."""
    fields = SWAPS[what]
    assert set(fields) <= set(Body.__struct_fields__)
    async with house(tmp_path, evm) as h, unlocked(kit.make_wallet(tmp_path / "signer")) as client:
        h.signer = client
        swapped(h, **fields)
        await h.approve("w1", ATOMS // 2, TO)
        await h.worker().step()
        await evm.mine()
        assert h.withdrawal("w1").told < WithdrawalState.SIGNED
        assert "signer refused" in h.alarms()
        assert h.held() == ATOMS // 2
        assert not await h.chain.used(f"{h.hot.address.lower()}:0")
