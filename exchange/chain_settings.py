"""`[chains.NAME]` of `exchange.toml`: one table per chain. NAME is what traders call the network."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

FAMILIES: Final = ("bitcoin", "evm", "memory")


class ChainSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One chain. Each field is documented in `CHAIN_HELP`, and a test fails when one is not."""

    family: str = ""
    parameters: str = ""
    chain_id: int = 0
    rpc_url: str = ""
    rpc_credentials_file: str = ""
    second_rpc_url: str = ""
    second_rpc_credentials_file: str = ""
    rpc_timeout_seconds: int = 10
    poll_milliseconds: int = 2_000
    first_block: int = 0
    reorg_limit_blocks: int = 100
    stale_after_seconds: int = 7_200
    address_pool: int = 200
    fee_ceiling: int = 0
    payout_final_blocks: int = 6
    reconcile_every_blocks: int = 10
    explorer_url: str = ""


CHAIN_HELP: Final = {
    "family": "What kind of chain it is: bitcoin (also Litecoin), evm, or memory (no node; for demos only).",
    "parameters": "Of family bitcoin: bitcoin-mainnet, bitcoin-regtest, litecoin-mainnet and so on.",
    "chain_id": "Of family evm: the chain id that the node must name.",
    "rpc_url": "The node's address for JSON-RPC, without credentials. Bitcoin nodes: with txindex=1, not pruned.",
    "rpc_credentials_file": "File with user:password for it (or the node's cookie file), readable by its owner alone.",
    "second_rpc_url": "A second, independent node: nothing is credited that it does not say too.",
    "second_rpc_credentials_file": "The same for the second node.",
    "rpc_timeout_seconds": "How long one call to a node may take.",
    "poll_milliseconds": "How often a node is asked for new blocks.",
    "first_block": "The first block to read, on the very first start; 0: the one after the node's newest then.",
    "reorg_limit_blocks": "A reorganisation deeper than this stops the chain until an operator has looked.",
    "stale_after_seconds": "A newest block older than this is an alarm: the node may have lost its peers.",
    "address_pool": "Deposit addresses that are made ahead of need.",
    "fee_ceiling": "The most to pay the network: satoshi per virtual byte, or wei per gas; 0: the family's own.",
    "payout_final_blocks": "A withdrawal so many blocks deep is final, and settled in the ledger.",
    "reconcile_every_blocks": "After so many blocks what the node says we have is compared with books and ledger.",
    "explorer_url": "A public explorer's page that an address is put behind: https://explorer.example/address/ or so.",
}

_EXPLORER: Final = re.compile(r"https?://[A-Za-z0-9.:-]+/[!-~]*")
_NAME: Final = re.compile(r"[A-Z][A-Z0-9]{0,15}")
_MAY_BE_ZERO: Final = {"chain_id", "first_block", "fee_ceiling"}


def faults_of_chains(content: object) -> Iterator[str]:
    """Every fault of the parsed `[chains]`, in words."""
    if not isinstance(content, dict):
        yield "chains must be tables like [chains.BTC]"
        return
    for name, table in content.items():
        place = f"chains.{name}"
        if not _NAME.fullmatch(name):
            yield f"{place}: a chain's name is 1 to 16 capital letters and digits, a letter first"
        if not isinstance(table, dict):
            yield f"{place} must be a table"
            continue
        yield from _faults_of_one(place, table)


def _faults_of_one(place: str, table: Mapping[str, object]) -> Iterator[str]:
    kinds = {field.name: field.type for field in msgspec.structs.fields(ChainSettings)}
    sound = True
    for name, value in table.items():
        kind = kinds.get(name)
        fault = ""
        if kind is None:
            fault = f"unknown key '{place}.{name}' (known: {', '.join(kinds)})"
        elif type(value) is not kind:
            fault = f"{place}.{name} must be {getattr(kind, '__name__', kind)}, not {value!r}"
        elif isinstance(value, int) and value < (0 if name in _MAY_BE_ZERO else 1):
            fault = f"{place}.{name} must be at least {0 if name in _MAY_BE_ZERO else 1}, not {value}"
        if fault:
            sound = False
            yield fault
    if sound:
        yield from _misfits(place, msgspec.convert(table, ChainSettings))


def _misfits(place: str, chain: ChainSettings) -> Iterator[str]:
    """What does not go together."""
    if chain.family not in FAMILIES:
        yield f"{place}.family must be one of {', '.join(FAMILIES)}, not {chain.family!r}"
        return
    if chain.family == "memory":
        return
    if not chain.rpc_url:
        yield f"{place}.rpc_url is missing: where is the node?"
    if chain.explorer_url and not _EXPLORER.fullmatch(chain.explorer_url):
        yield f"{place}.explorer_url is like https://explorer.example/address/, and not {chain.explorer_url!r}"
    for name in ("rpc_url", "second_rpc_url"):
        url = getattr(chain, name)
        if url and not url.startswith(("http://", "https://")):
            yield f"{place}.{name} must begin with http:// or https://, not {url!r}"
        elif "@" in url:
            yield f"{place}.{name} must not hold credentials: put them into {name.replace('url', 'credentials_file')}"
    if chain.family == "bitcoin" and not chain.parameters:
        yield f"{place}.parameters is missing: bitcoin-mainnet, litecoin-mainnet, …"
    if chain.family == "evm" and not chain.chain_id:
        yield f"{place}.chain_id is missing"


def chain_example() -> list[str]:
    """Lines of a commented `[chains.BTC]` for the example file."""
    lines = [
        "## One table per chain; its name is what traders call the network. Without any, money comes by hand only."
    ]
    lines.append("## [chains.BTC]")
    for field in msgspec.structs.fields(ChainSettings):
        shown = f'"{field.default}"' if isinstance(field.default, str) else field.default
        lines += [f"## {CHAIN_HELP[field.name]}", f"## {field.name} = {shown}"]
    return [*lines, ""]
