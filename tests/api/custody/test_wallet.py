"""Money that comes and goes, as the dialect tells it: networks, addresses, deposits, withdrawals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from exchange.core import commands as co
from exchange.core.transfers import DepositState as D
from exchange.core.transfers import WithdrawalState
from exchange.core.units import Amount, AssetId
from exchange.office.keys import NewKey, Scope
from tests.api.house import Answer, House, Person, running_house
from tests.api.vaults import NETWORKS, deposited, open_ways

CAPITAL = "/sapi/v1/capital"
THEN = {"startTime": 1_699_999_000_000, "endTime": 1_700_000_001_000}
WITHDRAW = frozenset({Scope.WITHDRAW})


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A house with ways in and out, where everything may go anywhere at once."""
    async with running_house(tmp_path) as running:
        await open_ways(running.rooms.desk, running.rooms.sequencer)
        yield running


def paying_key(house: House, person: Person, *addresses: str) -> NewKey:
    """A key of that person's that may withdraw."""
    return house.rooms.keyring.create(person.account, WITHDRAW, "hmac", addresses=addresses or ("127.0.0.1",))


async def ask(house: House, path: str, **parameters: object) -> Answer:
    return await house.client(house.alice).signed("GET", f"{CAPITAL}/{path}", **parameters)


async def apply(house: House, **changed: object) -> Answer:
    """Alice withdraws half a bitcoin."""
    usual: dict[str, object] = {"coin": "BTC", "address": outside(house), "amount": "0.5"}
    client = house.client(key=paying_key(house, house.alice))
    return await client.signed("POST", f"{CAPITAL}/withdraw/apply", **{**usual, **changed})


def outside(house: House, name: str = "shop") -> str:
    return str(house.rooms.desk.lines["BTC"].chain.world.address(name))  # type: ignore[attr-defined]


async def coin(house: House, code: str) -> Any:
    return next(one for one in (await ask(house, "config/getall")).json if one["coin"] == code)


async def test_a_coin_tells_its_networks_and_what_they_cost(house: House) -> None:
    (network,) = (await coin(house, "BTC"))["networkList"]
    told = {name: network[name] for name in ("network", "withdrawFee", "withdrawMin", "withdrawMax", "minConfirm")}
    assert told == {
        "network": "BTC",
        "withdrawFee": "0.00010000",
        "withdrawMin": "0.00100000",
        "withdrawMax": "5.00000000",
        "minConfirm": 2,
    }
    assert (network["depositEnable"], network["withdrawEnable"], network["unLockConfirm"]) == (True, True, 6)


async def test_a_token_tells_its_contract_and_the_unit_of_its_chain(house: House) -> None:
    usdt = await coin(house, "USDT")
    (network,) = usdt["networkList"]
    assert (network["contractAddress"], network["withdrawIntegerMultiple"]) == ("usdt", "0.00000100")
    assert (usdt["depositAllEnable"], usdt["withdrawAllEnable"]) == (True, False)


async def test_shut_payouts_show_as_a_closed_door(house: House) -> None:
    await house.rooms.sequencer.call(co.SetPayoutsShut(AssetId(1), True, "3 BTC are missing"))
    (network,) = (await coin(house, "BTC"))["networkList"]
    assert (network["withdrawEnable"], "missing" in network["withdrawDesc"]) == (False, False)


async def test_an_address_is_ones_own_and_stays(house: House) -> None:
    first, again = [(await ask(house, "deposit/address", coin="BTC")).json for _ in range(2)]
    his = (await house.client(house.bob).signed("GET", f"{CAPITAL}/deposit/address", coin="BTC")).json
    url = f"https://btc.example/address/{first['address']}"
    assert first == again == {"address": first["address"], "coin": "BTC", "network": "BTC", "tag": "", "url": url}
    assert his["address"] != first["address"]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"coin": "XXX"}, -4018),
        ({"coin": "ETH"}, -4018),
        ({"coin": "BTC", "network": "ETH"}, -4018),
        ({"coin": "BTC", "amount": "1"}, -1020),
        ({}, -1102),
    ],
)
async def test_an_address_that_there_is_not_is_refused(house: House, asked: dict[str, str], code: int) -> None:
    assert (await ask(house, "deposit/address", **asked)).json["code"] == code


async def test_a_closed_network_gives_no_address(house: House) -> None:
    closed = msgspec.structs.replace(NETWORKS[0], deposits_open=False)
    await house.rooms.sequencer.call(co.SetNetwork(closed))
    assert (await ask(house, "deposit/address", coin="BTC")).json["code"] == -4019


async def test_deposits_are_told_in_the_dialects_states(house: House) -> None:
    address = (await ask(house, "deposit/address", coin="BTC")).json["address"]
    desk = house.rooms.desk
    desk.lines["BTC"].status.height = 7
    states = {
        "a": D.CONFIRMING,
        "b": D.CREDITED,
        "c": D.HELD,
        "d": D.ORPHANED,
    }
    for name, state in states.items():
        await deposited(desk, address, name, state, why="dust" if name == "c" else "")
    rows = {row["txId"]: row for row in (await ask(house, "deposit/hisrec", **THEN)).json}
    assert [rows[name]["status"] for name in "abcd"] == [0, 1, 7, 2]
    assert [rows[name]["confirmTimes"] for name in "ab"] == ["1/2", "2/2"]
    assert (rows["c"]["info"], rows["a"]["amount"], rows["a"]["network"]) == ("dust", "0.50000000", "BTC")
    assert (rows["b"]["address"], rows["b"]["sourceAddress"]) == (address, "")


async def test_deposits_are_found_by_state_and_transaction_and_page_by_page(house: House) -> None:
    address = (await ask(house, "deposit/address", coin="BTC")).json["address"]
    for name in "abc":
        await deposited(house.rooms.desk, address, name, D.CREDITED)

    async def found(**wanted: object) -> list[str]:
        return [row["txId"] for row in (await ask(house, "deposit/hisrec", **THEN, **wanted)).json]

    assert await found() == ["c", "b", "a"]
    assert await found(offset=1, limit=1) == ["b"]
    assert await found(txId="a") == ["a"]
    assert await found(status=0) == await found(status=3) == await found(coin="ETH") == []
    assert await found(status=1, coin="BTC") == ["c", "b", "a"]


@pytest.mark.parametrize("what", ["deposit/hisrec", "withdraw/history"])
async def test_an_offset_is_honoured_or_refused(house: House, what: str) -> None:
    """Beyond what is kept in reach the same page came again and again, or an empty one, as if there were no more."""
    client = house.client(house.alice)
    path = f"/sapi/v1/capital/{what}"
    assert (await client.signed("GET", path, offset=10_000)).status == 200
    assert (await client.signed("GET", path, offset=10_001)).error == (
        400,
        -1130,
        "Data sent for parameter 'offset' is not valid.",
    )


async def test_nobody_sees_anothers_deposits(house: House) -> None:
    address = (await ask(house, "deposit/address", coin="BTC")).json["address"]
    await deposited(house.rooms.desk, address, "a", D.CREDITED)
    bob = house.client(house.bob)
    assert (await bob.signed("GET", f"{CAPITAL}/deposit/hisrec", **THEN)).json == []
    assert (await bob.signed("GET", "/ext/v1/deposit/explain", txId="a")).json == []
    assert len((await house.client(house.alice).signed("GET", "/ext/v1/deposit/explain", txId="a")).json) == 1


async def test_a_span_is_at_most_90_days(house: House) -> None:
    for path in ("deposit/hisrec", "withdraw/history"):
        assert (await ask(house, path, startTime=1, endTime=91 * 86_400_000)).json["code"] == -4047
        assert (await ask(house, path, startTime=5, endTime=1)).json["code"] == -4047


async def test_a_withdrawal_is_taken_and_its_money_held(house: House) -> None:
    taken = await apply(house, withdrawOrderId="mine-1")
    (row,) = (await ask(house, "withdraw/history")).json
    assert (row["id"], row["withdrawOrderId"], row["status"]) == (taken.json["id"], "mine-1", 4)
    assert (row["amount"], row["transactionFee"], row["transferType"], row["txId"]) == (
        "0.49990000",
        "0.00010000",
        0,
        "",
    )
    assert (await house.client(house.alice).balances())["BTC"] == ("99.50000000", "0.50000000")
    told = await coin(house, "BTC")
    assert (told["free"], told["locked"], told["withdrawing"]) == ("99.50000000", "0.00000000", "0.50000000")


async def test_a_large_one_waits_for_an_operator(house: House) -> None:
    await apply(house, amount="2")
    (row,) = (await ask(house, "withdraw/history", status=2)).json
    assert (row["status"], row["info"]) == (2, "It waits for an operator.")


async def test_withdrawals_are_found_by_name_number_and_state(house: House) -> None:
    ids = [(await apply(house, withdrawOrderId=f"n{n}", amount="0.1")).json["id"] for n in range(3)]

    async def found(**wanted: object) -> set[str]:
        return {row["withdrawOrderId"] for row in (await ask(house, "withdraw/history", **wanted)).json}

    assert await found() == {"n0", "n1", "n2"}
    assert await found(withdrawOrderId="n1") == {"n1"}
    assert await found(idList=f"{ids[0]},{ids[2]}") == {"n0", "n2"}
    assert await found(status=4, coin="BTC") == {"n0", "n1", "n2"}
    assert await found(status=6) == await found(status=99) == await found(coin="ETH") == set()
    assert (await ask(house, "withdraw/history", idList=",".join(["x"] * 46))).json["code"] == -1130
    assert (await house.client(house.bob).signed("GET", f"{CAPITAL}/withdraw/history")).json == []


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"coin": "XXX"}, -4018),
        ({"network": "ETH"}, -4018),
        ({"coin": "USDT", "address": "x"}, -4033),
        ({"address": "nowhere"}, -4033),
        ({"amount": "0.00099"}, -4022),
        ({"amount": "0.00001"}, -4022),
        ({"amount": "0"}, -4022),
        ({"amount": "0.000000001"}, -1111),
        ({"amount": "99999999999999999999"}, -1108),
        ({"amount": "90000000000"}, -1108),
        ({"amount": "-1"}, -1100),
        ({"amount": "5.00000001"}, -4023),
        ({"addressTag": "1"}, -1020),
        ({"walletType": 1}, -1020),
        ({"withdrawOrderId": "a b"}, -1100),
        ({"memo": "x"}, -1104),
    ],
)
async def test_what_cannot_be_withdrawn_is_refused_and_nothing_is_held(
    house: House, changed: dict[str, object], code: int
) -> None:
    before = await house.fingerprint()
    reply = await apply(house, **changed)
    assert (reply.status, reply.json["code"]) == (400, code)
    assert await house.fingerprint() == before
    assert (await ask(house, "withdraw/history")).json == []


async def test_more_than_there_is_is_refused(house: House) -> None:
    await house.rooms.sequencer.call(co.SetTierLimit(0, AssetId(1), Amount(10**12), Amount(10**12)))
    assert (await apply(house, amount="100.1")).json["code"] == -2010


async def test_ones_own_name_is_used_once(house: House) -> None:
    await apply(house, withdrawOrderId="mine")
    assert (await apply(house, withdrawOrderId="mine")).json["code"] == -4011


async def test_b18_a_key_without_the_scope_withdraws_nothing(house: House) -> None:
    """B18: the scope to trade is not enough."""
    reply = await house.client(house.alice).signed(
        "POST", f"{CAPITAL}/withdraw/apply", coin="BTC", address=outside(house), amount="0.5"
    )
    assert reply.error[:2] == (401, -2015)


async def test_b18_a_key_that_may_withdraw_may_do_so_from_its_addresses_only(house: House) -> None:
    """B18."""
    key = paying_key(house, house.alice, "203.0.113.7")
    reply = await house.client(key=key).signed(
        "POST", f"{CAPITAL}/withdraw/apply", coin="BTC", address=outside(house), amount="0.5"
    )
    assert reply.error[:2] == (401, -2015)


async def test_a_withdrawal_that_has_not_begun_is_taken_back(house: House) -> None:
    taken = (await apply(house)).json["id"]
    client = house.client(key=paying_key(house, house.alice))
    assert (await client.signed("DELETE", "/ext/v1/withdraw", id=taken)).json == {"id": taken}
    (row,) = (await ask(house, "withdraw/history")).json
    assert row["status"] == 1
    assert (await client.signed("DELETE", "/ext/v1/withdraw", id=taken)).json["code"] == -4031
    his = house.client(key=paying_key(house, house.bob))
    assert (await his.signed("DELETE", "/ext/v1/withdraw", id=taken)).json["code"] == -4029


async def test_b37_a_frozen_account_withdraws_nothing(house: House) -> None:
    """B37: by its owner, at once; what was asked for is not begun."""
    await apply(house)
    reply = await house.client(house.alice).signed("POST", "/ext/v1/account/freeze")
    assert reply.json == {"data": "Frozen"}
    assert (await apply(house)).json["code"] == -2010
    key = (await ask(house, "withdraw/history")).json[0]["id"]
    await house.rooms.sequencer.call(co.MoveWithdrawal(key, WithdrawalState.APPROVED))
    outcome = await house.rooms.sequencer.call(co.MoveWithdrawal(key, WithdrawalState.PLANNED))
    assert outcome.reject is not None
    account = (await house.client(house.alice).signed("GET", "/api/v3/account")).json
    assert (account["canWithdraw"], account["canDeposit"], account["canTrade"]) == (False, True, False)
