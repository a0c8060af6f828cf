"""B26 and B27: only to addresses that were named a day ago, and with no key that is new."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.office.keys import KeyRefused, Scope
from tests.api.custody.test_wallet import CAPITAL, outside, paying_key
from tests.api.house import Answer, Client, House, SetClock, running_house
from tests.api.vaults import OPEN, open_ways, rules

HOUR = 3_600_000_000
STRICT = rules(allow_list=True, address_wait=24 * HOUR)
LIST = f"{CAPITAL}/withdraw/address/list"
ADDRESS = "/ext/v1/withdraw/address"


def payer(house: House) -> Client:
    return house.client(key=paying_key(house, house.alice))


async def withdraw(client: Client, address: str) -> Answer:
    return await client.signed("POST", f"{CAPITAL}/withdraw/apply", coin="BTC", address=address, amount="0.5")


async def test_b26_an_address_is_used_a_day_after_it_was_listed(tmp_path: Path) -> None:
    """B26."""
    clock = SetClock()
    async with running_house(tmp_path, clock, rules=STRICT) as house:
        await open_ways(house.rooms.desk, house.rooms.sequencer)
        client, shop = payer(house), outside(house)
        assert (await withdraw(client, shop)).json["code"] == -4035
        added = (await client.signed("POST", ADDRESS, coin="BTC", address=shop, name="my shop")).json
        assert (added["whiteStatus"], added["usableFrom"]) == (False, (clock.time + 24 * HOUR) // 1000)
        clock.time += 24 * HOUR - 1
        assert (await withdraw(client, shop)).json["code"] == -4036
        clock.time += 1
        (row,) = (await house.client(house.alice).signed("GET", LIST)).json
        assert (row["whiteStatus"], row["name"], row["coin"], row["network"]) == (True, "my shop", "BTC", "BTC")
        assert (await withdraw(client, shop)).status == 200


async def test_b26_an_address_that_is_listed_again_has_not_begun_to_wait_anew(tmp_path: Path) -> None:
    """B26: nor does it jump the queue."""
    clock = SetClock()
    async with running_house(tmp_path, clock, rules=STRICT) as house:
        await open_ways(house.rooms.desk, house.rooms.sequencer)
        client, shop = payer(house), outside(house)
        first = (await client.signed("POST", ADDRESS, coin="BTC", address=shop)).json
        clock.time += HOUR
        assert (await client.signed("POST", ADDRESS, coin="BTC", address=shop, name="other")).json == first


async def test_a_withdrawal_names_an_address_of_the_list_that_has_no_name(tmp_path: Path) -> None:
    """And none that has one: `name` is taken, or stands there already, and never lost."""
    async with running_house(tmp_path, rules=rules(allow_list=True)) as house:
        await open_ways(house.rooms.desk, house.rooms.sequencer)
        client, shop = payer(house), outside(house)
        await client.signed("POST", ADDRESS, coin="BTC", address=shop)
        for name in ("the shop", "another"):
            taken = await client.signed(
                "POST", f"{CAPITAL}/withdraw/apply", coin="BTC", address=shop, amount="0.5", name=name
            )
            assert taken.status == 200
            (row,) = (await house.client(house.alice).signed("GET", LIST)).json
            assert row["name"] == "the shop"


async def test_b26_an_address_taken_off_the_list_waits_anew(tmp_path: Path) -> None:
    """B26."""
    clock = SetClock()
    async with running_house(tmp_path, clock, rules=STRICT) as house:
        await open_ways(house.rooms.desk, house.rooms.sequencer)
        client, shop = payer(house), outside(house)
        await client.signed("POST", ADDRESS, coin="BTC", address=shop)
        clock.time += 48 * HOUR
        assert (await client.signed("DELETE", ADDRESS, coin="BTC", address=shop)).json == []
        assert (await withdraw(client, shop)).json["code"] == -4035
        await client.signed("POST", ADDRESS, coin="BTC", address=shop)
        assert (await withdraw(client, shop)).json["code"] == -4036
        assert (await client.signed("DELETE", ADDRESS, coin="BTC", address=outside(house, "x"))).json["code"] == -4035


async def test_a_list_is_ones_own(tmp_path: Path) -> None:
    async with running_house(tmp_path, rules=STRICT) as house:
        await open_ways(house.rooms.desk, house.rooms.sequencer)
        await payer(house).signed("POST", ADDRESS, coin="BTC", address=outside(house))
        assert (await house.client(house.bob).signed("GET", LIST)).json == []


async def test_what_is_no_address_is_not_listed(tmp_path: Path) -> None:
    async with running_house(tmp_path, rules=STRICT) as house:
        await open_ways(house.rooms.desk, house.rooms.sequencer)
        client = payer(house)
        assert (await client.signed("POST", ADDRESS, coin="BTC", address="nowhere")).json["code"] == -4033
        assert (await client.signed("POST", ADDRESS, coin="ETH", address="x")).json["code"] == -4018
        long = {"coin": "BTC", "address": outside(house), "name": "x" * 65}
        assert (await client.signed("POST", ADDRESS, **long)).json["code"] == -1130
        assert (await house.client(house.alice).signed("POST", ADDRESS, coin="BTC", address="x")).status == 401


async def test_a_list_has_room_for_200(tmp_path: Path) -> None:
    async with running_house(tmp_path, rules=STRICT) as house:
        await open_ways(house.rooms.desk, house.rooms.sequencer)
        rows = [(house.alice.account, 1, "BTC", f"a{n}", "", 1) for n in range(200)]
        await house.rooms.desk.store.write(
            lambda db: db.executemany("INSERT INTO destinations VALUES (?, ?, ?, ?, ?, ?)", rows)
        )
        full = await payer(house).signed("POST", ADDRESS, coin="BTC", address=outside(house))
        assert full.json["code"] == -4034


async def test_b27_a_new_key_withdraws_nothing_for_a_day(tmp_path: Path) -> None:
    """B27."""
    clock = SetClock()
    async with running_house(tmp_path, clock, rules=rules(key_wait=24 * HOUR)) as house:
        await open_ways(house.rooms.desk, house.rooms.sequencer)
        client, shop = payer(house), outside(house)
        assert (await withdraw(client, shop)).json["code"] == -4016
        clock.time += 24 * HOUR
        assert (await withdraw(client, shop)).status == 200


async def test_b18_the_scope_to_withdraw_wants_addresses(tmp_path: Path) -> None:
    """B18: when the key is made, and when its addresses are changed."""
    async with running_house(tmp_path, rules=OPEN) as house:
        keys, scopes = house.rooms.keyring, frozenset({Scope.WITHDRAW})
        with pytest.raises(KeyRefused, match="needs addresses"):
            keys.create(house.alice.account, scopes, "hmac")
        made = keys.create(house.alice.account, scopes, "hmac", addresses=("203.0.113.7",))
        assert made.key.scopes == {Scope.WITHDRAW, Scope.READ}
        with pytest.raises(KeyRefused, match="needs addresses"):
            keys.limit(made.api_key, ())
