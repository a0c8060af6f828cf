"""Chains at the desk: how they are, what is wrong, and why a payment is not credited."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from exchange.admin import wire
from exchange.admin.house import Refused
from exchange.core.commands import SetNetwork
from exchange.core.networks import Network
from exchange.core.units import AssetId
from exchange.custody.deposits import chain_rows
from exchange.custody.memory.world import MemoryWorld
from exchange.custody.port import Purpose
from exchange.office.operators import Role
from tests.admin.furnished import ALICE, House, attached, done, furnished


def _world() -> dict[str, MemoryWorld]:
    world = MemoryWorld("BTC")
    world.mine(5)
    return {"BTC": world}


async def _read(house: House) -> None:
    while await house.custody.lines["BTC"].follower.watcher.step():
        pass


async def test_a_chain_at_a_glance(tmp_path: Path) -> None:
    async with furnished(tmp_path, worlds=_world()) as house, attached(house, Role.AUDITOR) as client:
        (before,) = (await client.call(wire.ListChains())).rows
        await _read(house)
        (row,) = (await client.call(wire.ListChains())).rows
        assert (before.following, before.height) == ("starting", 0)
        assert (row.name, row.family, row.following, row.height, row.tip) == ("BTC", "memory", "following", 5, 5)


async def test_a_stopped_chain_goes_on_when_an_operator_says_so(tmp_path: Path) -> None:
    """Its alarm is over then, and not before."""
    async with furnished(tmp_path, worlds=_world()) as house, attached(house) as client:
        await _read(house)
        store = house.custody.store
        await store.write(partial(chain_rows.stop, chain="BTC", why="a drill"))
        for kind in ("stopped", "node"):
            await store.write(partial(chain_rows.raise_alarm, chain="BTC", kind=kind, text="x", now=house.clock.now()))
        assert (await client.call(wire.CloseAlarms("BTC"))).alarms == ("stopped: x",)
        assert (await client.call(wire.ResumeChain("BTC"))).alarms == ()
        at = chain_rows.progress(store.reader, "BTC")
        assert at is not None
        assert at.stopped == ""


async def test_status_has_the_newest_alarm_of_each_chain_and_how_many_more_there_are(tmp_path: Path) -> None:
    async with furnished(tmp_path, worlds=_world()) as house, attached(house) as client:
        assert (await client.call(wire.GetStatus())).alarms == ()
        now = house.clock.now()
        for text in ("first", "second"):
            raised = partial(chain_rows.raise_alarm, chain="BTC", kind="node", text=text, now=now)
            await house.custody.store.write(raised)
        assert (await client.call(wire.GetStatus())).alarms == ("BTC: node: second (and 1 more)",)
        await client.call(wire.CloseAlarms("BTC"))
        assert (await client.call(wire.GetStatus())).alarms == ()


async def test_an_auditor_lets_no_chain_go_on(tmp_path: Path) -> None:
    async with furnished(tmp_path, worlds=_world()) as house, attached(house, Role.AUDITOR) as client:
        with pytest.raises(Refused, match="may not do that"):
            await client.call(wire.ResumeChain("BTC"))


async def test_a_deposit_is_explained_by_its_transaction(tmp_path: Path) -> None:
    """Unknown ones too; what is no id is refused."""
    worlds = _world()
    async with furnished(tmp_path, worlds=worlds) as house, attached(house) as client:
        (one,) = (await client.call(wire.ExplainDeposit("ab" * 32))).rows
        assert (one.state, one.why) == ("unknown", "this chain does not know it")
        for text in ("", "a" * 129, "ä", "\x1b[2J"):
            with pytest.raises(Refused, match="1 to 128"):
                await client.call(wire.ExplainDeposit(text))


async def test_deposits_are_listed_newest_first_and_by_owner_and_state(tmp_path: Path) -> None:
    worlds = _world()
    async with furnished(tmp_path, worlds=worlds) as house, attached(house) as client:
        await done(house.sequencer, SetNetwork(Network(AssetId(1), "BTC", 8, deposits_open=True)))
        await _read(house)
        pool = house.custody.lines["BTC"].pool
        await pool.add_wallet(Purpose.DEPOSIT, "xpub")
        for amount in (5, 6, 7):
            worlds["BTC"].pay(await pool.address_for(ALICE, AssetId(1)), amount)
            worlds["BTC"].mine()
        worlds["BTC"].pay(await pool.address_for(ALICE, AssetId(1)), 8, contract="0xfa4e")
        worlds["BTC"].mine()
        await _read(house)
        every = await client.call(wire.ListDeposits("alice"))
        assert [row.amount for row in every.rows] == ["8", "0.00000007", "0.00000006", "0.00000005"]
        first = await client.call(wire.ListDeposits(state="credited", limit=2))
        rest = await client.call(wire.ListDeposits(state="credited", limit=2, before=first.rows[-1].number))
        assert (first.more, rest.more, len(rest.rows)) == (True, False, 1)
        assert (await client.call(wire.ListDeposits("bob"))).rows == ()
        with pytest.raises(Refused, match="a deposit is seen, confirming"):
            await client.call(wire.ListDeposits(state="lost"))


async def test_without_chains_there_is_nothing_to_explain(tmp_path: Path) -> None:
    async with furnished(tmp_path) as house, attached(house) as client:
        assert (await client.call(wire.ListChains())).rows == ()
        with pytest.raises(Refused, match="no chain is followed"):
            await client.call(wire.ExplainDeposit("ab"))
        with pytest.raises(Refused, match="no chain is called XMR"):
            await client.call(wire.ResumeChain("XMR"))
