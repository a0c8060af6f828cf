"""The screen of what leaves: who waits for whom, how the chains are, and how one says no."""

from __future__ import annotations

import msgspec
import pytest

from exchange.admin import wire
from tests.tui.driving import Desk, play, same_as_shot
from tests.tui.server import NOON, Server, chain, withdrawal


def busy() -> Server:
    """One withdrawal waits for approval, one is sent; one of two chains stands still."""
    return Server(
        withdrawals=[withdrawal("w2"), withdrawal("w1", "sent", account_name="ben", approvals=0, needs=0)],
        payouts=[wire.PayoutsRow("BTC", "", 0, 1, 1), wire.PayoutsRow("ETH", "nonce 7 was used", NOON, 3, 0)],
        chains=[chain("BTC"), chain("ETH", "waiting", words="the node is late", alarms=("node: it is late",))],
    )


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_withdrawals_and_chains_look_like_their_shot(size: tuple[int, int]) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.press("3")
        await desk.shows("y Approve")
        same_as_shot(f"withdrawals-{size[0]}x{size[1]}", desk.text())

    await play(scenario, busy(), size)


async def test_a_withdrawal_is_rejected_after_a_reason_and_a_yes() -> None:
    server = busy()

    async def scenario(desk: Desk) -> None:
        await desk.press("3")
        await desk.shows("risk held")
        await desk.press("r")
        await desk.type("nobody knows this address")
        await desk.shows("go back to ann")
        await desk.press("y")
        await desk.shows("w2 is rejected")
        assert server.asked.count(wire.RejectWithdrawal("w2", "nobody knows this address")) == 1

    await play(scenario, server)


async def test_nothing_is_asked_without_a_yes() -> None:
    server = busy()

    async def scenario(desk: Desk) -> None:
        await desk.press("3")
        await desk.shows("risk held")
        await desk.press("r")
        await desk.type("nobody knows this address")
        await desk.shows("go back to ann")
        await desk.press("n")
        await desk.until(lambda: "go back to ann" not in desk.text())
        assert not any(isinstance(ask, wire.RejectWithdrawal) for ask in server.asked)

    await play(scenario, server)


async def test_approving_is_told_to_be_done_with_ones_own_key() -> None:
    """The dashboard never sees it."""

    async def scenario(desk: Desk) -> None:
        await desk.press("3")
        await desk.shows("risk held")
        await desk.press("y")
        await desk.shows("exchange withdrawal approve w2 --key")

    await play(scenario, busy(), (120, 40))


async def test_an_auditor_looks_and_does_not_reject() -> None:
    server = busy()
    server.role = "auditor"

    async def scenario(desk: Desk) -> None:
        await desk.press("3")
        await desk.shows("risk held")
        await desk.press("r")
        await desk.shows("Nothing done: role auditor may look, not act")

    await play(scenario, server)


async def test_what_nobody_withdraws_is_an_empty_list() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.press("3")
        await desk.shows("none under way")
        await desk.shows("the settings name no chain")

    await play(scenario)


def act(number: int, **changes: object) -> wire.ActRow:
    """Ben wants to have a limit lifted."""
    params = '{"asset":"BTC","hour":"5","day":"20"}'
    row = wire.ActRow(number, "velocity.set", params, "ben", NOON, NOON, "f00d", yours=False, may=True)
    return msgspec.structs.replace(row, **changes)


async def test_an_act_of_another_operator_is_shown_whole_and_confirmed_after_a_yes() -> None:
    server = busy()
    server.acts = [act(7)]

    async def scenario(desk: Desk) -> None:
        await desk.press("3")
        await desk.shows("velocity.set")
        await desk.press("s")
        await desk.shows("ben asked for it")
        await desk.shows("confirmed by maria")
        await desk.press("y")
        await desk.shows("act 7, velocity.set of ben")
        assert server.asked.count(wire.ConfirmAct(7, "f00d")) == 1

    await play(scenario, server)


async def test_ones_own_act_waits_for_somebody_else() -> None:
    server = busy()
    server.acts = [act(7, operator="maria", yours=True, may=False)]

    async def scenario(desk: Desk) -> None:
        await desk.press("3")
        await desk.shows("velocity.set")
        await desk.press("s")
        await desk.shows("Nothing done: you asked for it yourself")
        assert not any(isinstance(ask, wire.ConfirmAct) for ask in server.asked)

    await play(scenario, server)
