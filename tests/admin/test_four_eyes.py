"""The second-person rule: one operator asks, another one has it done, and neither can do it alone."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from exchange.admin import wire
from exchange.admin.acts import CALLS, OWN_CALLS, ROLES, carry_out
from exchange.admin.four_eyes import TWO_PEOPLE
from exchange.admin.house import Caller, Refused
from exchange.office.operators import Role
from exchange.office.pending_acts import LIVES, MOST_WAITING
from tests.admin.furnished import House, furnished
from tests.admin.test_acts import ACTS

OPERATIONS, TREASURY = Role.OPERATIONS, Role.TREASURY
LIMIT = wire.SetTierLimit(0, "BTC", "1", "2")


def two(house: House, role: Role = OPERATIONS) -> tuple[Caller, Caller]:
    """Ann and Ben, operators of a role."""
    for uid, name in ((11, "ann"), (12, "ben")):
        house.operators.add(name, uid, role)
    return Caller("ann", 11, role), Caller("ben", 12, role)


async def refused(house: House, caller: Caller, ask: wire.Ask[Any]) -> str:
    with pytest.raises(Refused) as said:
        await carry_out(house, caller, ask)
    return said.value.code


async def kept(house: House, caller: Caller, ask: wire.Ask[Any]) -> wire.ActRow:
    """Ask; it is kept and not done."""
    assert await refused(house, caller, ask) == "second_person"
    return (await carry_out(house, caller, wire.ListActs())).rows[-1]


async def limits(house: House) -> int:
    return len((await carry_out(house, Caller("x", 1, OPERATIONS), wire.ListTierLimits())).rows)


async def test_b29_what_one_asks_for_is_done_when_another_confirms_it(tmp_path: Path) -> None:
    """B29: and not before."""
    async with furnished(tmp_path, two_people=True) as house:
        ann, ben = two(house)
        act = await kept(house, ann, LIMIT)
        assert (await limits(house), act.yours, act.may, json.loads(act.params)["day"]) == (0, True, False, "1")
        (shown,) = (await carry_out(house, ben, wire.ListActs())).rows
        assert (shown.yours, shown.may, shown.operator) == (False, True, "ann")
        done = await carry_out(house, ben, wire.ConfirmAct(shown.number, shown.digest))
        assert (done.method, done.operator, json.loads(done.result)["day"]) == ("tier.limit", "ann", "1.00000000")
        assert await limits(house) == 1
        assert (await carry_out(house, ann, wire.ListActs())).rows == ()
        assert await refused(house, ben, wire.ConfirmAct(shown.number, shown.digest)) == "not_waiting"


async def test_b29_nobody_confirms_his_own(tmp_path: Path) -> None:
    """B29: not under another name of the same user of the machine either."""
    async with furnished(tmp_path, two_people=True) as house:
        ann, _ = two(house)
        act = await kept(house, ann, LIMIT)
        for caller in (ann, Caller("other", ann.uid, OPERATIONS)):
            assert await refused(house, caller, wire.ConfirmAct(act.number, act.digest)) == "same_person"
        assert await limits(house) == 0


async def test_b29_the_second_person_confirms_what_he_saw(tmp_path: Path) -> None:
    """B29: an act that was changed behind his back is another act."""
    async with furnished(tmp_path, two_people=True) as house:
        ann, ben = two(house)
        act = await kept(house, ann, LIMIT)
        house.trail._db.execute("UPDATE pending_acts SET params = replace(params, '\"1\"', '\"9\"')")
        assert await refused(house, ben, wire.ConfirmAct(act.number, act.digest)) == "not_the_same"
        assert await limits(house) == 0


async def test_b29_only_who_might_do_it_himself_confirms_it(tmp_path: Path) -> None:
    """B29: velocity limits are the treasury's."""
    async with furnished(tmp_path, two_people=True) as house:
        tina, _ = two(house, TREASURY)
        house.operators.add("otto", 13, OPERATIONS)
        act = await kept(house, tina, wire.SetVelocity("BTC", "5"))
        otto = Caller("otto", 13, OPERATIONS)
        assert await refused(house, otto, wire.ConfirmAct(act.number, act.digest)) == "forbidden"
        auditor = Caller("eve", 14, Role.AUDITOR)
        assert await refused(house, auditor, wire.ConfirmAct(act.number, act.digest)) == "forbidden"


async def test_b29_what_somebody_asked_for_who_is_no_operator_any_more_is_not_done(tmp_path: Path) -> None:
    """B29: a thief's questions go with him."""
    async with furnished(tmp_path, two_people=True) as house:
        ann, ben = two(house)
        act = await kept(house, ann, LIMIT)
        house.operators.remove("ann")
        assert await refused(house, ben, wire.ConfirmAct(act.number, act.digest)) == "asker_gone"
        assert (await carry_out(house, ben, wire.WithdrawAct(act.number))).number == act.number
        assert (await carry_out(house, ben, wire.ListActs())).rows == ()


async def test_b29_an_act_waits_for_a_day(tmp_path: Path) -> None:
    """B29: what was right yesterday may be wrong."""
    async with furnished(tmp_path, two_people=True) as house:
        ann, ben = two(house)
        act = await kept(house, ann, LIMIT)
        house.clock.move(LIVES // 1_000_000)
        assert await refused(house, ben, wire.ConfirmAct(act.number, act.digest)) == "not_waiting"
        assert (await carry_out(house, ben, wire.ListActs())).rows == ()


async def test_an_act_that_is_refused_when_it_is_done_says_so_and_waits_no_more(tmp_path: Path) -> None:
    async with furnished(tmp_path, two_people=True) as house:
        ann, ben = two(house)
        act = await kept(house, ann, wire.SetTierLimit(0, "NOPE", "1", "2"))
        assert await refused(house, ben, wire.ConfirmAct(act.number, act.digest)) == "not_found"
        assert (await carry_out(house, ben, wire.ListActs())).rows == ()
        found = house.pending_acts.find(act.number)
        assert found is not None
        assert (found.state, found.second) == ("refused", "ben")


async def test_a_key_is_registered_in_the_name_of_who_asked(tmp_path: Path) -> None:
    """B29: who confirms it makes no key his own."""
    from nacl.signing import SigningKey

    from exchange.office.approvers import registration

    async with furnished(tmp_path, two_people=True) as house:
        ann, ben = two(house, TREASURY)
        key = SigningKey.generate()
        proof = key.sign(registration("ann")).signature.hex()
        act = await kept(house, ann, wire.RegisterApprover(bytes(key.verify_key).hex(), proof))
        assert house.approvers.list() == []
        await carry_out(house, ben, wire.ConfirmAct(act.number, act.digest))
        assert [one.operator for one in house.approvers.list()] == ["ann"]


async def test_both_hands_are_in_the_trail_and_no_secret_is(tmp_path: Path) -> None:
    async with furnished(tmp_path, two_people=True) as house:
        ann, ben = two(house)
        act = await kept(house, ann, wire.AddOperator("carl", 77, "operations"))
        done = await carry_out(house, ben, wire.ConfirmAct(act.number, act.digest))
        secret = json.loads(done.result)["totp_uri"].partition("secret=")[2][:16]
        entries = house.trail.tail(50)
        told = [(one.operator, one.stage, one.method) for one in entries]
        assert told[:2] == [("ann", "asked", "operator.add"), ("ann", "refused", "operator.add")]
        assert told[-2:] == [("ben", "asked", "act.confirm"), ("ben", "done", "act.confirm")]
        assert secret
        assert not any(secret in one.detail for one in entries)


@pytest.mark.parametrize("method", sorted(TWO_PEOPLE.keys() - {"withdrawal.settle", "withdrawal.return"}))
async def test_every_act_of_the_table_waits_in_a_server_and_not_in_a_demo_nor_at_a_stopped_folder(
    tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A single operator runs a demo; who owns the folder of a stopped server could change the files as well."""
    ask, done = _asking(method), list[str]()

    async def note(*_: object) -> wire.ActList:
        done.append(method)
        return wire.ActList(())

    monkeypatch.setitem(CALLS, method, note)
    monkeypatch.delitem(OWN_CALLS, method, raising=False)
    role = next(iter(ROLES[method]))
    async with furnished(folder(tmp_path, "a"), two_people=True) as house:
        assert await refused(house, Caller("ann", 11, role), ask) == "second_person"
        assert done == []
        await carry_out(house, Caller("", 0, role, owns_folder=True), ask)
    async with furnished(folder(tmp_path, "b"), two_people=True, demo=True) as house:
        await carry_out(house, Caller("demo", 0, role), ask)
    assert done == [method, method]


def _asking(method: str) -> wire.Ask[Any]:
    """The one of its kind that needs a second person."""
    special: dict[str, wire.Ask[Any]] = {
        "payouts.set": wire.SetPayoutsShut("", False, "seen"),
        "key.create": wire.CreateKey("alice", ("trade", "withdraw")),
    }
    return special.get(method, ACTS[method])


@pytest.mark.parametrize(
    "ask",
    [
        wire.SetPayoutsShut("", True, "odd"),
        wire.CreateKey("alice", ("read", "trade")),
        wire.SetNetwork("BTC", "BTC", withdrawals_open=False),
        wire.SetNetwork("BTC", "BTC", deposits_open=False, withdrawals_open=False),
    ],
)
async def test_a_brake_needs_one_hand_and_so_does_a_key_that_withdraws_nothing(
    tmp_path: Path, ask: wire.Ask[Any]
) -> None:
    """Whoever sees that something is wrong stops it at once."""
    async with furnished(tmp_path, two_people=True) as house:
        ann, _ = two(house)
        with suppress(Refused):  # the act itself may be: of a network that is not listed
            await carry_out(house, ann, ask)
        assert (await carry_out(house, ann, wire.ListActs())).rows == ()


async def test_the_same_question_twice_waits_once_and_too_many_are_not_kept(tmp_path: Path) -> None:
    async with furnished(tmp_path, two_people=True) as house:
        ann, _ = two(house)
        assert (await kept(house, ann, LIMIT)).number == (await kept(house, ann, LIMIT)).number
        for day in range(2, MOST_WAITING + 1):
            await kept(house, ann, wire.SetTierLimit(0, "BTC", str(day), "1000"))
        assert await refused(house, ann, wire.SetTierLimit(1, "BTC", "1", "2")) == "too_many_acts"


def folder(parent: Path, name: str) -> Path:
    (parent / name).mkdir()
    return parent / name
