"""`exchange act`, against a real admin socket: a second operator sees what he has done, and says so."""

from __future__ import annotations

import io
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from exchange.admin import wire
from exchange.admin.acts import carry_out
from exchange.admin.house import Caller, Refused
from exchange.cli_people import act_verbs as verbs
from exchange.office.operators import Role
from tests.admin.furnished import attached, furnished


async def test_a_second_operator_lists_confirms_and_withdraws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with furnished(tmp_path, two_people=True) as house, attached(house) as client:
        house.operators.add("ben", 77, Role.OPERATIONS)
        ben = Caller("ben", 77, Role.OPERATIONS)
        for day in ("1", "2"):
            with pytest.raises(Refused, match="exchange act confirm"):
                await carry_out(house, ben, wire.SetTierLimit(0, "BTC", day, "9"))
        await verbs.list_acts(client, Namespace(match="tier", csv=True))
        heads, *lines = capsys.readouterr().out.splitlines()
        assert heads.startswith("act,asked by,what")
        assert ["may confirm it" in line for line in lines] == [True, True]
        monkeypatch.setattr(sys, "stdin", io.StringIO("no\n"))
        with pytest.raises(Refused, match="not confirmed"):
            await verbs.confirm_act(client, Namespace(number=1, yes=False))
        capsys.readouterr()
        monkeypatch.setattr(sys, "stdin", io.StringIO("confirm\n"))
        await verbs.confirm_act(client, Namespace(number=1, yes=False))
        said = capsys.readouterr().out
        assert "asked for by ben" in said
        assert "done, in the name of ben" in said
        assert "1.00000000" in said
        await verbs.withdraw_act(client, Namespace(number=2))
        assert "is not done" in capsys.readouterr().out
        with pytest.raises(Refused, match="no act 2 waits"):
            await verbs.confirm_act(client, Namespace(number=2, yes=True))
        assert await house.sequencer.read(lambda state: len(state.tier_limits)) == 1
