"""Decide: a command becomes events or a `Reject`. Reads the state, never writes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from exchange.core import commands as co
from exchange.core import events as ev
from exchange.core.contingency import Contingency, Numbers
from exchange.core.countdowns import arm_session, cancelled, cancels, end_session, fire_countdown, set_countdown
from exchange.core.deciding_networks import book_network_cost, open_epoch, set_network, set_payouts_shut, set_tier_limit
from exchange.core.deciding_transfers import (
    book_paid,
    credit,
    move_withdrawal,
    report_deposit,
    request_withdrawal,
    settle_inside,
)
from exchange.core.market import Asset, MarketPhase, rules_error
from exchange.core.placing import decide_place
from exchange.core.placing_lists import decide_due, decide_place_list
from exchange.core.postings import HOUSE_NAMES, MAX_ASSETS
from exchange.core.rejects import Reject
from exchange.core.risk import check_amendment, check_smaller
from exchange.core.units import Amount, AssetId, MarketId, Micros, Quantity

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


DECIDE: dict[type, Callable[[State, Micros, Any], Decision]] = {
    co.ListAsset: _list_asset,
    co.ListMarket: _list_market,
    co.SetMarketPhase: _set_phase,
    co.SetTierFees: _set_tier_fees,
    co.OpenAccount: _open_account,
    co.SetAccountTier: _set_tier,
    co.SetAccountFrozen: _set_frozen,
    co.Credit: credit,
    co.ReportDeposit: report_deposit,
    co.RequestWithdrawal: request_withdrawal,
    co.SetNetwork: set_network,
    co.SetTierLimit: set_tier_limit,
    co.MoveWithdrawal: move_withdrawal,
    co.SettleInside: settle_inside,
    co.BookPaid: book_paid,
    co.BookNetworkCost: book_network_cost,
    co.SetPayoutsShut: set_payouts_shut,
    co.OpenEpoch: open_epoch,
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
