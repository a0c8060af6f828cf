"""`exchange cold` on a real Anvil: an unsigned type-2 transaction goes out, what comes back signed is compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import trio
from eth_account import Account

from exchange import cli
from exchange.clock import SystemClock
from exchange.core import commands as co
from exchange.core.networks import Network
from exchange.core.units import Amount, AssetId
from exchange.custody import wallet
from exchange.custody.derivation import EVM
from exchange.custody.port import Owned, Purpose
from tests.chains.evm.world import CHAIN_ID, ETHER, World, encoded
from tests.chains.refilled import FINAL, make_folder, running
from tests.custody import signing_kit as kit

OFFLINE = Account.from_key(b"\x07" * 32)
HOT = kit.own(kit.HOT, EVM)
_NUMBERS = ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas", "value", "type")


class Cold:
    """A data folder with a wallet, a cold address with money, and a node."""

    def __init__(self, folder: Path, evm: World, token: str) -> None:
        self.folder, self.evm, self.token = folder, evm, token
        rules = kit.RULES.replace(kit.USDT, token)
        kit.make_wallet(folder / "signer", rules)
        with wallet.changing(folder / "signer", kit.PASSPHRASE, SystemClock()) as vault:
            vault.change(wallet.with_cold(vault.secrets, "ETH", OFFLINE.address))
        text = f'[chains.ETH]\nfamily = "evm"\nchain_id = {CHAIN_ID}\nrpc_url = "{evm.url}"\n'
        (folder / "exchange.toml").write_text(text)

    async def call(self, *words: object) -> int:
        return await trio.to_thread.run_sync(cli.main, ["cold", *map(str, words), "--dir", str(self.folder)])

    async def exported(self, amount: str = "1.5", asset: str = "ETH") -> dict[str, Any]:
        out = self.folder / "out.json"
        assert await self.call("export", "ETH", amount, "--asset", asset, "--out", out) == 0
        made: dict[str, Any] = json.loads(out.read_text())
        return made

    async def imported(self, raw: str) -> int:
        (self.folder / "signed").write_text(raw)
        return await self.call("import", "ETH", self.folder / "out.json", self.folder / "signed")

    async def has(self, address: str, contract: str = "") -> int:
        (amount,) = await self.evm.evm.balances([address], contract, await self.evm.mine())
        return amount


def signed(file: dict[str, Any], key: Any = OFFLINE, **changes: Any) -> str:
    fields = {name: int(value) if name in _NUMBERS else value for name, value in file.items() if name != "from"}
    fields["to"] = bytes.fromhex(str(changes.pop("to", fields["to"]))[2:])
    return str(key.sign_transaction({**fields, **changes}).raw_transaction.to_0x_hex())


@pytest.fixture
async def cold(tmp_path: Path, evm: World) -> Cold:
    token = await evm.deploy("Token")
    await evm.fund(Owned(OFFLINE.address, Purpose.COLD, 0), 10 * ETHER)
    await evm.call(token, "mint(address,uint256)", OFFLINE.address, 10**9)
    await evm.mine()
    return Cold(tmp_path, evm, token)


async def test_a_refill_signed_offline_arrives_in_the_hot_address(cold: Cold) -> None:
    assert await cold.imported(signed(await cold.exported())) == 0
    assert await cold.has(HOT) == 3 * ETHER // 2


async def test_a_tokens_refill_arrives_too(cold: Cold) -> None:
    assert await cold.imported(signed(await cold.exported("12.5", "USDT"))) == 0
    assert await cold.has(HOT, cold.token) == 12_500_000


@pytest.mark.parametrize(
    "changes",
    [
        {"value": ETHER},
        {"to": kit.EVM_STRANGER},
        {"nonce": 1},
        {"maxFeePerGas": 10**12},
        {"gas": 100_000},
        {"data": "0x00"},
        {"accessList": [{"address": kit.EVM_STRANGER, "storageKeys": []}]},
    ],
)
async def test_what_was_changed_on_its_way_is_not_sent(
    cold: Cold, capsys: pytest.CaptureFixture[str], changes: dict[str, Any]
) -> None:
    assert await cold.imported(signed(await cold.exported(), **changes)) == 1
    assert "not sent" in capsys.readouterr().err
    assert await cold.has(HOT) == 0


async def test_another_key_is_not_the_cold_wallet(cold: Cold) -> None:
    assert await cold.imported(signed(await cold.exported(), Account.from_key(b"\x08" * 32))) == 1


async def test_a_file_that_was_changed_before_it_was_signed_pays_only_ourselves(
    cold: Cold, capsys: pytest.CaptureFixture[str]
) -> None:
    file = await cold.exported()
    file["to"] = kit.EVM_STRANGER.lower()
    (cold.folder / "out.json").write_text(json.dumps(file))
    assert await cold.imported(signed(file)) == 1
    assert "somebody else" in capsys.readouterr().err


@pytest.mark.parametrize("raw", ["", "0x", "zz", "0x02", "0x02c0", "0x01" + "00" * 40])
async def test_bytes_that_are_no_transaction_are_refused(cold: Cold, raw: str) -> None:
    await cold.exported()
    assert await cold.imported(raw) == 1


async def test_refills_are_reconciled_to_the_last_wei_and_their_gas_is_booked(tmp_path: Path, evm: World) -> None:
    """A coin's and a token's: the cold address pays gas for both, and for one that fails. Payouts stay open."""
    token = await evm.deploy("Token")
    first = (await evm.evm.tip()).height + 1
    text = f'family = "evm"\nchain_id = {CHAIN_ID}\nrpc_url = "{evm.url}"\nfirst_block = {first}\n'
    make_folder(tmp_path, "ETH", OFFLINE.address, text, kit.RULES.replace(kit.USDT, token))
    await evm.send(OFFLINE.address, 10 * ETHER)
    await evm.call(token, "mint(address,uint256)", OFFLINE.address, 10**9)
    await evm.mine()
    coin = Network(asset=AssetId(1), name="ETH", chain_decimals=18, withdrawal_min=Amount(1))
    other = Network(asset=AssetId(2), name="ETH", contract=token, chain_decimals=6, withdrawal_min=Amount(100))
    listed: list[co.Command] = [
        co.ListAsset("ETH", 8),
        co.ListAsset("USDT", 8),
        co.SetNetwork(coin),
        co.SetNetwork(other),
    ]
    async with running(tmp_path, "ETH", listed) as house:
        assert await house.verdicts() == ["", ""]
        out, back = tmp_path / "out.json", tmp_path / "signed"
        for asset, amount in (("ETH", "1.5"), ("USDT", "12.5")):
            out.unlink(missing_ok=True)
            assert await house.cold("export", "ETH", amount, "--asset", asset, "--out", out) == 0
            back.write_text(signed(json.loads(out.read_text())))
            assert await house.cold("import", "ETH", out, back) == 0
            await evm.mine()
            assert await house.verdicts() == ["", ""]
        failing = signed(json.loads(out.read_text()), nonce=2, data=encoded("transfer(address,uint256)", HOT, 10**12))
        await evm.rpc.call("eth_sendRawTransaction", failing)
        for _ in range(FINAL):
            await evm.mine()
            assert await house.verdicts() == ["", ""]
        (left,) = await evm.evm.balances([OFFLINE.address], "", await evm.evm.tip())
        spent = 10 * ETHER - 3 * ETHER // 2 - left
        await house.costs.step()
        assert house.fees(AssetId(1)) == -(spent // 10**10) < 0
        assert await house.verdicts() == ["", ""]
        assert not house.shut()
