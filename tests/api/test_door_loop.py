"""The fast door's loop: who is written to first. The peers are stand-ins that note when their turn came."""

from __future__ import annotations

from collections.abc import Callable

import trio

from exchange.api.door_loop import Loop

READERS = 1_000


class Peer:
    """Writes its name down when it may send."""

    def __init__(self, name: str, sent: list[str], then: Callable[[], None] = lambda: None) -> None:
        self.name, self.sent, self.then = name, sent, then

    def flush(self) -> None:
        self.sent.append(self.name)
        self.then()

    def ready(self, events: int) -> None:
        raise AssertionError(events)

    def work(self) -> bool:
        raise AssertionError

    def tick(self, now: float) -> None:
        raise AssertionError(now)

    def abort(self) -> None:
        raise AssertionError


async def until_idle(loop: Loop) -> None:
    """Run the loop until nothing waits to be sent."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(loop.run)
        await loop.idle()
        nursery.cancel_scope.cancel()
    loop.close()


async def test_an_answer_leaves_before_a_message_to_a_thousand_readers() -> None:
    loop, sent = Loop(), list[str]()
    for _ in range(READERS):
        loop.unsent_behind(Peer("reader", sent))
    loop.unsent(Peer("trader", sent))
    await until_idle(loop)
    assert (len(sent), sent[0]) == (READERS + 1, "trader")


async def test_an_answer_that_comes_up_meanwhile_does_not_wait_for_all_readers() -> None:
    loop, sent = Loop(), list[str]()
    trader = Peer("trader", sent)
    loop.unsent_behind(Peer("first reader", sent, then=lambda: loop.unsent(trader)))
    for _ in range(READERS):
        loop.unsent_behind(Peer("reader", sent))
    await until_idle(loop)
    assert sent.index("trader") < READERS / 10


async def test_readers_have_their_turn_though_there_is_always_somebody_to_answer() -> None:
    loop, sent = Loop(), list[str]()
    trader = Peer("trader", sent)
    trader.then = lambda: loop.unsent(trader) if sent.count("reader") < READERS else None
    for _ in range(100):
        loop.unsent(trader)
    for _ in range(READERS):
        loop.unsent_behind(Peer("reader", sent))
    with trio.fail_after(60):
        await until_idle(loop)
    assert sent.count("reader") == READERS
