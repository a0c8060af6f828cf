"""Decide: a command becomes events or a `Reject`. Reads the state, never writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from exchange.core import commands as co
from exchange.core import events as ev
from exchange.core.contingency import Contingency, Numbers
from exchange.core.countdowns import arm_session, cancelled, cancels, end_session, fire_countdown, set_countdown
from exchange.core.market import Asset, MarketPhase, rules_error
from exchange.core.placing import decide_place
from exchange.core.placing_lists import decide_due, decide_place_list
from exchange.core.postings import HOUSE_NAMES, MAX_ASSETS
from exchange.core.rejects import Reject
from exchange.core.risk import check_amendment, check_smaller
from exchange.core.transfers import DEPOSIT_TRANSITIONS, WITHDRAWAL_TRANSITIONS, Effect, WithdrawalState
from exchange.core.units import MAX_STORED, Amount, AssetId, MarketId, Micros, Quantity

if TYPE_CHECKING:
    from collections.abc import Callable

    from exchange.core.orders import Order
    from exchange.core.state import State

_HALTED: Final = MarketPhase.HALTED

Decision = list[ev.Event] | Reject


def decide(state: State, now: Micros, command: co.Command) -> Decision:
    """What follows from `command` at `now`: events to let happen in order, or the refusal.

    `CancelReplace` is two decisions, and `Keyed` may be none, see `performing`.
    """
    return DECIDE[type(command)](state, now, command)


def _cancel(state: State, now: Micros, command: co.CancelOrder) -> Decision:
    book = state.books.get(command.market)
    if book is None:
        return Reject.UNKNOWN_MARKET
    if book.phase == _HALTED:
        return Reject.MARKET_NOT_OPEN
    account = command.account
    order = state.find_open(account, command.market, command.order, command.client_id)
    if order is None:
        return Reject.UNKNOWN_ORDER
    if command.only is not None and order.status != command.only:
        return Reject.CANCEL_RESTRICTED
    if order.order_list:
        lists = Contingency(state, now, Numbers(state.accounts[account].seq).next)
        return lists.cancelled(state.lists[order.order_list], command.cancel_id)
    return [cancelled(now, order, state.accounts[account].seq + 1, command.cancel_id)]


def _amend(state: State, now: Micros, command: co.AmendOrder) -> Decision:
    book = state.books.get(command.market)
    if book is None:
        return Reject.UNKNOWN_MARKET
    if book.phase == _HALTED:
        return Reject.MARKET_NOT_OPEN
    account = state.accounts.get(command.account)
    order = state.find_open(command.account, command.market, command.order, command.client_id)
    if account is None or order is None:
        wrong_name = command.client_id and state.find_open(command.account, command.market, command.order, "")
        return Reject.AMEND_WRONG_NAME if command.order and wrong_name else Reject.AMEND_UNKNOWN
    reject = check_amendment(account, book.rules, order, command)
    if reject is not None:
        return reject
    events: list[ev.Event] = []
    rival = state.rival(order)
    if rival is not None:  # a pair is of one size, so that it is made smaller together
        reject = check_smaller(book.rules, rival, command.quantity)
        if reject is not None:
            return reject
        events.append(_amended(now, rival, account.seq + 1, command.quantity, rival.client_id))
    seq = account.seq + 1 + len(events)
    return [*events, _amended(now, order, seq, command.quantity, command.new_client_id)]


def _amended(now: Micros, order: Order, seq: int, quantity: Quantity, client_id: str) -> ev.OrderAmended:
    """`order` is made smaller. What it holds for each lot that is left is the same, so that the release is whole."""
    before = Quantity(order.quantity + order.prevented)
    released, rest = divmod(order.hold * (before - quantity), order.quantity - order.filled)
    assert not rest, "the lots of an order do not hold the same"
    return ev.OrderAmended(
        now,
        order.id,
        order.account,
        seq,
        order.market,
        quantity,
        before,
        client_id,
        order.client_id,
        Amount(released),
    )


def _cancel_all(state: State, now: Micros, command: co.CancelAll) -> Decision:
    book = state.books.get(command.market)
    if book is None:
        return Reject.UNKNOWN_MARKET
    if book.phase == MarketPhase.HALTED:
        return Reject.MARKET_NOT_OPEN
    account = state.accounts.get(command.account)
    mine = account.open_by_market.get(command.market) if account else None
    if not account or not mine:
        return Reject.NO_OPEN_ORDERS
    return cancels(state, now, account, command.market, account.seq, command.cancel_id)


def _cancel_list(state: State, now: Micros, command: co.CancelOrderList) -> Decision:
    book = state.books.get(command.market)
    if book is None:
        return Reject.UNKNOWN_MARKET
    if book.phase == MarketPhase.HALTED:
        return Reject.MARKET_NOT_OPEN
    found = state.find_list(command.account, command.market, command.list, command.client_id)
    if found is None:
        return Reject.UNKNOWN_LIST
    return Contingency(state, now, Numbers(state.accounts[command.account].seq).next).cancelled(
        found, command.cancel_id
    )


def _list_asset(state: State, now: Micros, command: co.ListAsset) -> Decision:
    if state.asset_by_code(command.code) is not None:
        return Reject.NAME_TAKEN
    number = len(state.assets) + 1
    if not 0 <= command.decimals <= 18 or not command.code.isalnum() or number >= MAX_ASSETS:
        return Reject.BAD_RULES
    return [ev.AssetListed(now, Asset(AssetId(number), command.code, command.decimals))]


def _list_market(state: State, now: Micros, command: co.ListMarket) -> Decision:
    rules = msgspec.structs.replace(command.rules, id=MarketId(len(state.books) + 1))
    base, quote = state.assets.get(rules.base), state.assets.get(rules.quote)
    if base is None or quote is None:
        return Reject.UNKNOWN_ASSET
    if rules.symbol in state.symbols:
        return Reject.NAME_TAKEN
    if (base.decimals, quote.decimals) != (rules.base_decimals, rules.quote_decimals) or rules_error(rules):
        return Reject.BAD_RULES
    return [ev.MarketListed(now, rules, command.phase)]


def _set_phase(state: State, now: Micros, command: co.SetMarketPhase) -> Decision:
    book = state.books.get(command.market)
    if book is None:
        return Reject.UNKNOWN_MARKET
    if book.phase == command.phase:
        return Reject.SAME_PHASE
    return [ev.MarketPhaseSet(now, command.market, command.phase, command.reason)]


def _set_tier_fees(state: State, now: Micros, command: co.SetTierFees) -> Decision:
    book = state.books.get(command.market)
    if book is None:
        return Reject.UNKNOWN_MARKET
    changed = msgspec.structs.replace(book.rules, maker_fee=command.maker_fee, taker_fee=command.taker_fee)
    if rules_error(changed):
        return Reject.BAD_RULES
    return [ev.TierFeesSet(now, command.market, command.tier, command.maker_fee, command.taker_fee)]


def _open_account(state: State, now: Micros, command: co.OpenAccount) -> Decision:
    if command.name in state.names or command.name in HOUSE_NAMES.values():
        return Reject.NAME_TAKEN
    return [ev.AccountOpened(now, state.next_account, command.name, command.tier)]


def _set_tier(state: State, now: Micros, command: co.SetAccountTier) -> Decision:
    account = state.accounts.get(command.account)
    if account is None:
        return Reject.UNKNOWN_ACCOUNT
    return [ev.AccountTierSet(now, account.id, account.seq + 1, command.tier)]


def _set_frozen(state: State, now: Micros, command: co.SetAccountFrozen) -> Decision:
    account = state.accounts.get(command.account)
    if account is None:
        return Reject.UNKNOWN_ACCOUNT
    return [ev.AccountFrozenSet(now, account.id, account.seq + 1, command.frozen, command.reason)]


def _fits(amount: Amount) -> bool:
    """Whether money of this size can be moved at all."""
    return 0 < amount <= MAX_STORED >> 4


def _credit(state: State, now: Micros, command: co.Credit) -> Decision:
    if command.account not in state.accounts:
        return Reject.UNKNOWN_ACCOUNT
    if command.asset not in state.assets:
        return Reject.UNKNOWN_ASSET
    if command.reference in state.references:
        return Reject.DUPLICATE_REFERENCE
    if not _fits(command.amount) or _circulating(state, command.asset) + command.amount > MAX_STORED >> 1:
        return Reject.BAD_AMOUNT
    seq = state.accounts[command.account].seq + 1
    return [ev.Credited(now, command.account, seq, command.asset, command.amount, command.reference)]


def _circulating(state: State, asset: AssetId) -> int:
    """How many atoms of the asset the house owes in all; bounded, so that every balance fits the ledger."""
    return -sum(state.available(house, asset) for house in HOUSE_NAMES if house != 2)


def _report_deposit(state: State, now: Micros, command: co.ReportDeposit) -> Decision:
    if command.account not in state.accounts:
        return Reject.UNKNOWN_ACCOUNT
    if command.asset not in state.assets:
        return Reject.UNKNOWN_ASSET
    known = state.deposits.get(command.key)
    if known is not None:
        if (known.account, known.asset, known.amount) != (command.account, command.asset, command.amount):
            return Reject.DUPLICATE_REFERENCE
        if known.state == command.to:
            return []
    if not _fits(command.amount):
        return Reject.BAD_AMOUNT
    effect = DEPOSIT_TRANSITIONS.get((known.state if known else None, command.to))
    if effect is None:
        return Reject.BAD_TRANSITION
    if effect is Effect.CREDIT and _circulating(state, command.asset) + command.amount > MAX_STORED >> 1:
        return Reject.BAD_AMOUNT
    recovered = Amount(0)
    if effect is Effect.REVERSE:
        recovered = min(command.amount, state.available(command.account, command.asset))
    elif effect is Effect.CREDIT:
        recovered = min(command.amount, state.owed(command.account, command.asset))
    seq = state.accounts[command.account].seq + 1
    return [
        ev.DepositMoved(
            now,
            command.key,
            command.account,
            seq,
            command.asset,
            command.amount,
            command.to,
            recovered,
        ),
    ]


def _request_withdrawal(state: State, now: Micros, command: co.RequestWithdrawal) -> Decision:
    account = state.accounts.get(command.account)
    if account is None:
        return Reject.UNKNOWN_ACCOUNT
    if account.frozen:
        return Reject.ACCOUNT_FROZEN
    if command.asset not in state.assets:
        return Reject.UNKNOWN_ASSET
    if command.key in state.withdrawals:
        return Reject.DUPLICATE_REFERENCE
    if not _fits(command.amount):
        return Reject.BAD_AMOUNT
    if state.available(command.account, command.asset) < command.amount:
        return Reject.INSUFFICIENT_FUNDS
    return [
        ev.WithdrawalMoved(
            now,
            command.key,
            account.id,
            account.seq + 1,
            command.asset,
            command.amount,
            WithdrawalState.REQUESTED,
        ),
    ]


def _move_withdrawal(state: State, now: Micros, command: co.MoveWithdrawal) -> Decision:
    known = state.withdrawals.get(command.key)
    if known is None:
        return Reject.UNKNOWN_TRANSFER
    if (known.state, command.to) not in WITHDRAWAL_TRANSITIONS:
        return [] if known.state == command.to else Reject.BAD_TRANSITION
    seq = state.accounts[known.account].seq + 1
    return [
        ev.WithdrawalMoved(now, known.key, known.account, seq, known.asset, known.amount, command.to),
    ]


DECIDE: dict[type, Callable[[State, Micros, Any], Decision]] = {
    co.ListAsset: _list_asset,
    co.ListMarket: _list_market,
    co.SetMarketPhase: _set_phase,
    co.SetTierFees: _set_tier_fees,
    co.OpenAccount: _open_account,
    co.SetAccountTier: _set_tier,
    co.SetAccountFrozen: _set_frozen,
    co.Credit: _credit,
    co.ReportDeposit: _report_deposit,
    co.RequestWithdrawal: _request_withdrawal,
    co.MoveWithdrawal: _move_withdrawal,
    co.PlaceOrder: decide_place,
    co.CancelOrder: _cancel,
    co.AmendOrder: _amend,
    co.CancelAll: _cancel_all,
    co.SetCountdown: set_countdown,
    co.FireCountdown: fire_countdown,
    co.ArmSession: arm_session,
    co.EndSession: end_session,
    co.PlaceOrderList: decide_place_list,
    co.CancelOrderList: _cancel_list,
    co.WakeOrder: decide_due,
}
