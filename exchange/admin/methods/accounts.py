"""Accounts: open one, list them, look at one; and, in the demo only, credit one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from exchange.admin import wire
from exchange.admin.house import House, Refused, no
from exchange.core.commands import Credit, OpenAccount, SetAccountFrozen
from exchange.core.decimals import Malformed, parse, render
from exchange.core.market import Asset
from exchange.core.postings import FIRST_TRADER, Bucket, balance_key
from exchange.core.rejects import Reject
from exchange.core.units import AccountId, Amount, AssetId, BalanceKey

SCAN: Final = 2_000
"""Accounts looked at in one go; trading goes on in between."""

MAX_NAME: Final = 64
MAX_TIER: Final = 1_000
MAX_REFERENCE: Final = 64
MAX_REASON: Final = 200
_REFERENCE_CHARS: Final = 22


async def create_account(house: House, ask: wire.CreateAccount) -> wire.AccountRow:
    """Open an account under a name that nobody else has."""
    if not _is_name(ask.name):
        raise Refused(
            "bad_name",
            f"a name has 1 to {MAX_NAME} printable characters, no space at either end, and is no number. "
            "No account was opened.",
        )
    if not 0 <= ask.tier <= MAX_TIER:
        raise Refused("bad_tier", f"a tier is from 0 to {MAX_TIER}. No account was opened.")
    outcome = await house.sequencer.call(OpenAccount(ask.name, ask.tier))
    if outcome.reject is Reject.NAME_TAKEN:
        raise Refused("name_taken", f"there is an account called {ask.name} already. No account was opened.")
    if outcome.reject is not None:
        raise no(outcome.reject)
    return await account_row(house, await find_account(house, ask.name))


async def account_row(house: House, account: AccountId) -> wire.AccountRow:
    """One account as lists show it."""
    return (await _rows(house, [account]))[0]


def _is_name(name: str) -> bool:
    """Numbers are left to ids, so that `--account 101` can mean one thing only."""
    return 0 < len(name) <= MAX_NAME and name.isprintable() and name == name.strip() and not name.isdecimal()


async def list_accounts(house: House, ask: wire.ListAccounts) -> wire.AccountList:
    """Accounts whose name contains `match`, upper or lower case, by id."""
    limit = checked_limit(ask.limit)
    wanted = ask.match.casefold()
    first, found = max(ask.after + 1, FIRST_TRADER), list[AccountId]()
    end = await house.sequencer.read(lambda state: state.next_account)
    while first < end and len(found) <= limit:
        names = await _names(house, first)
        found += [account for account, name in names if wanted in name.casefold()]
        first += SCAN
    rows = await _rows(house, found[:limit])
    return wire.AccountList(tuple(rows), more=len(found) > limit)


def checked_limit(limit: int) -> int:
    """A number of rows that fits a frame; refused when it does not."""
    if not 1 <= limit <= wire.MAX_ROWS:
        raise Refused("bad_params", f"limit is from 1 to {wire.MAX_ROWS}. Nothing was changed.")
    return limit


async def show_account(house: House, ask: wire.ShowAccount) -> wire.AccountView:
    """One account and what it has of each asset."""
    account = await find_account(house, ask.account)
    balances = await house.sequencer.read(lambda state: _balances(account, state.balances, state.assets.values()))
    return wire.AccountView((await _rows(house, [account]))[0], balances)


async def freeze_account(house: House, ask: wire.FreezeAccount) -> wire.AccountView:
    """Freeze or thaw, for a reason that is journaled. What it owes, it owes on."""
    reason = ask.reason.strip()
    if not reason or len(reason) > MAX_REASON or not reason.isprintable():
        raise Refused("bad_reason", f"a reason has 1 to {MAX_REASON} printable characters. Nothing was changed.")
    account = await find_account(house, ask.account)
    outcome = await house.sequencer.call(SetAccountFrozen(account, ask.frozen, reason))
    if outcome.reject is not None:
        raise no(outcome.reject)
    return await show_account(house, wire.ShowAccount(str(account)))


async def credit(house: House, ask: wire.CreditAccount) -> wire.BalanceRow:
    """Demo money out of `genesis`; refused wherever money is real."""
    if not house.settings.demo:
        raise Refused(
            "demo_only",
            "credits out of nothing are allowed in a demo only; here money comes by deposit. Nothing was changed.",
        )
    account = await find_account(house, ask.account)
    asset = await house.sequencer.read(lambda state: state.asset_by_code(ask.asset))
    if asset is None:
        raise Refused("not_found", f"no asset is called {ask.asset[:32]}. Nothing was changed.")
    amount = parse(ask.amount, asset.decimals)
    if isinstance(amount, Malformed):
        raise Refused(
            "bad_amount", f"{ask.amount[:40]} is no amount of {asset.code}: {amount.value}. Nothing was changed."
        )
    reference = ask.reference or f"credit-{house.clock.token(_REFERENCE_CHARS)}"
    if len(reference) > MAX_REFERENCE or not reference.isprintable():
        raise Refused(
            "bad_reference", f"a reference has at most {MAX_REFERENCE} printable characters. Nothing was changed."
        )
    outcome = await house.sequencer.call(Credit(account, asset.id, Amount(amount), reference))
    if outcome.reject is Reject.DUPLICATE_REFERENCE:
        raise Refused("duplicate_reference", f"{reference} was credited before. Nothing was changed this time.")
    if outcome.reject is not None:
        raise no(outcome.reject)
    return await house.sequencer.read(lambda state: _balance(account, asset, state.balances))


async def find_account(house: House, account: str) -> AccountId:
    """The account of that name or id; refused when there is none."""
    number = int(account) if account.isdecimal() and account.isascii() and len(account) < 19 else 0
    found = await house.sequencer.read(
        lambda state: AccountId(number) if number in state.accounts else state.names.get(account)
    )
    if found is None:
        raise Refused(
            "not_found",
            f"no account is called {account[:MAX_NAME]}. Nothing was changed; `exchange account list` shows all.",
        )
    return found


async def _names(house: House, first: int) -> list[tuple[AccountId, str]]:
    """The names of the `SCAN` ids from `first` on; ids have no gaps but may end."""
    return await house.sequencer.read(
        lambda state: [
            (account.id, account.name)
            for account in map(state.accounts.get, map(AccountId, range(first, first + SCAN)))
            if account is not None
        ]
    )


async def _rows(house: House, accounts: list[AccountId]) -> list[wire.AccountRow]:
    return await house.sequencer.read(
        lambda state: [
            wire.AccountRow(
                id=account.id,
                name=wire.clean(account.name),
                tier=account.tier,
                frozen=account.frozen,
                created=account.created,
                open_orders=sum(map(len, account.open_by_market.values())),
            )
            for account in map(state.accounts.__getitem__, accounts)
        ]
    )


def _balances(
    account: AccountId, balances: Mapping[BalanceKey, Amount], assets: Iterable[Asset]
) -> tuple[wire.BalanceRow, ...]:
    """Every asset of which the account has or had something."""
    return tuple(
        _balance(account, asset, balances)
        for asset in assets
        if any(balance_key(account, asset.id, bucket) in balances for bucket in Bucket)
    )


def _balance(account: AccountId, asset: Asset, balances: Mapping[BalanceKey, Amount]) -> wire.BalanceRow:
    return wire.BalanceRow(
        asset.code,
        available=_amount(balances, account, asset, Bucket.AVAILABLE),
        held=_amount(balances, account, asset, Bucket.HELD),
        owed=_owed(balances, account, asset),
    )


def _owed(balances: Mapping[BalanceKey, Amount], account: AccountId, asset: Asset) -> str:
    debt = -balances.get(balance_key(account, asset.id, Bucket.RECEIVABLE), Amount(0))
    return render(Amount(debt), asset.decimals) if debt else ""


def _amount(balances: Mapping[BalanceKey, Amount], account: AccountId, asset: Asset, bucket: Bucket) -> str:
    asset_id: AssetId = asset.id
    return render(balances.get(balance_key(account, asset_id, bucket), 0), asset.decimals)
