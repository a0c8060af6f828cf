"""The commands about money that leaves, against a real admin socket: what is shown is what is signed."""

from __future__ import annotations

import io
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from exchange.admin.house import Refused
from exchange.cli_people import withdrawal_verbs as verbs
from exchange.custody.payouts import withdrawal_rows
from exchange.office import approver_file
from exchange.office.operators import Role
from tests.admin.furnished import attached
from tests.admin.test_withdrawals import desk

WORDS = "correct horse battery"


def _typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


async def test_an_operator_makes_a_key_and_approves_what_he_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The passphrase comes through a pipe; the private half never leaves its file."""
    async with desk(tmp_path) as here, attached(here.house, Role.TREASURY) as client:
        waiting = await here.ask(5_000)
        key = tmp_path / "my.key"
        _typed(monkeypatch, WORDS)
        await verbs.make_approver(client, Namespace(file=key))
        assert "exchange wallet approver add" in capsys.readouterr().out
        _typed(monkeypatch, "no")
        with pytest.raises(Refused, match="not approved"):
            await verbs.approve_withdrawal(client, Namespace(id=waiting, key=key, yes=False))
        _typed(monkeypatch, "wrong words here")
        with pytest.raises(Refused, match="passphrase is wrong"):
            await verbs.approve_withdrawal(client, Namespace(id=waiting, key=key, yes=True))
        _typed(monkeypatch, "approve", WORDS)
        await verbs.approve_withdrawal(client, Namespace(id=waiting, key=key, yes=False))
        said = capsys.readouterr().out
        assert "5000 units of the chain’s own coin on ETH" in said
        assert "approved: it goes out." in said
        (given,) = withdrawal_rows.approvals_of(here.house.payments.store.reader, waiting)
        assert given.approver == bytes(approver_file.unlock(key, WORDS).verify_key)


async def test_lists_come_as_tables_and_as_csv_and_can_be_searched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with desk(tmp_path) as here, attached(here.house) as client:
        small, large = await here.ask(500, "one"), await here.ask(50_000, "two")
        await verbs.list_withdrawals(client, Namespace(which="waiting", match="", csv=True))
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 2
        assert lines[1].startswith(large)
        await verbs.list_withdrawals(client, Namespace(which="open", match=here.world.address("one"), csv=False))
        assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["id", small]
        await verbs.show_withdrawal(client, Namespace(id=large))
        assert "2 needed" in capsys.readouterr().out
        await verbs.reject_withdrawal(client, Namespace(id=large, reason="odd"))
        assert f"{large} is rejected: 0.00050000 BTC go back to alice." in capsys.readouterr().out
        await verbs.stop_payouts(client, Namespace(chain="ETH", reason="a drill"))
        await verbs.list_chains(client, Namespace(match="", csv=True))
        assert "ETH,stopped,1,0," in capsys.readouterr().out
