"""The signer's own limits: a text that an operator wrote and sealed into the vault. The server cannot change a word."""

from __future__ import annotations

import tomllib
from typing import Final

import msgspec

from exchange.custody.derivation import BITCOIN_FORMS, EVM

EXAMPLE: Final = """\
[chains.BTC]
form = "bitcoin-mainnet"    # parameters of Bitcoin's family, or "evm"
identity = "000000000019…"  # hash of the genesis block, or the chain id
fee = "0.01"                # the most that one transaction may pay the network
fee_day = "0.1"             # and all of 24 hours
[chains.BTC.assets.BTC]
contract = ""               # a token's; empty for the chain's own coin
decimals = 8                # places of the amounts here
automatic = "0.1"           # up to this much nobody is asked,
automatic_day = "1"         # and so much in 24 hours
one_person = "1"            # up to this much one person approves; above, two
day = "20"                  # the most of 24 hours, whoever approves
"""

_MOST_DECIMALS: Final = 30
_COIN_DECIMALS: Final = {True: 18, False: 8}


class BadRules(Exception):
    """The text is no set of limits; the message lists every fault."""


class AssetRules(msgspec.Struct, frozen=True):
    """Of one asset, in the chain's smallest unit."""

    name: str
    decimals: int
    automatic: int
    automatic_day: int
    one_person: int
    day: int


class ChainRules(msgspec.Struct, frozen=True):
    """Of one chain. `fee`, `fee_day` and `top_up` are in the coin's smallest unit."""

    form: str
    identity: str
    fee: int
    fee_day: int
    top_up: int
    """The most that a deposit address may be given at once, to pay for its sweep (EVM)."""
    assets: dict[str, AssetRules]
    """By contract in lower case; "" is the chain's own coin."""

    def approvers_for(self, contract: str, amount: int) -> int:
        """How many people must have approved it: 0, 1 or 2. The asset is known."""
        asset = self.assets[contract]
        return 0 if amount <= asset.automatic else 1 if amount <= asset.one_person else 2


Rules = dict[str, ChainRules]


class _Asset(msgspec.Struct, forbid_unknown_fields=True):
    decimals: int
    automatic: str
    automatic_day: str
    one_person: str
    day: str
    contract: str = ""


class _Chain(msgspec.Struct, forbid_unknown_fields=True):
    form: str
    identity: str
    fee: str
    fee_day: str
    assets: dict[str, _Asset]
    top_up: str = "0"


class _Text(msgspec.Struct, forbid_unknown_fields=True):
    chains: dict[str, _Chain]


def read_rules(text: str) -> Rules:
    """The limits in `text`. Raises `BadRules`."""
    try:
        parsed = msgspec.convert(tomllib.loads(text), _Text)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadRules(f"the signer's rules: {error}") from error
    faults: list[str] = []
    rules = {name: _chain(name, chain, faults) for name, chain in parsed.chains.items()}
    if faults:
        raise BadRules("the signer's rules: " + "; ".join(faults))
    return rules


def _chain(name: str, chain: _Chain, faults: list[str]) -> ChainRules:
    where = f"chains.{name}"
    if chain.form != EVM and chain.form not in BITCOIN_FORMS:
        faults.append(f"{where}.form is {chain.form!r}, none of {', '.join([EVM, *BITCOIN_FORMS])}")
    if not chain.identity:
        faults.append(f"{where}.identity is empty")
    places = _COIN_DECIMALS[chain.form == EVM]
    fee, fee_day, top_up = (
        _amount(f"{where}.{field}", getattr(chain, field), places, faults) for field in ("fee", "fee_day", "top_up")
    )
    assets: dict[str, AssetRules] = {}
    for code, asset in chain.assets.items():
        contract = asset.contract.lower()
        if contract in assets:
            faults.append(f"{where}.assets.{code} has the contract of {assets[contract].name}")
        assets[contract] = _asset(f"{where}.assets.{code}", code, asset, faults)
    return ChainRules(chain.form, chain.identity, fee, fee_day, top_up, assets)


def _asset(where: str, code: str, asset: _Asset, faults: list[str]) -> AssetRules:
    if not 0 <= asset.decimals <= _MOST_DECIMALS:
        faults.append(f"{where}.decimals must be 0 to {_MOST_DECIMALS}")
        return AssetRules(code, 0, 0, 0, 0, 0)
    limits = [
        _amount(f"{where}.{field}", getattr(asset, field), asset.decimals, faults)
        for field in ("automatic", "automatic_day", "one_person", "day")
    ]
    if not limits[0] <= limits[2] <= limits[3]:
        faults.append(f"{where}: automatic ≤ one_person ≤ day is not so")
    return AssetRules(code, asset.decimals, *limits)


def _amount(where: str, text: str, places: int, faults: list[str]) -> int:
    try:
        return units(text, places)
    except ValueError as error:
        faults.append(f"{where} {error}")
        return 0


def units(text: str, places: int) -> int:
    """Decimal text in the smallest unit, exactly: wei do not fit 63 bits, so this is not the ledger's parser.

    Raises `ValueError`, worded to follow the name of the field.
    """
    whole, point, fraction = text.partition(".")
    if not (text.isascii() and whole.isdigit() and len(whole) <= _MOST_DECIMALS and (fraction.isdigit() or not point)):
        raise ValueError(f"is {text!r}, not a plain decimal number in quotes")
    fraction = fraction.rstrip("0")
    if len(fraction) > places:
        raise ValueError(f"has more than {places} decimal places")
    return int(whole + fraction.ljust(places, "0"))
