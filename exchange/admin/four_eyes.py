"""The second-person rule: which acts one operator only asks for, and how another one has them done.

An act that is listed in `TWO_PEOPLE` is kept word for word instead of being done. It is done in the name of who asked,
when another operator, who might have asked for it himself, confirms exactly that within a day. Who owns a stopped
server's folder needs nobody: he could change the files as well. A demo has one operator, and does without.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from exchange.admin import wire
from exchange.admin.house import Caller, House, Refused
from exchange.custody.payouts import rows as payout_rows
from exchange.office.keys import Scope
from exchange.office.operators import Role
from exchange.office.pending_acts import PendingAct, TooManyActs

Due = Callable[[House, Any], Awaitable[bool]]
"""Whether this very question needs a second person."""
Perform = Callable[[House, Caller, wire.Ask[Any]], Awaitable[msgspec.Struct]]
Allowed = Callable[[Role, str], bool]


async def _always(_house: House, _ask: wire.Ask[Any]) -> bool:
    return True


async def _opens(_house: House, ask: wire.SetPayoutsShut) -> bool:
    """Shutting is a brake, and one hand is enough for that."""
    return not ask.shut


async def _loosens(_house: House, ask: wire.SetNetwork) -> bool:
    """Everything but closing."""
    given = {name for name in ask.__struct_fields__ if getattr(ask, name) is not None} - {"asset", "network"}
    closes = {name for name in ("deposits_open", "withdrawals_open") if getattr(ask, name) is False}
    return given != closes


async def _withdraws(_house: House, ask: wire.CreateKey) -> bool:
    """A key that may move an account's money out is not one operator's to make."""
    return Scope.WITHDRAW in ask.scopes


async def _large(house: House, ask: wire.SettleWithdrawal | wire.ReturnWithdrawal) -> bool:
    """What two people had to approve, two people clear: with all that the same transaction pays."""
    row = payout_rows.withdrawal(house.payments.store.reader, ask.id)
    if row is None:
        return False
    together = payout_rows.withdrawals(house.payments.store.reader, "payout = ?", row.payout) or [row]
    networks = await house.sequencer.read(lambda state: dict(state.networks))
    return any(
        one.atoms > networks[one.asset, one.chain].one_person_limit
        for one in together
        if (one.asset, one.chain) in networks
    )


TWO_PEOPLE: Final[Mapping[str, Due]] = {
    "account.tier": _always,
    "approver.register": _always,
    "key.create": _withdraws,
    "network.set": _loosens,
    "operator.add": _always,
    "payouts.resume": _always,
    "payouts.set": _opens,
    "tier.fee": _always,
    "tier.limit": _always,
    "velocity.set": _always,
    "withdrawal.book": _always,
    "withdrawal.return": _large,
    "withdrawal.settle": _large,
}
"""By method: when a second person is needed. What is not here is one person's to do."""


async def is_due(house: House, caller: Caller, ask: wire.Ask[Any]) -> bool:
    """Whether the caller cannot do this alone."""
    due = TWO_PEOPLE.get(ask.method)
    ruled = house.settings.two_person_rule and not house.settings.demo and not caller.owns_folder
    return ruled and due is not None and await due(house, ask)


def keep(house: House, caller: Caller, ask: wire.Ask[Any]) -> Refused:
    """Keep the question for a second operator; the answer that tells of it. Nothing else is changed."""
    try:
        act = house.pending_acts.keep(ask.method, msgspec.json.encode(ask).decode(), caller.operator, caller.uid)
    except TooManyActs as error:
        return Refused("too_many_acts", str(error))
    how = f"`exchange act confirm {act.number}`"
    return Refused(
        "second_person", f"kept as act {act.number}: another operator has it done by {how}. Nothing was changed yet."
    )


def list_acts(house: House, caller: Caller, allowed: Allowed) -> wire.ActList:
    """What waits."""
    return wire.ActList(tuple(_row(act, caller, allowed) for act in house.pending_acts.waiting()))


async def confirm(
    house: House, caller: Caller, ask: wire.ConfirmAct, allowed: Allowed, perform: Perform
) -> wire.ActDone:
    """Do, in the name of who asked, what the caller has seen. Raises `Refused`, as the act itself may."""
    act = _waiting(house, ask.number)
    asker = _asker(house, act, allowed)
    if act.digest != ask.digest:
        raise Refused("not_the_same", "that is not what was asked for: look at it again. Nothing was changed.")
    if caller.operator == act.operator or caller.uid == act.uid:
        raise Refused("same_person", "you asked for it yourself: another operator confirms it. Nothing was changed.")
    if not allowed(caller.role, act.method):
        raise Refused("forbidden", f"an operator in the role {caller.role} may not do that. Nothing was changed.")
    wanted = msgspec.json.decode(act.params, type=wire.ASKS[act.method])
    if not house.pending_acts.begin(act.number, caller.operator):
        raise Refused("not_waiting", f"act {act.number} does not wait any more. Nothing was changed.")
    try:
        result = await perform(house, asker, wanted)
    except Refused as refused:
        house.pending_acts.settle(act.number, "refused", refused.text)
        raise
    except BaseException:
        house.pending_acts.settle(act.number, "failed")
        raise
    house.pending_acts.settle(act.number, "done")
    return wire.ActDone(act.number, act.method, act.operator, msgspec.json.encode(result).decode())


def withdraw(house: House, caller: Caller, ask: wire.WithdrawAct, allowed: Allowed) -> wire.ActRow:
    """Who asked for it, or who might confirm it, lets it be."""
    act = _waiting(house, ask.number)
    if caller.operator != act.operator and not allowed(caller.role, act.method):
        raise Refused("forbidden", f"an operator in the role {caller.role} may not do that. Nothing was changed.")
    if not house.pending_acts.withdraw(act.number, caller.operator):
        raise Refused("not_waiting", f"act {act.number} does not wait any more. Nothing was changed.")
    return _row(act, caller, allowed)


def _waiting(house: House, number: int) -> PendingAct:
    act = next((one for one in house.pending_acts.waiting() if one.number == number), None)
    if act is None:
        raise Refused(
            "not_waiting", f"no act {number} waits; `exchange act list` shows those that do. Nothing was changed."
        )
    return act


def _asker(house: House, act: PendingAct, allowed: Allowed) -> Caller:
    """Who asked, if he still is an operator who may."""
    known = house.operators.by_uid(act.uid)
    if known is None or known.name != act.operator or not allowed(known.role, act.method):
        raise Refused("asker_gone", f"{act.operator} may not do that any more. Withdraw it; nothing was changed.")
    return Caller(known.name, known.uid, known.role)


def _row(act: PendingAct, caller: Caller, allowed: Allowed) -> wire.ActRow:
    yours = caller.operator == act.operator or caller.uid == act.uid
    may = not yours and allowed(caller.role, act.method)
    said = (wire.clean(act.params), wire.clean(act.operator))
    return wire.ActRow(act.number, act.method, *said, act.asked, act.expires, act.digest, yours, may)
