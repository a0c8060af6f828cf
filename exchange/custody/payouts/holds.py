"""Why a withdrawal waits for an operator: what is odd about it, and how much leaves in how short a time. Pure."""

from __future__ import annotations

from typing import Final

import msgspec

from exchange.core.units import Amount, Micros

HOUR: Final = Micros(3_600_000_000)
DAY: Final = Micros(24 * HOUR)
NEW_KEY: Final = Micros(3 * DAY)
"""A key made, or credentials changed, less than this ago is new."""
NEARLY_ALL_PERCENT: Final = 90
"""From this share of what the account has a withdrawal is nearly all of it."""
ODD_SIGNS: Final = 2
"""So many signs together are odd enough for somebody to look."""


class Velocity(msgspec.Struct, frozen=True):
    """How much of an asset may leave, in atoms, 0 for no limit: of all accounts together, and of one."""

    hour: Amount = Amount(0)
    day: Amount = Amount(0)
    account_hour: Amount = Amount(0)
    account_day: Amount = Amount(0)


class Left(msgspec.Struct, frozen=True):
    """What was asked for in the last hour and day, this withdrawal with it; what came back does not count."""

    hour: Amount
    day: Amount
    account_hour: Amount
    account_day: Amount


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a withdrawal when it is asked for. `credentials` is when they last changed; 0: long ago."""

    now: Micros
    atoms: Amount
    owned: Amount
    """What the account had before it, in all."""
    new_address: bool
    new_device: bool = False
    credentials: Micros = Micros(0)
    denied: str = ""


def reasons(facts: Facts, left: Left, limits: Velocity) -> tuple[str, ...]:
    """Why an operator should look at it, in words; none: he need not."""
    found = [f"the destination is denied: {facts.denied}"] if facts.denied else []
    signs = odd_signs(facts)
    if len(signs) >= ODD_SIGNS:
        found.append(" and ".join(signs))
    if 0 < limits.account_hour < left.account_hour:
        found.append("this account withdraws more in an hour than is usual")
    if 0 < limits.account_day < left.account_day:
        found.append("this account withdraws more in a day than is usual")
    return tuple(found)


def odd_signs(facts: Facts) -> tuple[str, ...]:
    """What thieves' withdrawals have in common. One alone is everyday."""
    signs = {
        "a new address": facts.new_address,
        "a new device": facts.new_device,
        "credentials changed lately": facts.credentials > 0 and facts.now - facts.credentials < NEW_KEY,
        "nearly all that the account has": facts.atoms * 100 >= facts.owned * NEARLY_ALL_PERCENT,
    }
    return tuple(sign for sign, seen in signs.items() if seen)


def breach(left: Left, limits: Velocity) -> str:
    """Whether more leaves, of all accounts together, than the house expects: then everything stops. "" while not."""
    if 0 < limits.hour < left.hour:
        return f"{left.hour} atoms were asked for within an hour, and {limits.hour} is the limit"
    if 0 < limits.day < left.day:
        return f"{left.day} atoms were asked for within a day, and {limits.day} is the limit"
    return ""
