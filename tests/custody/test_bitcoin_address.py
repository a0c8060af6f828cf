"""Addresses of Bitcoin's family: what can certainly be paid is known, and everything else refused in words."""

from __future__ import annotations

import pytest
from embit.networks import NETWORKS as EMBIT
from embit.script import Script
from hypothesis import given
from hypothesis import strategies as st

from exchange.custody.bitcoin.address import dust, normal, script_of
from exchange.custody.bitcoin.networks import NETWORKS
from exchange.custody.derivation import BITCOIN_FORMS
from exchange.custody.port import BadAddress
from exchange.custody.signer import bitcoin as signer_bitcoin

MAIN, LTC = NETWORKS["bitcoin-mainnet"], NETWORKS["litecoin-mainnet"]
SEGWIT = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
TAPROOT = "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"

GOOD = [
    ("bitcoin-mainnet", SEGWIT, "0014751e76e8199196d454941c45d1b3a323f1433bd6"),
    ("bitcoin-mainnet", SEGWIT.upper(), "0014751e76e8199196d454941c45d1b3a323f1433bd6"),
    ("bitcoin-mainnet", TAPROOT, "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"),
    (
        "bitcoin-testnet",
        "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
        "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
    ),
    ("bitcoin-mainnet", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac"),
    ("bitcoin-mainnet", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "a914b472a266d0bd89c13706a4132ccfb16f7c3b9fcb87"),
    ("litecoin-mainnet", "LVg2kJoFNg45Nbpy53h7Fe1wKyeXVRhMH9", None),
    ("litecoin-mainnet", "MQMcJhpWHYVeQArcZR3sBgyPZxxRtnH441", None),
]

BAD = [
    (MAIN, SEGWIT[:-1] + "5", "checksum"),
    (MAIN, SEGWIT[:-1], "checksum"),
    (MAIN, SEGWIT[:20] + SEGWIT[20:].upper(), "mixes"),
    (MAIN, "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "another network"),
    (MAIN, "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", "another network"),
    (MAIN, "ltc1qw508d6qejxtdg4y5r3zarvary0c5xw7kgmn4n9", "another network"),
    (MAIN, "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "another network"),
    (MAIN, "LVg2kJoFNg45Nbpy53h7Fe1wKyeXVRhMH9", "another network"),
    (MAIN, "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "checksum"),
    (MAIN, "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y", "not supported"),
    (MAIN, "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "not supported"),
    (MAIN, "0x52908400098527886E0F7030069857D2E4169EE7", "checksum"),
    (MAIN, "", "length"),
    (MAIN, "1" * 200, "length"),
    (MAIN, " " + SEGWIT, "characters"),
    (MAIN, SEGWIT + "\n", "characters"),
    (MAIN, "bc1qр508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "characters"),
    (LTC, "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "another network"),
    (LTC, "ltcmweb1qq2ykmz5nx4fyqnnuhx5ekjs5pqkjqe", "not supported"),
    (LTC, SEGWIT, "another network"),
]


@pytest.mark.parametrize(("parameters", "text", "script"), GOOD)
def test_an_address_stands_for_its_script(parameters: str, text: str, script: str | None) -> None:
    """As the published vectors say, and as the signer, which reads addresses for itself, understands it."""
    found = script_of(NETWORKS[parameters], text)
    assert script in {None, found.hex()}
    assert signer_bitcoin.script_of(parameters, text) == found


@pytest.mark.parametrize(("network", "text", "why"), BAD, ids=[text[:20] for _, text, _ in BAD])
def test_what_cannot_certainly_be_paid_is_refused_and_said_why(network: object, text: str, why: str) -> None:
    with pytest.raises(BadAddress, match=why):
        normal(network, text)  # type: ignore[arg-type]


@given(st.integers(0, len(SEGWIT) - 1), st.characters(min_codepoint=33, max_codepoint=126))
def test_no_single_mistyped_character_makes_another_address(place: int, typed: str) -> None:
    """Of a bech32 address, whose checksum promises that."""
    text = SEGWIT[:place] + typed + SEGWIT[place + 1 :]
    if text != SEGWIT:
        with pytest.raises(BadAddress):
            normal(MAIN, text)


@given(st.text(max_size=120))
def test_no_text_does_worse_than_being_refused(text: str) -> None:
    with pytest.raises(BadAddress):
        normal(LTC, text)


def test_capital_letters_are_written_small() -> None:
    assert normal(MAIN, SEGWIT.upper()) == SEGWIT


def test_dust_is_what_nodes_call_dust() -> None:
    """Bitcoin's own figures, which every manual has."""
    texts = ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", SEGWIT, TAPROOT]
    assert [dust(MAIN, script_of(MAIN, text)) for text in texts] == [546, 540, 294, 330]


def test_the_table_agrees_with_that_of_derivation_and_with_a_librarys() -> None:
    assert {name: network.prefix for name, network in NETWORKS.items()} == {
        name: prefix for name, (prefix, _) in BITCOIN_FORMS.items()
    }
    for name, theirs in (("bitcoin-mainnet", "main"), ("bitcoin-testnet", "test"), ("bitcoin-regtest", "regtest")):
        script = Script(script_of(NETWORKS[name], Script(bytes((0, 20)) + bytes(20)).address(EMBIT[theirs])))
        assert script.address(EMBIT[theirs]).startswith(NETWORKS[name].prefix)
        assert (EMBIT[theirs]["p2pkh"], EMBIT[theirs]["p2sh"]) == (NETWORKS[name].to_key, NETWORKS[name].to_script)
