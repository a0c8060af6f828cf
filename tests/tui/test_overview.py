"""The overview says how the exchange is, at 80×24 and larger, and what is wrong first."""

from __future__ import annotations

import pytest

from tests.tui.driving import Desk, play, same_as_shot
from tests.tui.server import NOON, Server, market, status


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_healthy_exchange_looks_like_its_shot(size: tuple[int, int]) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.shows("ALL WELL")
        same_as_shot(f"overview-{size[0]}x{size[1]}", desk.text())

    await play(scenario, size=size)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_broken_invariants_are_shown_with_their_sentences(size: tuple[int, int]) -> None:
    broken = ("asset 2: balances add up to 7, not 0", "BTCUSDT: the book is crossed, 3000001 against 3000000")
    server = Server(status=status(violations=broken))

    async def scenario(desk: Desk) -> None:
        await desk.shows("2 INVARIANTS BROKEN")
        assert all(sentence in desk.text() for sentence in broken)
        same_as_shot(f"broken-{size[0]}x{size[1]}", desk.text())

    await play(scenario, server, size)


async def test_more_sentences_than_fit_are_counted() -> None:
    server = Server(status=status(violations=tuple(f"rule {n} is broken" for n in range(20))))

    async def scenario(desk: Desk) -> None:
        await desk.shows("and 16 more lines")
        assert "rule 3" in desk.text()

    await play(scenario, server)


async def test_green_comes_only_after_a_check() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.shows("not checked yet")
        assert "ALL HOLD" not in desk.text()

    await play(scenario, Server(status=status(checked=0)))


async def test_a_filling_queue_is_said_in_words() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.shows("QUEUE 85 % FULL")

    await play(scenario, Server(status=status(queue_length=3_450)))


async def test_a_market_in_quarantine_is_an_alarm_with_its_reason() -> None:
    sentence = "BTCUSDT is quarantined: ZeroDivisionError"

    async def scenario(desk: Desk) -> None:
        await desk.shows(f"✖ {sentence}")

    await play(scenario, Server(status=status(quarantined=(sentence,))))


async def test_open_alarms_of_chains_are_named_on_every_screen() -> None:
    sentence = "ETH: gas tank empty: 5 wei are missing (and 2 more)"

    async def scenario(desk: Desk) -> None:
        for screen in "123":
            await desk.press(screen)
            await desk.shows(f"▲ {sentence}")
        assert "ALL WELL" not in desk.text()

    await play(scenario, Server(status=status(alarms=(sentence,))))


async def test_markets_that_are_not_open_are_named() -> None:
    rows = [market("BTCUSDT", "HALTED"), market("ETHUSDT", "POST_ONLY"), market("BTCUSD")]

    async def scenario(desk: Desk) -> None:
        await desk.shows("HALTED: BTCUSDT  ▲ POST-ONLY: ETHUSDT")

    await play(scenario, Server(markets=rows))


async def test_an_exchange_without_a_commit_says_so() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.shows("none yet")

    await play(scenario, Server(status=status(last_commit=0, last_batch=0, ack_p50_us=0, ack_p99_us=0)))


async def test_the_sparkline_gains_a_column_each_second() -> None:
    async def scenario(desk: Desk) -> None:
        for rate in (10, 2_000, 500):
            desk.server.push(status(orders_per_second=rate, time=NOON))
        await desk.until(lambda: list(desk.app.seen.rates) == [1_240, 10, 2_000, 500])
        await desk.shows("500/s   peak 2,000/s")

    await play(scenario)


async def test_enter_shows_the_market_under_the_cursor() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.press("down", "enter")
        await desk.shows("ETHUSDT · open")

    await play(scenario)


async def test_enter_in_the_search_goes_back_to_the_list_and_no_further() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.press("slash", "e", "t", "h", "enter")
        await desk.shows("“eth” 1 of 3")
        assert "Sequencer and ledger" in desk.text()

    await play(scenario)
