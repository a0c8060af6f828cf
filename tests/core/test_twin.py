"""The real core and its naive twin do the same, command by command."""

import os

import pytest

from exchange.core import audit
from exchange.core import commands as co
from exchange.core.performing import Outcome
from exchange.core.rejects import Reject
from exchange.core.state import State
from tests.core.compare import answered, differences
from tests.core.naive import Naive
from tests.core.special_dice import SpecialDice
from tests.core.world import Dice, furnishing, run

EXAMPLES = 20_000 if "NIGHTLY" in os.environ else 500
SPECIAL = EXAMPLES // 5
COMMANDS = 60
SHARDS = 10


def first_difference(commands: list[co.Command]) -> str | None:
    """Do the same to both; the first thing in which they differ, or that breaks a rule of `audit`."""
    state, naive = State(), Naive()
    setup = furnishing()
    for number, command in enumerate([*setup, *commands]):
        outcome, woken = run(state, command, number)
        real, twin = answered(outcome, woken), naive.perform(command, number)
        if number < len(setup) - 1 and real == twin:
            continue  # nobody trades yet: one look at the end of it is enough
        wrong = [*([f"{real}, the twin says {twin}"] if real != twin else []), *differences(state, naive)]
        wrong += audit.violations(state)
        if wrong:
            return f"command {number}: {command}\n" + "\n".join(wrong)
    return None


def shortest(commands: list[co.Command]) -> list[co.Command]:
    """What is left when every command is taken away that the difference does not need."""
    for number in reversed(range(len(commands))):
        fewer = commands[:number] + commands[number + 1 :]
        if first_difference(fewer):
            commands = fewer
    return commands


def made_up(seed: int, kind: type[Dice] = Dice) -> list[co.Command]:
    dice, commands = kind(seed), []
    for number in range(COMMANDS):
        dice.newest_order = 1 + number // 2
        commands.append(dice.command())
    return commands


@pytest.mark.parametrize("shard", range(SHARDS))
def test_core_and_twin_agree(shard: int) -> None:
    """On refusals, fills, fees, statuses, balances, books and who is due, after every command of every example."""
    for seed in range(shard, EXAMPLES, SHARDS):
        commands = made_up(seed)
        if first_difference(commands):
            least = shortest(commands)
            listing = "\n".join(map(str, least))
            pytest.fail(f"seed {seed}:\n{listing}\n{first_difference(least)}")


def test_they_agree_on_special_orders_in_each_others_way() -> None:
    for seed in range(SPECIAL):
        commands = made_up(seed, SpecialDice)
        if first_difference(commands):
            least = shortest(commands)
            listing = "\n".join(map(str, least))
            pytest.fail(f"seed {seed}:\n{listing}\n{first_difference(least)}")


def test_the_made_up_commands_reach_every_refusal_of_trading() -> None:
    """Agreement means little about what never happens."""
    reached: set[Reject | None] = set()
    for seed in range(400):
        state = State()
        for command in [*furnishing(), *made_up(seed)]:
            outcome: Outcome | None = run(state, command)[0]
            while outcome is not None:
                reached.add(outcome.reject)
                outcome = outcome.replaced
    elsewhere = {"QUEUE_FULL", "STORAGE_LOW", "INTERNAL"}
    elsewhere |= {"TOO_MANY_KEYS", "TOO_MANY_SESSIONS", "MONTH_LIMIT"}  # no day passes here
    seldom = {"MAX_AMENDMENTS", "AMEND_FILLED", "LIST_ORDER_TYPE"}  # tried in test_rejects and test_list_rejects
    missing = {reject.name for reject in Reject} - {reject.name for reject in reached if reject}
    assert missing - seldom == elsewhere
