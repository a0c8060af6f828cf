"""A refill from a cold wallet on a real node, as the house's own books, the ledger and reconciliation see it."""

from __future__ import annotations

import base64
from pathlib import Path

from embit import bip32
from embit.psbt import PSBT

from exchange.core import commands as co
from exchange.core.networks import Network
from exchange.core.units import Amount, AssetId
from exchange.custody.derivation import account_path
from exchange.custody.treasury.cold import cold_addresses
from tests.chains.bitcoin.regtest import COIN, Regtest
from tests.chains.refilled import FINAL, make_folder, running
from tests.custody import signing_kit as kit


async def test_a_refill_is_reconciled_to_the_last_satoshi_and_its_fee_is_booked(
    tmp_path: Path, regtest: Regtest
) -> None:
    """Out, signed offline, back, mined, deep enough: at no step is anything missing, and payouts stay open."""
    kind = f'family = "bitcoin"\nparameters = "{kit.BTC}"\nrpc_url = "{regtest.node.url}"\n'
    seed = bip32.HDKey.from_seed(b"another offline machine").derive(list(account_path(kit.BTC, 0)))
    said = seed.to_public().to_base58()
    text = f'{kind}rpc_credentials_file = "login"\nfirst_block = {regtest.height() + 1}\n'
    make_folder(tmp_path, "BTC", said, text)
    login = tmp_path / "login"
    login.write_bytes(regtest.node.login_file.read_bytes())
    login.chmod(0o600)
    homes = cold_addresses(kit.BTC, said, 4)
    for home in homes[1:]:
        regtest.pay(home, COIN)
    regtest.mine()
    terms = Network(asset=AssetId(1), name="BTC", chain_decimals=8, withdrawal_min=Amount(1))
    async with running(tmp_path, "BTC", [co.ListAsset("BTC", 8), co.SetNetwork(terms)]) as house:
        assert await house.verdicts() == [""]
        assert await house.cold("export", "BTC", "2.5", "--out", tmp_path / "out.psbt") == 0
        psbt = PSBT.parse(base64.b64decode((tmp_path / "out.psbt").read_bytes()))
        assert psbt.sign_with(seed) == len(psbt.inputs) == 3
        (tmp_path / "signed.psbt").write_bytes(base64.b64encode(psbt.serialize()))
        assert await house.cold("import", "BTC", tmp_path / "out.psbt", tmp_path / "signed.psbt") == 0
        for blocks in range(1, FINAL + 1):
            regtest.mine()
            assert await house.verdicts() == [""]
            await house.costs.step()
            assert house.fees(AssetId(1)) == (-psbt.fee() if blocks == FINAL else 0)
        assert await house.verdicts() == [""]
        assert sum(regtest.unspent(homes[0])) == COIN // 2 - psbt.fee()
        assert not house.shut()
