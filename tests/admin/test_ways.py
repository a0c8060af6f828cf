"""Networks, limits and shut payouts at the desk."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.admin import wire
from exchange.admin.acts import carry_out
from exchange.admin.house import Caller, Refused
from exchange.custody.signer.client import SignerClient
from exchange.custody.signer.wire import Row
from exchange.office.operators import Role
from tests.admin.furnished import ME, furnished

ANN = Caller("ann", ME, Role.TREASURY)
NEW = wire.SetNetwork(
    "BTC",
    "BTC",
    chain_decimals=8,
    withdrawal_fee="0.0001",
    withdrawal_min="0.001",
    deposit_min="0.00001",
    confirmations="0:2 1.5:6",
    automatic_limit="0.1",
    one_person_limit="1",
    withdrawals_open=True,
)
ROW = wire.NetworkRow(
    asset="BTC",
    network="BTC",
    contract="",
    chain_decimals=8,
    withdrawal_fee="0.00010000",
    withdrawal_min="0.00100000",
    deposit_min="0.00001000",
    confirmations="0.00000000:2 1.50000000:6",
    automatic_limit="0.10000000",
    one_person_limit="1.00000000",
    deposits_open=False,
    withdrawals_open=True,
)


async def test_a_network_is_set_and_shown(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        assert await carry_out(house, ANN, NEW) == ROW
        assert await carry_out(house, ANN, wire.ListNetworks()) == wire.NetworkList((ROW,))


async def test_what_is_not_said_stays(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        await carry_out(house, ANN, NEW)
        row = await carry_out(house, ANN, wire.SetNetwork("BTC", "BTC", withdrawal_fee="0.0002"))
        assert (row.withdrawal_fee, row.withdrawal_min, row.withdrawals_open) == ("0.00020000", "0.00100000", True)


async def test_a_new_network_is_closed(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        row = await carry_out(house, ANN, wire.SetNetwork("BTC", "BTC", chain_decimals=8))
        assert (row.deposits_open, row.withdrawals_open) == (False, False)


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (wire.SetNetwork("XXX", "BTC", chain_decimals=8), "not_found"),
        (wire.SetNetwork("BTC", "BTC"), "bad_params"),
        (wire.SetNetwork("BTC", "btc", chain_decimals=8), "bad_rules"),
        (wire.SetNetwork("BTC", "BTC", chain_decimals=99), "bad_rules"),
        (wire.SetNetwork("BTC", "BTC", chain_decimals=8, withdrawal_fee="1"), "bad_rules"),
        (wire.SetNetwork("BTC", "BTC", chain_decimals=8, withdrawal_fee="1e3"), "bad_amount"),
        (wire.SetNetwork("BTC", "BTC", chain_decimals=8, withdrawal_min="-1"), "bad_amount"),
        (wire.SetNetwork("BTC", "BTC", chain_decimals=8, confirmations="2"), "bad_params"),
        (wire.SetNetwork("BTC", "BTC", chain_decimals=8, confirmations="0:99999999999"), "bad_params"),
        (wire.SetNetwork("BTC", "BTC", chain_decimals=8, confirmations=""), "bad_rules"),
        (wire.SetNetwork("BTC", "BTC", chain_decimals=8, confirmations="1:2"), "bad_rules"),
        (wire.SetTierLimit(0, "XXX", "1", "1"), "not_found"),
        (wire.SetTierLimit(0, "BTC", "2", "1"), "bad_params"),
        (wire.SetTierLimit(-1, "BTC", "1", "1"), "bad_params"),
        (wire.SetTierLimit(1 << 70, "BTC", "1", "1"), "bad_params"),
        (wire.SetTierLimit(0, "BTC", "all", "1"), "bad_amount"),
        (wire.SetPayoutsShut("XXX", True, "why"), "not_found"),
        (wire.SetPayoutsShut("BTC", True, " "), "bad_reason"),
        (wire.SetPayoutsShut("BTC", True, "a\x1b[31m"), "bad_reason"),
    ],
)
async def test_what_cannot_be_is_refused_in_words(tmp_path: Path, ask: wire.Ask[object], code: str) -> None:
    async with furnished(tmp_path) as house:
        with pytest.raises(Refused) as refused:
            await carry_out(house, ANN, ask)
        assert refused.value.code == code
        assert refused.value.text.endswith("Nothing was changed.")


async def test_limits_are_set_and_shown(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        row = await carry_out(house, ANN, wire.SetTierLimit(2, "BTC", "1", "20"))
        assert row == wire.TierLimitRow(2, "BTC", "1.00000000", "20.00000000")
        assert await carry_out(house, ANN, wire.ListTierLimits()) == wire.TierLimitList((row,))


async def test_payouts_are_shut_and_opened(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house:
        await carry_out(house, ANN, NEW)
        await carry_out(house, ANN, wire.SetPayoutsShut("BTC", True, "1 BTC is missing"))
        (row,) = (await carry_out(house, ANN, wire.ListNetworks())).rows
        assert row.shut == "1 BTC is missing"
        found = await carry_out(house, ANN, wire.ListShut())
        assert found == wire.ShutList((wire.ShutRow("BTC", "1 BTC is missing"),), 1)
        assert await carry_out(house, ANN, wire.SetPayoutsShut("BTC", False, "found")) == wire.ShutRow("BTC", "")


async def test_a_contract_is_kept_in_one_spelling(tmp_path: Path) -> None:
    """Chains name it in small letters: under another spelling its deposits would be those of a stranger's token."""
    async with furnished(tmp_path) as house:
        ask = wire.SetNetwork("BTC", "ETH", chain_decimals=8, contract="0x" + "aB" * 20)
        assert (await carry_out(house, ANN, ask)).contract == "0x" + "ab" * 20


@pytest.mark.parametrize("asset", ["", "BTC"])
async def test_all_payouts_open_once_the_signer_signed_nothing_unknown_or_each_was_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asset: str
) -> None:
    """After a restore custody's books may lack what was paid. One asset's own shutting is another matter."""
    signed = [Row(n, 0, f"d{n}", "BTC", f"tx{n}", ("w1",), (), "1", b"") for n in (1, 2)]

    async def recall(_signer: SignerClient, after: int = 0) -> list[Row]:
        return [one for one in signed if one.number > after]

    monkeypatch.setattr(SignerClient, "recall", recall)
    monkeypatch.setattr(SignerClient, "has_wallet", True)
    async with furnished(tmp_path) as house:
        await carry_out(house, ANN, wire.SetPayoutsShut(asset, True, "restored"))
        if not asset:
            for looked_up in (0, 1, 3):
                with pytest.raises(Refused, match="BTC tx1 for w1; BTC tx2 for w1"):
                    await carry_out(house, ANN, wire.SetPayoutsShut("", False, "seen", looked_up))
                assert len((await carry_out(house, ANN, wire.ListShut())).rows) == 1
        await carry_out(house, ANN, wire.SetPayoutsShut(asset, False, "seen", 0 if asset else 2))
        assert (await carry_out(house, ANN, wire.ListShut())).rows == ()


async def test_all_payouts_stay_shut_while_the_signer_cannot_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process is real here, and has no vault to open."""
    monkeypatch.setattr(SignerClient, "has_wallet", True)
    async with furnished(tmp_path) as house:
        await carry_out(house, ANN, wire.SetPayoutsShut("", True, "restored"))
        with pytest.raises(Refused, match="exchange wallet unlock") as refused:
            await carry_out(house, ANN, wire.SetPayoutsShut("", False, "seen"))
        assert refused.value.code == "signer_locked"
        assert len((await carry_out(house, ANN, wire.ListShut())).rows) == 1
