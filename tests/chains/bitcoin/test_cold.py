"""`exchange cold` on a real node: a PSBT goes out, an offline key signs it, and what comes back is compared."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from embit import bip32
from embit.psbt import PSBT
from embit.script import Script

from exchange import cli
from exchange.clock import SystemClock
from exchange.custody import wallet
from exchange.custody.derivation import account_path
from exchange.custody.signer.bitcoin import script_of
from exchange.custody.treasury.cold import cold_addresses
from tests.chains.bitcoin.regtest import COIN, Regtest, coins
from tests.custody import signing_kit as kit

OFFLINE = bip32.HDKey.from_seed(b"an offline machine" * 2).derive(list(account_path(kit.BTC, 0)))
XPUB = OFFLINE.to_public().to_base58()
HOT = kit.own(kit.HOT)


@pytest.fixture
def folder(tmp_path: Path, regtest: Regtest) -> Path:
    """A data folder with a wallet, a cold key with three coins on two addresses, and a node."""
    kit.make_wallet(tmp_path / "signer")
    with wallet.changing(tmp_path / "signer", kit.PASSPHRASE, SystemClock()) as vault:
        vault.change(wallet.with_cold(vault.secrets, "BTC", XPUB))
    homes = cold_addresses(kit.BTC, XPUB, 2)
    for amount, home in ((COIN, homes[0]), (COIN, homes[1]), (2 * COIN, homes[1])):
        regtest.pay(home, amount)
    regtest.mine()
    login = tmp_path / "login"
    login.write_bytes(regtest.node.login_file.read_bytes())
    login.chmod(0o600)
    (tmp_path / "exchange.toml").write_text(
        f'[chains.BTC]\nfamily = "bitcoin"\nparameters = "{kit.BTC}"\nrpc_url = "{regtest.node.url}"\n'
        'rpc_credentials_file = "login"\n'
    )
    return tmp_path


def cold(folder: Path, *words: object) -> int:
    return cli.main(["cold", *map(str, words), "--dir", str(folder)])


def exported(folder: Path, amount: str = "1.5") -> PSBT:
    assert cold(folder, "export", "BTC", amount, "--out", folder / "out.psbt") == 0
    return PSBT.parse(base64.b64decode((folder / "out.psbt").read_bytes()))


def imported(folder: Path, signed: PSBT | bytes) -> int:
    content = base64.b64encode(signed.serialize()) if isinstance(signed, PSBT) else signed
    (folder / "signed.psbt").write_bytes(content)
    return cold(folder, "import", "BTC", folder / "out.psbt", folder / "signed.psbt")


def test_a_refill_signed_offline_arrives_in_the_hot_wallet(folder: Path, regtest: Regtest) -> None:
    psbt = exported(folder)
    assert psbt.sign_with(OFFLINE) == len(psbt.inputs)
    assert imported(folder, psbt) == 0
    regtest.mine()
    found = regtest.call("scantxoutset", "start", [f"addr({HOT})"])["unspents"]
    assert coins(3 * COIN // 2) in {coins(int(one["amount"] * COIN)) for one in found}


def test_nothing_is_overwritten(folder: Path) -> None:
    exported(folder)
    assert cold(folder, "export", "BTC", "1", "--out", folder / "out.psbt") == 1


def test_an_unsigned_file_is_not_sent(folder: Path, regtest: Regtest, capsys: pytest.CaptureFixture[str]) -> None:
    assert imported(folder, exported(folder)) == 1
    assert "not signed" in capsys.readouterr().err
    assert regtest.waiting() == []


@pytest.mark.parametrize("act", ["recipient", "amount", "fee", "lock time", "one output less"])
def test_what_was_changed_on_its_way_is_not_sent(
    folder: Path, regtest: Regtest, capsys: pytest.CaptureFixture[str], act: str
) -> None:
    psbt: Any = exported(folder)
    match act:
        case "recipient":
            psbt.outputs[0].script_pubkey = Script(script_of(kit.BTC, kit.STRANGER))
        case "amount":
            psbt.outputs[0].value += 1
        case "fee":
            psbt.outputs[-1].value -= 50_000
        case "lock time":
            psbt.locktime = 1
        case _:
            psbt.outputs.pop()
    psbt.sign_with(OFFLINE)
    assert imported(folder, psbt) == 1
    assert "changed" in capsys.readouterr().err
    assert regtest.waiting() == []


def test_a_file_that_was_changed_before_it_was_signed_pays_only_ourselves(
    folder: Path, regtest: Regtest, capsys: pytest.CaptureFixture[str]
) -> None:
    psbt: Any = exported(folder)
    psbt.outputs[0].script_pubkey = Script(script_of(kit.BTC, kit.STRANGER))
    (folder / "out.psbt").write_bytes(base64.b64encode(psbt.serialize()))
    psbt.sign_with(OFFLINE)
    assert imported(folder, psbt) == 1
    assert "somebody else" in capsys.readouterr().err
    assert regtest.waiting() == []


@pytest.mark.parametrize("content", [b"", b"zz", b"\xff\xfe", b"70736274ff", b"cHNidP8="])
def test_bytes_that_are_no_transaction_are_refused(folder: Path, content: bytes) -> None:
    exported(folder)
    assert imported(folder, content) == 1


@pytest.mark.parametrize("amount", ["1000", "0.000000001", "-1", "x"])
def test_what_cannot_be_exported_writes_nothing(folder: Path, amount: str) -> None:
    assert cold(folder, "export", "BTC", amount, "--out", folder / "out.psbt") == 1
    assert not (folder / "out.psbt").exists()
