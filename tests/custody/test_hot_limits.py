"""B32: how much may lie in the hot wallet, as a table."""

from __future__ import annotations

import pytest

from exchange.custody.treasury.hot_limits import Act, Advice, advise, most, target


@pytest.mark.parametrize(
    ("liabilities", "outflows", "wanted"),
    [
        (0, (), 0),
        (1_000_000, (), 20_000),  # 2 % of what is owed
        (1_000_000, (10_000,) * 30, 20_000),
        (1_000_000, (30_000,) * 30, 30_000),  # a busy day's outflow, where that is more
        (1_000_000, (90_000,) * 30, 50_000),  # but never above 5 %
        (1_000_000, (1_000,) * 19 + (900_000,), 20_000),  # one day in twenty may be an exception
        (1_000_000, (-50_000,) * 30, 20_000),  # more came in than went out
    ],
)
def test_b32_the_target(liabilities: int, outflows: tuple[int, ...], wanted: int) -> None:
    assert target(liabilities, outflows) == wanted


@pytest.mark.parametrize(
    ("have", "wanted", "liabilities", "advice"),
    [
        (100, 100, 10_000, Advice(Act.NOTHING)),
        (50, 100, 10_000, Advice(Act.NOTHING)),
        (49, 100, 10_000, Advice(Act.REFILL, 51)),
        (0, 0, 0, Advice(Act.NOTHING)),
        (150, 100, 10_000, Advice(Act.NOTHING)),
        (151, 100, 10_000, Advice(Act.SPILL, 51)),
        (120, 100, 2_000, Advice(Act.SPILL, 20)),  # above 5 % of what is owed
        (100, 100, 2_000, Advice(Act.NOTHING)),
    ],
)
def test_b32_when_to_refill_and_when_to_spill(have: int, wanted: int, liabilities: int, advice: Advice) -> None:
    assert advise(have, wanted, liabilities) == advice


def test_b32_the_ceiling_is_five_percent() -> None:
    assert most(1_000_000) == 50_000
