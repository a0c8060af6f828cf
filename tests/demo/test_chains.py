"""The demo's chains: real nodes where they can be had, a world in memory where not; deposits come in by themselves."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path

import httpx
import msgspec
import pytest
import trio

from exchange.app import House, open_house
from exchange.clock import SystemClock
from exchange.core import commands as co
from exchange.core.transfers import DepositState, WithdrawalState
from exchange.core.units import AccountId, Amount, AssetId
from exchange.custody import history
from exchange.custody.payouts.rows import withdrawals
from exchange.custody.payouts.withdrawals import Wanted
from exchange.custody.proof.reconciling import open_reconciler
from exchange.custody.status import Following
from exchange.demo.chained import Chained
from exchange.demo.former_chains import towards_the_end
from exchange.demo.furnished import Demo
from exchange.demo.nodes import NoNode, anvil, bitcoind
from exchange.demo.outside import MemoryOutside
from exchange.demo.show import show
from exchange.ledger.reconcile import verify
from tests.chains.evm.world import CONTRACTS
from tests.chains.nodes import missing
from tests.custody.till import paid
from tests.faults.server import demo

PATIENCE = 180


def test_the_demos_token_is_the_one_that_the_tests_compile() -> None:
    text = resources.files("exchange.demo").joinpath("token.toml").read_text()
    assert "".join(tomllib.loads(text)["bytecode"].split()) == CONTRACTS["Token"]["bytecode"]


@asynccontextmanager
async def in_memory(folder: Path) -> AsyncIterator[tuple[House, Chained]]:
    """A furnished demo on chains in memory, without doors; nobody mines."""
    one = Demo(folder, bare=True, flow=False, speed=1, as_json=True, chains=True, mining=False)
    settings = one.settings(0, 0, None)
    await trio.to_thread.run_sync(one.prepare, settings)
    chained = Chained(MemoryOutside("a test"), b"")
    settings = msgspec.structs.replace(settings, chains=dict(chained.out.settings))
    with open_house(folder, settings, SystemClock(), chained.out.worlds) as house:
        async with trio.open_nursery() as nursery:
            await nursery.start(house.sequencer.run)
            nursery.start_soon(house.custody.run)
            nursery.start_soon(house.payments.run)
            await chained.furnish(house)
            yield house, chained
            nursery.cancel_scope.cancel()


async def test_without_nodes_a_deposit_of_each_asset_comes_in_by_memory(tmp_path: Path) -> None:
    """And what is said of it is one line."""
    async with in_memory(tmp_path / "data") as (house, chained):
        assert "\n" not in chained.out.note
        alice = house.sequencer.state.names["alice"]
        for asset in list(house.sequencer.state.assets.values()):
            chain = "BTC" if asset.code == "BTC" else "ETH"
            address = await house.custody.lines[chain].pool.address_for(alice, asset.id)
            await chained.out.pay(asset.code, address, 10**20 if asset.code == "ETH" else 10**8)
        await chained.out.mine()
        await chained.out.mine()
        await _credited(house, alice, 3)
    verify(tmp_path / "data" / "ledger.db", lambda _done, _total: None)


async def test_without_nodes_a_withdrawal_of_each_asset_goes_out_by_memory(tmp_path: Path) -> None:
    """At once, since they are small; and each is paid once."""
    async with in_memory(tmp_path / "data") as (house, chained):
        networks, payments = list(house.sequencer.state.networks.values()), house.payments
        worlds, alice = chained.out.worlds, house.sequencer.state.names["alice"]
        asked = [
            await payments.withdrawals.ask(
                Wanted(
                    account=alice,
                    asset=one.asset,
                    network=one.name,
                    address=worlds[one.name].address(f"shop {one.asset}"),
                    atoms=Amount(one.withdrawal_min * 2),
                )
            )
            for one in networks
        ]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(payments.run)
            with trio.fail_after(PATIENCE):
                while withdrawals(payments.store.reader, "told <> ?", WithdrawalState.FINAL):
                    if all(line.status.following is Following.FOLLOWING for line in house.custody.lines.values()):
                        await chained.out.mine()
                    payments.withdrawals.ring()
                    await trio.sleep(0.2)  # a row in a file has no event
            nursery.cancel_scope.cancel()
        assert len(asked) == 3
        assert [paid(worlds[row.chain], row.address) for row in asked] == [[row.amount] for row in asked]


async def _credited(house: House, account: AccountId, count: int) -> None:
    with trio.fail_after(PATIENCE):
        # a row in a file has no event
        reader = house.custody.store.reader
        while [one.row.state for one in history.deposits(reader, account=account)] != [3] * count:  # noqa: ASYNC110
            await trio.sleep(0.05)  # a row in a file has no event


async def test_without_nodes_what_is_shown_comes_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A deposit and a withdrawal of each asset."""
    async with in_memory(tmp_path / "data") as (house, chained), trio.open_nursery() as nursery:
        nursery.start_soon(_mine, chained)
        with trio.fail_after(PATIENCE):
            await show(house, chained, house.sequencer.state.names["alice"], "alice")
        nursery.cancel_scope.cancel()
    assert capsys.readouterr().out.count("final: transaction") == 3


async def _mine(chained: Chained) -> None:
    while True:
        await chained.out.mine()
        await trio.sleep(0.3)


async def test_a_later_start_agrees_with_its_new_chains_whatever_came_and_went_over_the_old_ones(
    tmp_path: Path,
) -> None:
    """More came in than went out, and then the other way round; people keep what they have."""
    has: dict[int, int] = {}
    for paid_in, taken in ((10, 0), (0, 3), (0, 0)):
        async with in_memory(tmp_path / "data") as (house, _):
            state = house.sequencer.state
            alice, btc = state.names["alice"], next(one for one in state.assets.values() if one.code == "BTC")
            assert not has or state.available(alice, btc.id) == has[btc.id]
            judged = await open_reconciler(
                tmp_path / "data" / "ledger.db", house.custody, house.sequencer, house.clock
            ).compare()
            assert [one.verdict for one in judged] == [""] * len(judged) != []
            await _moved(house, alice, btc.id, paid_in, taken)
            has[btc.id] = state.available(alice, btc.id)
    verify(tmp_path / "data" / "ledger.db", lambda _done, _total: None)


async def _moved(house: House, account: AccountId, asset: AssetId, paid_in: int, taken: int) -> None:
    """So many parts of an asset came and went, as the ledger hears of it."""
    least = next(one.withdrawal_min for one in house.sequencer.state.networks.values() if one.asset == asset)
    key = f"t{paid_in}:{taken}"
    moves: list[co.Command] = []
    if paid_in:
        moves.append(co.ReportDeposit(key, account, asset, Amount(paid_in * least), DepositState.CREDITED))
    if taken:
        moves.append(co.RequestWithdrawal(key, account, asset, Amount(taken * least), "BTC"))
        moves += [co.MoveWithdrawal(key, WithdrawalState(state)) for state in (3, 4, 5, 6, 7, 8)]
        moves.append(co.BookNetworkCost(key, asset, Amount(5_020)))
    for move in moves:
        assert (await house.sequencer.call(move)).reject is None


def test_whatever_was_on_its_way_out_has_a_way_back() -> None:
    """From every state to an end."""
    for begun in WithdrawalState:
        state, steps = begun, 0
        while (following := towards_the_end(state)) is not None:
            state, steps = following, steps + 1
            assert steps < 5
        assert state in {*list(WithdrawalState)[WithdrawalState.FINAL - 1 :]}


async def test_with_nodes_the_ready_line_tells_where_they_are(tmp_path: Path) -> None:
    """With credentials, and they answer."""
    try:
        await trio.to_thread.run_sync(lambda: (anvil.program(), bitcoind.Node(bitcoind.BITCOIN, tmp_path / "node")))
    except NoNode as error:
        missing("a demo", error)
    async with demo(tmp_path / "data", "--bare", "--chains", "--no-mining") as server:
        assert server.ready.chains.keys() == {"BTC", "ETH"}
        asked = {"BTC": "getblockcount", "ETH": "eth_blockNumber"}
        async with httpx.AsyncClient() as client:
            for name, method in asked.items():
                body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": []}
                reply = await client.post(server.ready.chains[name]["rpc"], json=body)
                assert reply.json()["result"]
        server.process.terminate()
        assert await server.process.wait() == 0
