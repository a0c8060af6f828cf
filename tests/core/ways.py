"""Ways in and out for assets, wide open, for tests that want to talk of something else."""

from typing import Any

from exchange.core import commands as co
from exchange.core.networks import Network
from exchange.core.units import MAX_STORED, Amount, AssetId

NET = "NET"


def network(asset: int, **changed: Any) -> Network:
    """A network called NET: free, open both ways, everything approved by itself, confirmed by one block."""
    given: dict[str, Any] = {
        "asset": AssetId(asset),
        "name": NET,
        "chain_decimals": 18,
        "contract": f"0x{asset}",
        "automatic_limit": Amount(MAX_STORED >> 4),
        "one_person_limit": Amount(MAX_STORED >> 4),
        "deposits_open": True,
        "withdrawals_open": True,
    }
    return Network(**{**given, **changed})


def ways(*assets: int) -> list[co.Command]:
    """Those networks, and no limit that anybody would notice."""
    most = Amount(MAX_STORED)
    commands: list[co.Command] = []
    for asset in assets:
        commands += [co.SetNetwork(network(asset)), co.SetTierLimit(0, AssetId(asset), most, most)]
    return commands
