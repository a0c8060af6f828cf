"""Addresses from extended public keys: the published examples, other people's libraries, and what is no xpub."""

from __future__ import annotations

import pytest
from embit import bip32, bip39, script
from embit.networks import NETWORKS
from eth_account import Account
from eth_account.hdaccount import key_from_seed

from exchange.custody.derivation import (
    BITCOIN_FORMS,
    EVM,
    HARD,
    BadXpub,
    account_path,
    addresses,
    path,
    path_text,
    place,
    read_xpub,
)
from exchange.custody.port import Purpose

SEED = bip39.mnemonic_to_seed("abandon " * 11 + "about")
ROOT = bip32.HDKey.from_seed(SEED)
OURS = (Purpose.DEPOSIT, Purpose.HOT, Purpose.CHANGE, Purpose.GAS)


def account(form: str, number: int = 0) -> str:
    return str(ROOT.derive(list(account_path(form, number))).to_public().to_base58())


def first(form: str, branch: int, count: int) -> list[str]:
    return [text for _, text in addresses(form, read_xpub(account(form)), branch, range(count))]


def test_bitcoin_addresses_are_those_of_bip84() -> None:
    assert first("bitcoin-mainnet", 0, 2) == [
        "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",
        "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g",
    ]
    assert first("bitcoin-mainnet", 1, 1) == ["bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el"]


@pytest.mark.parametrize(("form", "network"), [("bitcoin-mainnet", "main"), ("bitcoin-regtest", "regtest")])
def test_a_hundred_addresses_agree_with_embit(form: str, network: str) -> None:
    key = ROOT.derive(list(account_path(form, 0))).to_public().derive([0])
    theirs = [script.p2wpkh(key.derive([index])).address(NETWORKS[network]) for index in range(100)]
    assert first(form, 0, 100) == theirs


def test_a_litecoin_address_is_the_published_one() -> None:
    assert first("litecoin-mainnet", 0, 1) == ["ltc1qjmxnz78nmc8nq77wuxh25n2es7rzm5c2rkk4wh"]


def test_twenty_evm_addresses_agree_with_eth_account() -> None:
    theirs = [Account.from_key(key_from_seed(SEED, f"m/44'/60'/0'/0/{index}")).address for index in range(20)]
    assert first(EVM, 0, 20) == theirs


@pytest.mark.parametrize("form", [*BITCOIN_FORMS, EVM])
@pytest.mark.parametrize("purpose", OURS)
def test_a_path_leads_back_to_purpose_and_index(form: str, purpose: Purpose) -> None:
    assert place(form, path(form, purpose, 7)) == (purpose, 7)


@pytest.mark.parametrize("steps", [(), (84 + HARD,), (84 + HARD, HARD, HARD, 0, HARD), (84 + HARD, HARD, HARD, 2, 0)])
def test_a_path_that_we_do_not_use_leads_nowhere(steps: tuple[int, ...]) -> None:
    assert place("bitcoin-mainnet", steps) is None


def test_a_path_is_written_as_people_write_it() -> None:
    assert path_text(path("litecoin-mainnet", Purpose.CHANGE, 5)) == "m/84'/2'/1'/1/5"


def test_an_xpub_comes_back_as_it_was_read() -> None:
    text = account("bitcoin-mainnet")
    assert read_xpub(text).text() == text
    zpub = ROOT.derive(list(account_path("bitcoin-mainnet", 0))).to_public().to_base58(version=NETWORKS["main"]["zpub"])
    assert read_xpub(zpub).text() == text


def test_a_private_key_is_refused_by_name_and_not_repeated() -> None:
    secret = str(ROOT.to_base58())
    with pytest.raises(BadXpub, match="PRIVATE") as refused:
        read_xpub(secret)
    assert secret[4:] not in str(refused.value)


@pytest.mark.parametrize("text", ["", "xpub", "0x00", "xpub" * 30, "é", account(EVM)[:-1] + "1"])
def test_what_is_no_xpub_is_refused(text: str) -> None:
    with pytest.raises(BadXpub):
        read_xpub(text)


def test_progress_is_told_every_thousand_and_at_the_end() -> None:
    told: list[tuple[int, int]] = []
    places = range(5, 1_505)
    rows = list(addresses(EVM, read_xpub(account(EVM)), 0, places, lambda done, total: told.append((done, total))))
    assert told == [(1_000, 1_500), (1_500, 1_500)]
    assert [index for index, _ in rows] == list(places)
