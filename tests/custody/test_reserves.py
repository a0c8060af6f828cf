"""The proof of liabilities: everybody's path holds, and nothing else does."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.clock import SystemClock
from exchange.core.market import Asset
from exchange.core.units import AccountId, AssetId, Micros
from exchange.custody.proof import merkle, reserves
from exchange.custody.proof.merkle import BadTree, Node
from exchange.custody.proof.reserves import PathFile
from exchange.ledger.liabilities import Liabilities, Owed

BTC, USD = AssetId(1), AssetId(2)


def owing(amounts: dict[int, int]) -> Liabilities:
    """The house owes so much BTC, part of it held, and to everybody 7 USD."""
    return Liabilities(
        42,
        bytes(range(32)),
        Micros(1),
        {BTC: Asset(BTC, "BTC", 8), USD: Asset(USD, "USD", 2)},
        {AccountId(number): f"name{number}" for number in amounts},
        {
            BTC: {AccountId(number): Owed(amount - amount // 3, amount // 3) for number, amount in amounts.items()},
            USD: {AccountId(number): Owed(7, 0) for number in amounts},
        },
    )


def made(amounts: dict[int, int]) -> tuple[reserves.Proof, list[PathFile]]:
    owed = owing(amounts)
    proof = reserves.make(owed, SystemClock())
    return proof, list(reserves.path_files(owed, proof))


@given(st.dictionaries(st.integers(100, 10_000), st.integers(1, 1 << 40), max_size=30))
def test_every_path_leads_to_the_root_whose_sum_is_all_that_is_owed(amounts: dict[int, int]) -> None:
    proof, files = made(amounts)
    published = msgspec.json.encode(proof.root)
    assert proof.root.assets["BTC"].sum == str(sum(amounts.values()))
    assert len(files) == len(amounts)
    for file in files:
        has = reserves.check(msgspec.json.encode(file), published).assets["BTC"]
        assert int(has.available) + int(has.held) == amounts[file.account]


def _first_part(file: dict[str, Any]) -> dict[str, Any]:
    part: dict[str, Any] = file["assets"]["BTC"]["parts"][0]
    return part


def _claim_more(file: dict[str, Any]) -> None:
    file["assets"]["BTC"]["available"] = "10"


def _be_somebody_else(file: dict[str, Any]) -> None:
    file["name"] = "name101"


def _negative(file: dict[str, Any]) -> None:
    _first_part(file)["path"][0]["sum"] = "-5"


def _other_sibling(file: dict[str, Any]) -> None:
    _first_part(file)["path"][-1]["sum"] = "1"


def _smaller_root(file: dict[str, Any]) -> None:
    file["root"]["assets"]["BTC"]["sum"] = "1"


def _counted_twice(file: dict[str, Any]) -> None:
    share = file["assets"]["BTC"]
    share["parts"][1] = share["parts"][0]
    share["available"], share["held"] = str(2 * int(share["parts"][0]["amount"])), "0"


def _shorter(file: dict[str, Any]) -> None:
    _first_part(file)["path"].pop()


def _elsewhere(file: dict[str, Any]) -> None:
    _first_part(file)["place"] = 1 << 50


def _other_asset(file: dict[str, Any]) -> None:
    file["assets"]["EUR"] = file["assets"]["BTC"]


def _huge_decimals(file: dict[str, Any]) -> None:
    file["root"]["assets"]["BTC"]["decimals"] = 10**12


def _unknown_field(file: dict[str, Any]) -> None:
    file["note"] = "trust me"


@pytest.mark.parametrize(
    "lie",
    [
        *(_claim_more, _be_somebody_else, _negative, _other_sibling, _smaller_root, _counted_twice, _shorter),
        *(_elsewhere, _other_asset, _huge_decimals, _unknown_field),
    ],
)
def test_a_path_that_was_altered_proves_nothing(lie: Callable[[dict[str, Any]], None]) -> None:
    _, files = made({100: 900, 101: 50, 102: 77})
    content = msgspec.json.decode(msgspec.json.encode(files[0]))
    lie(content)
    with pytest.raises(BadTree):
        reserves.check(msgspec.json.encode(content))


def test_a_path_of_another_root_than_the_published_one_proves_nothing() -> None:
    proof, _ = made({100: 900})
    _, files = made({100: 900})
    with pytest.raises(BadTree, match="not the published one"):
        reserves.check(msgspec.json.encode(files[0]), msgspec.json.encode(proof.root))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b'{"kind": 1}', b"0" * (reserves.MAX_FILE + 1)])
def test_a_file_that_is_none_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(BadTree):
        reserves.check(content)


def test_a_node_covers_both_sums_so_that_none_can_be_moved_to_the_other_side() -> None:
    left, right = merkle.leaf((b"a",), 5), merkle.leaf((b"b",), 7)
    moved = merkle.join(Node(left.hash, 6), Node(right.hash, 6))
    assert moved.sum == merkle.join(left, right).sum
    assert moved.hash != merkle.join(left, right).hash


def test_a_leaf_can_not_be_taken_for_a_node_nor_words_for_other_words() -> None:
    left, right = merkle.leaf((b"a",), 5), merkle.leaf((b"b",), 7)
    told = left.hash + (5).to_bytes(8, "big") + right.hash
    assert merkle.leaf((told,), 7).hash != merkle.join(left, right).hash
    assert merkle.leaf((b"ab", b"c"), 1) != merkle.leaf((b"a", b"bc"), 1)


def test_negative_sums_and_sums_beyond_the_ledger_are_refused() -> None:
    with pytest.raises(BadTree):
        merkle.leaf((b"a",), -1)
    with pytest.raises(BadTree):
        merkle.join(Node(bytes(32), merkle.MAX_SUM), Node(bytes(32), 1))


def test_an_odd_level_is_padded_with_nothing_and_counts_nobody_twice() -> None:
    leaves = [merkle.leaf((bytes([n]),), n) for n in range(1, 4)]
    assert merkle.grow(leaves)[-1][0].sum == 6


def test_neighbours_on_a_path_are_no_whole_balances_and_have_no_names() -> None:
    amounts = {100 + n: 10**15 + n for n in range(40)}
    _, files = made(amounts)
    text = msgspec.json.encode(files[0]).decode()
    seen = {int(step.sum) for file in files for part in file.assets["BTC"].parts for step in part.path[:1]}
    assert not seen & set(amounts.values())
    assert not [number for number in amounts if number != files[0].account and f"name{number}" in text]


def test_a_guessed_name_and_balance_can_not_be_tried_against_a_leaf() -> None:
    first, second = made({100: 900})[0], made({100: 900})[0]
    assert first.root.assets["BTC"].hash != second.root.assets["BTC"].hash  # 32 bytes of chance are in it
    assert len(hashlib.sha256().digest()) == len(first.trees["BTC"].levels[0][0].hash)
