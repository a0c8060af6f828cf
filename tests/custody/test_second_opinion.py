"""Two implementations on one key: they agree, and what they disagree on is not used."""

from __future__ import annotations

import pytest
from eth_account import Account
from eth_account.hdaccount import key_from_seed

from exchange.custody import second_opinion
from exchange.custody.derivation import EVM, account_path
from exchange.custody.second_opinion import Disagreement, Question, agreed
from exchange.custody.signer.seed import seed_of
from tests.custody.signing_kit import ENTROPY, TREE


@pytest.mark.parametrize("form", ["bitcoin-mainnet", "bitcoin-regtest", "litecoin-mainnet", "litecoin-regtest", EVM])
def test_bitcoinlib_and_our_derivation_agree_on_the_first_twenty(form: str) -> None:
    assert len(set(agreed(form, TREE.below(account_path(form, 0)).xpub()))) == 20


def test_eth_account_agrees_from_the_seed() -> None:
    ours = agreed(EVM, TREE.below(account_path(EVM, 1)).xpub())
    seed = seed_of(ENTROPY)
    theirs = [Account.from_key(key_from_seed(seed, f"m/44'/60'/1'/0/{index}")).address for index in range(20)]
    assert ours == theirs


def test_a_key_on_which_they_differ_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def lying(question: Question) -> list[str]:
        told = asked(question)
        return [*told[:19], told[0]]

    asked = second_opinion._asked
    monkeypatch.setattr(second_opinion, "_asked", lying)
    with pytest.raises(Disagreement, match="address 19 is"):
        agreed("bitcoin-mainnet", TREE.below(account_path("bitcoin-mainnet", 0)).xpub())
