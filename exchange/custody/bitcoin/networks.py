"""Chains of Bitcoin's family by their parameters: what differs between Bitcoin and Litecoin, and nothing else does."""

from __future__ import annotations

from typing import Final

import msgspec


class Network(msgspec.Struct, frozen=True):
    """One chain. Fee rates are in the smallest unit per 1,000 virtual bytes.

    `fallback_rate` is paid where the node's estimator knows nothing yet, `floor_rate` at least, and `ceiling_rate` is
    never passed unless the settings say otherwise. `dust_rate` is what nodes reckon with when they call an output dust.
    `to_key` and `to_script` are the version bytes of old addresses. `refused` is how addresses begin that exist on this
    chain and that we do not pay, and what they are.
    """

    parameters: str
    genesis: str
    prefix: str
    to_key: bytes
    to_script: bytes
    fallback_rate: int = 10_000
    floor_rate: int = 1_000
    ceiling_rate: int = 500_000
    dust_rate: int = 3_000
    refused: tuple[str, str] = ("", "")


# Litecoin's script addresses begin with M here. Those that begin with 3, which it took once, are refused: nobody can
# tell them from Bitcoin's.
_LITECOIN_DUST: Final = 30_000
_HIDDEN: Final = "an MWEB address, whose payments cannot be seen from outside"

NETWORKS: Final = {
    network.parameters: network
    for network in (
        Network(
            "bitcoin-mainnet",
            "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
            "bc",
            b"\x00",
            b"\x05",
        ),
        Network(
            "bitcoin-testnet",
            "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943",
            "tb",
            b"\x6f",
            b"\xc4",
        ),
        Network(
            "bitcoin-signet",
            "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
            "tb",
            b"\x6f",
            b"\xc4",
        ),
        Network(
            "bitcoin-regtest",
            "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
            "bcrt",
            b"\x6f",
            b"\xc4",
        ),
        Network(
            "litecoin-mainnet",
            "12a765e31ffd4059bada1e25190f6e98c99d9714d334efa41a195a7e7e04bfe2",
            "ltc",
            b"\x30",
            b"\x32",
            dust_rate=_LITECOIN_DUST,
            refused=("ltcmweb1", _HIDDEN),
        ),
        Network(
            "litecoin-testnet",
            "4966625a4b2851d9fdee139e56211a0d88575f59ed816ff5e6a63deb4e3e29a0",
            "tltc",
            b"\x6f",
            b"\x3a",
            dust_rate=_LITECOIN_DUST,
            refused=("tmweb1", _HIDDEN),
        ),
        Network(
            "litecoin-regtest",
            "530827f38f93b43ed12af0b3ad25a288dc02ed74d6d7857862df51fc56c416f9",
            "rltc",
            b"\x6f",
            b"\x3a",
            dust_rate=_LITECOIN_DUST,
            refused=("tmweb1", _HIDDEN),
        ),
    )
}
"""By the name in `parameters` of `exchange.toml`."""
