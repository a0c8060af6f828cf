"""Deposits and withdrawals, in the dialect's words; custody's desk does what is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from exchange.api import errors
from exchange.api.amounts import parse
from exchange.api.auth import Caller
from exchange.api.endpoints.custody_words import deposit_reply, withdrawal_reply
from exchange.api.errors import Refusal, Refused, refusal_of
from exchange.api.parameters import ClientId, Count, Decimal
from exchange.api.rooms import Rooms
from exchange.api.wire_custody import DepositAddress, DepositReply, WithdrawalReply, WithdrawalTaken
from exchange.core.decimals import Malformed
from exchange.core.market import Asset
from exchange.core.rejects import Reject
from exchange.core.transfers import DepositState
from exchange.core.units import Amount, Micros
from exchange.custody import history
from exchange.custody.desk import Asked, Denied, Why
from exchange.custody.payouts import rows as payout_rows

MAX_ROWS: Final = 1_000
MAX_IDS: Final = 45
DAYS_90: Final = Micros(90 * 86_400 * 1_000_000)


class AddressRequest(msgspec.Struct, frozen=True, kw_only=True):
    coin: str
    network: str | None = None
    amount: Decimal | None = None


class DepositsRequest(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    include_source: bool = False
    coin: str | None = None
    status: Count | None = None
    start_time: Micros | None = None
    end_time: Micros | None = None
    offset: Count = Count(0)
    limit: Count = Count(1_000)
    tx_id: str | None = None


class WithdrawalsRequest(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    coin: str | None = None
    withdraw_order_id: str | None = None
    status: Count | None = None
    offset: Count = Count(0)
    limit: Count = Count(1_000)
    id_list: str | None = None
    start_time: Micros | None = None
    end_time: Micros | None = None


class WithdrawRequest(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    coin: str
    withdraw_order_id: ClientId | None = None
    network: str | None = None
    address: str
    address_tag: str | None = None
    amount: Decimal
    transaction_fee_flag: bool = False
    name: str | None = None
    wallet_type: Count | None = None


_REFUSALS: Final[dict[Why, Refusal | Callable[[str], Refusal]]] = {
    Why.NO_NETWORK: errors.NO_NETWORK,
    Why.DEPOSITS_CLOSED: errors.DEPOSITS_CLOSED,
    Why.BAD_ADDRESS: errors.illegal_address,
    Why.NOT_LISTED: errors.NOT_LISTED,
    Why.TOO_NEW: errors.ADDRESS_TOO_NEW,
    Why.NEW_KEY: errors.KEY_TOO_NEW,
    Why.LIST_FULL: errors.ADDRESSES_FULL,
    Why.NO_RECORD: errors.NO_SUCH_WITHDRAWAL,
    Why.TOO_LATE: errors.CANCEL_TOO_LATE,
    Why.NAME_USED: errors.WITHDRAWAL_NAME_USED,
}


_BY_LEDGER: Final[dict[Reject, Refusal]] = {
    Reject.BAD_AMOUNT: errors.overflowed("amount"),
    **{
        reject: refusal_of(reject)
        for reject in (
            Reject.QUEUE_FULL,
            Reject.STORAGE_LOW,
            Reject.ACCOUNT_FROZEN,
            Reject.UNKNOWN_NETWORK,
            Reject.WITHDRAWALS_CLOSED,
            Reject.PAYOUTS_SHUT,
            Reject.TOO_FINE,
            Reject.BELOW_MINIMUM,
            Reject.FEE_CHANGED,
            Reject.DAY_LIMIT,
            Reject.MONTH_LIMIT,
            Reject.INSUFFICIENT_FUNDS,
        )
    },
}
"""What the ledger may say to a withdrawal whose account and asset there are."""


def refused(denied: Denied) -> Refused:
    """The desk's refusal as it leaves the house."""
    if denied.reject is not None:
        return Refused(_BY_LEDGER.get(denied.reject, errors.INTERNAL))
    found = _REFUSALS[denied.why]
    return Refused(found if isinstance(found, Refusal) else found(denied.text))


def find_asset(rooms: Rooms, coin: str) -> Asset:
    """The listed asset of that code; refused where there is none."""
    for asset in rooms.catalogue.assets.values():
        if asset.code == coin:
            return asset
    raise Refused(errors.NO_COIN)


async def deposit_address(rooms: Rooms, caller: Caller, request: AddressRequest) -> DepositAddress:
    """Where to send coins: an address of your own for each coin and network, the same for good."""
    if request.amount is not None:
        raise Refused(errors.not_here("addresses for one amount (Lightning)"))
    asset = find_asset(rooms, request.coin)
    try:
        given = await rooms.desk.address(caller.account, asset.id, request.network)
    except Denied as denied:
        raise refused(denied) from denied
    explorer = rooms.desk.explorers.get(given.network, "")
    url = f"{explorer}{given.address}" if explorer else ""
    return DepositAddress(given.address, asset.code, given.network, url=url)


_STATES: Final = {
    0: (DepositState.SEEN, DepositState.CONFIRMING),
    1: (DepositState.CREDITED, DepositState.SWEPT),
    2: (DepositState.ORPHANED,),
    7: (DepositState.HELD,),
}
"""The dialect's status of a deposit, and the states that it stands for."""


async def deposits(rooms: Rooms, caller: Caller, request: DepositsRequest) -> list[DepositReply]:
    """Deposits of one's own, the newest first: of the last 90 days, unless it is said from when on."""
    asset = find_asset(rooms, request.coin) if request.coin is not None else None
    if request.status is not None and request.status not in _STATES:
        return []
    start, end = _span(rooms, request.start_time, request.end_time)
    states = _STATES.get(request.status, ()) if request.status is not None else (None,)
    offset, limit = _checked(request.offset), min(request.limit or MAX_ROWS, MAX_ROWS)
    found = [
        shown
        for state in states
        for shown in history.deposits(
            rooms.desk.store.reader,
            account=caller.account,
            asset=asset.id if asset else None,
            state=state,
            txid=request.tx_id or "",
            start=start,
            end=end,
            limit=offset + limit,
        )
    ]
    found.sort(key=lambda shown: -shown.number)
    page = found[offset : offset + limit]
    return [deposit_reply(rooms, shown, source=request.include_source) for shown in page]


_MOST_OFFSET: Final = 10_000
"""What lies further back is to be asked for by its time."""


def _checked(offset: int) -> int:
    """An offset that is honoured; refused where it is not, for a page told twice never ends."""
    if offset > _MOST_OFFSET:
        raise Refused(errors.invalid("offset"))
    return offset


def _span(rooms: Rooms, start: Micros | None, end: Micros | None) -> tuple[Micros, Micros]:
    now = rooms.clock.now()
    until = now if end is None else end
    since = Micros(max(0, until - DAYS_90)) if start is None else start
    if not 0 <= until - since <= DAYS_90:
        raise Refused(errors.SPAN_OF_90_DAYS)
    return since, until


_FINDS: Final = {1: "state = 10", 2: "state IN (1, 2)", 3: "state = 9", 4: "state BETWEEN 3 AND 7", 5: "state = 11"}
_FINDS_ALL: Final = {**_FINDS, 6: "state = 8"}
"""The dialect's status of a withdrawal, and the states that it stands for."""


async def withdrawals(rooms: Rooms, caller: Caller, request: WithdrawalsRequest) -> list[WithdrawalReply]:
    """Withdrawals of one's own, the newest first: of the last 90 days, unless it is said from when on."""
    asset = find_asset(rooms, request.coin) if request.coin is not None else None
    start, end = _span(rooms, request.start_time, request.end_time)
    where, values = ["account = ?", "asked BETWEEN ? AND ?", "state > 0"], [caller.account, start, end]
    given: list[int | str] = list(values)
    if asset is not None:
        where.append("asset = ?")
        given.append(asset.id)
    if request.withdraw_order_id is not None:
        where.append("client_id = ?")
        given.append(request.withdraw_order_id)
    if request.status is not None:
        where.append(_FINDS_ALL.get(request.status, "0"))
    if request.id_list is not None:
        ids = request.id_list.split(",")
        if len(ids) > MAX_IDS:
            raise Refused(errors.invalid("idList"))
        where.append(f"id IN ({', '.join('?' * len(ids))})")
        given += ids
    given += [min(request.limit or MAX_ROWS, MAX_ROWS), _checked(request.offset)]
    condition = f"{' AND '.join(where)} ORDER BY asked DESC, id DESC LIMIT ? OFFSET ?"
    rows = payout_rows.withdrawals(rooms.desk.store.reader, condition, *given)
    return [withdrawal_reply(rooms, row) for row in rows]


async def withdraw(rooms: Rooms, caller: Caller, request: WithdrawRequest) -> WithdrawalTaken:
    """Send coins away, with a key that may: to an address of your allow-list, the fee out of the amount."""
    if request.address_tag:
        raise Refused(errors.not_here("addressTag: no chain here has one"))
    if request.wallet_type:
        raise Refused(errors.not_here("walletType: there is one wallet"))
    asset = find_asset(rooms, request.coin)
    amount = parse(request.amount, asset.decimals)
    if amount is Malformed.TOO_PRECISE:
        raise Refused(errors.too_precise("amount"))
    if isinstance(amount, Malformed):
        raise Refused(errors.overflowed("amount"))
    key = rooms.keyring.find(caller.api_key)
    if key is None:
        raise Refused(errors.BAD_KEY)
    asked = Asked(
        account=caller.account,
        asset=asset.id,
        network=request.network,
        address=request.address,
        amount=Amount(amount),
        client_id=request.withdraw_order_id or "",
        label=request.name or "",
        key_made=key.created,
        fee_along=request.transaction_fee_flag,
    )
    try:
        row = await rooms.desk.withdraw(asked)
    except Denied as denied:
        raise refused(denied) from denied
    return WithdrawalTaken(row.id)
