"""From question to answer: may this role ask it? Write down that it was asked, do it, write down what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeVar

import msgspec
import trio

from exchange.admin import four_eyes, wire
from exchange.admin.house import Caller, House, Refused
from exchange.admin.methods import accounts, chains, keys, markets, payouts, people, tiers, wallet, ways, withdrawals
from exchange.office.operators import Role

R = TypeVar("R")
Call = Callable[[House, Any], Awaitable[msgspec.Struct]]
OwnCall = Callable[[House, Caller, Any], Awaitable[msgspec.Struct]]

ACT_SECONDS: Final = 10
"""How long an act may take; after that its fate is unknown to the caller and known to the journal."""

_BOTH: Final = frozenset({Role.OPERATIONS, Role.AUDITOR})
_ALL: Final = frozenset(Role)
_OPERATIONS: Final = frozenset({Role.OPERATIONS})
_TERMS: Final = frozenset({Role.OPERATIONS, Role.TREASURY})
_TREASURY: Final = frozenset({Role.TREASURY})

ROLES: Final[dict[str, frozenset[Role]]] = {
    "attach": _ALL,
    "status": _ALL,
    "watch": _ALL,
    "markets": _ALL,
    "market.show": _ALL,
    "book": _ALL,
    "trades": _ALL,
    "market.phase": _OPERATIONS,
    "account.create": _OPERATIONS,
    "account.list": _BOTH,
    "account.show": _BOTH,
    "account.freeze": _OPERATIONS,
    "key.create": _OPERATIONS,
    "key.list": _BOTH,
    "key.ips": _OPERATIONS,
    "key.revoke": _OPERATIONS,
    "credit": _OPERATIONS,
    "network.list": _ALL,
    "network.set": _TERMS,
    "tier.list": _ALL,
    "tier.limit": _TERMS,
    "tier.fees": _ALL,
    "tier.fee": _TERMS,
    "account.tier": _OPERATIONS,
    "payouts.list": _ALL,
    "payouts.set": _TERMS,
    "operator.list": _BOTH,
    "operator.add": _OPERATIONS,
    "operator.remove": _OPERATIONS,
    "audit.tail": _BOTH,
    "wallet.status": _ALL,
    "wallet.unlock": frozenset({Role.OPERATIONS, Role.TREASURY}),
    "chain.list": _ALL,
    "chain.resume": _OPERATIONS,
    "chain.alarms.close": _OPERATIONS,
    "reserves.status": _ALL,
    "deposit.list": _ALL,
    "deposit.explain": _ALL,
    "whoami": _ALL,
    "withdrawal.list": _ALL,
    "withdrawal.show": _ALL,
    "withdrawal.approve": _TREASURY,
    "withdrawal.reject": _TERMS,
    "withdrawal.settle": _TREASURY,
    "withdrawal.return": _TREASURY,
    "withdrawal.book": _TREASURY,
    "approver.register": _TREASURY,
    "approver.revoke": _TERMS,
    "approver.list": _ALL,
    "payouts.chains": _ALL,
    "payouts.stop": _TERMS,
    "payouts.resume": _TREASURY,
    "velocity.list": _ALL,
    "velocity.set": _TREASURY,
    "act.list": _ALL,
    "act.confirm": _TERMS,
    "act.withdraw": _TERMS,
}
"""Who may ask what. A method that is missing here is refused to everybody."""

UNRECORDED: Final = frozenset(
    {"status", "watch", "markets", "market.show", "book", "trades", "wallet.status", "chain.list", "whoami", "act.list"}
)
"""Looks at what every trader may see. All else goes into the trail, looks at people included."""

CALLS: Final[dict[str, Call]] = {
    "markets": markets.list_markets,
    "market.show": markets.show_market,
    "book": markets.get_book,
    "market.phase": markets.set_phase,
    "account.create": accounts.create_account,
    "account.list": accounts.list_accounts,
    "account.show": accounts.show_account,
    "account.freeze": accounts.freeze_account,
    "credit": accounts.credit,
    "key.create": keys.create_key,
    "key.list": keys.list_keys,
    "key.ips": keys.limit_key,
    "key.revoke": keys.revoke_key,
    "network.list": ways.list_networks,
    "network.set": ways.set_network,
    "tier.list": ways.list_limits,
    "tier.limit": ways.set_limit,
    "tier.fees": tiers.list_fees,
    "tier.fee": tiers.set_fees,
    "account.tier": tiers.set_tier,
    "payouts.list": ways.list_shut,
    "payouts.set": ways.set_shut,
    "operator.list": people.list_operators,
    "operator.add": people.add_operator,
    "operator.remove": people.remove_operator,
    "audit.tail": people.tail_audit,
    "wallet.status": wallet.show_wallet,
    "wallet.unlock": wallet.unlock_wallet,
    "chain.list": chains.list_chains,
    "chain.resume": chains.resume_chain,
    "chain.alarms.close": chains.close_alarms,
    "reserves.status": chains.show_reserves,
    "deposit.list": chains.list_deposits,
    "deposit.explain": chains.explain_deposit,
    "withdrawal.list": withdrawals.list_withdrawals,
    "withdrawal.show": withdrawals.show_withdrawal,
    "withdrawal.reject": withdrawals.reject_withdrawal,
    "withdrawal.settle": withdrawals.settle_withdrawal,
    "withdrawal.return": withdrawals.return_withdrawal,
    "withdrawal.book": withdrawals.book_withdrawal,
    "approver.revoke": payouts.revoke_approver,
    "approver.list": payouts.list_approvers,
    "payouts.chains": payouts.list_payouts,
    "payouts.stop": payouts.stop_payouts,
    "payouts.resume": payouts.resume_payouts,
    "velocity.list": payouts.list_velocities,
    "velocity.set": payouts.set_velocity,
}
"""What works with the house alone. The others (attach, status, watch, trades) need a session and are served there."""


def allowed(role: Role, method: str) -> bool:
    """Whether operators of this role may ask this."""
    return role in ROLES.get(method, frozenset())


def check_role(house: House, caller: Caller, ask: wire.Ask[Any]) -> None:
    """Refuse, and record, what the caller's role may not do."""
    if not allowed(caller.role, ask.method):
        house.trail.refused(caller.operator, caller.uid, ask.method, _detail(ask))
        raise Refused("forbidden", f"an operator in the role {caller.role} may not do that. Nothing was changed.")


async def carry_out(house: House, caller: Caller, ask: wire.Ask[R]) -> R:
    """Answer `ask` in the caller's name. Raises `Refused`.

    Once recorded, an act is finished even if whoever asked for it is gone.
    """
    check_role(house, caller, ask)
    if await four_eyes.is_due(house, caller, ask):
        call: Call = partial(_kept, caller)
    else:
        call = partial(_in_the_name_of, caller)
    if ask.method in UNRECORDED:
        result: Any = await call(house, ask)
    else:
        result = await _recorded(house, caller, ask, call)
    answer: R = result
    return answer


async def _in_the_name_of(caller: Caller, house: House, ask: wire.Ask[Any]) -> msgspec.Struct:
    own = OWN_CALLS.get(ask.method)
    return await (CALLS[ask.method](house, ask) if own is None else own(house, caller, ask))


async def _kept(caller: Caller, house: House, ask: wire.Ask[Any]) -> msgspec.Struct:
    raise four_eyes.keep(house, caller, ask)


async def _perform(house: House, caller: Caller, ask: wire.Ask[Any]) -> msgspec.Struct:
    return await _in_the_name_of(caller, house, ask)


async def _list_acts(house: House, caller: Caller, _ask: wire.ListActs) -> wire.ActList:
    return four_eyes.list_acts(house, caller, allowed)


async def _confirm_act(house: House, caller: Caller, ask: wire.ConfirmAct) -> wire.ActDone:
    return await four_eyes.confirm(house, caller, ask, allowed, _perform)


async def _withdraw_act(house: House, caller: Caller, ask: wire.WithdrawAct) -> wire.ActRow:
    return four_eyes.withdraw(house, caller, ask, allowed)


async def _recorded(house: House, caller: Caller, ask: wire.Ask[Any], call: Call) -> msgspec.Struct:
    who = (caller.operator, caller.uid)
    act = house.trail.asked(*who, ask.method, _detail(ask))
    try:
        with trio.move_on_after(ACT_SECONDS, shield=True):
            result = await call(house, ask)
            house.trail.settled(act, *who, "done", ask.method, _summary(result))
            return result
    except Refused as refused:
        house.trail.settled(act, *who, "refused", ask.method, _words(refused.code, refused.text))
        raise
    except Exception as error:
        house.trail.settled(act, *who, "failed", ask.method, _words("internal", type(error).__name__))
        raise
    text = f"no answer within {ACT_SECONDS} s: it may or may not have been done. Look before you try again."
    house.trail.settled(act, *who, "failed", ask.method, _words("unknown", text))
    raise Refused("unknown", text)


def _detail(ask: wire.Ask[Any]) -> str:
    """The question as JSON; never a sealed passphrase, nor a one-time code, which no recorded question has."""
    assert not isinstance(ask, wire.Attach), "codes are for the session, not for the trail"
    if isinstance(ask, wire.UnlockWallet):
        return "{}"
    return msgspec.json.encode(ask).decode()


def _summary(result: msgspec.Struct) -> str:
    """The answer as JSON without its secret; of a list, its length."""
    if isinstance(result, wire.ActDone):  # its result may have a secret in it
        return _words(result.method, f"act {result.number} of {result.operator}")
    if isinstance(result, wire.KeyMade | wire.OperatorMade | wire.AccountView | wire.WithdrawalView):
        return msgspec.json.encode(result.row).decode()
    rows = getattr(result, "rows", None)
    if isinstance(rows, tuple):
        return msgspec.json.encode({"rows": len(rows)}).decode()
    return msgspec.json.encode(result).decode()


def _words(code: str, text: str) -> str:
    return msgspec.json.encode({"code": code, "text": text}).decode()


OWN_CALLS: Final[dict[str, OwnCall]] = {
    "withdrawal.approve": withdrawals.approve_withdrawal,
    "approver.register": payouts.register_approver,
    "whoami": payouts.who_am_i,
    "act.list": _list_acts,
    "act.confirm": _confirm_act,
    "act.withdraw": _withdraw_act,
}
"""What is done in the caller's own name."""
