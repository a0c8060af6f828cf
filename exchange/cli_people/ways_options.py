"""The commands about ways in and out: how they are called. What they do is in `ways`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    Subparsers = argparse._SubParsersAction  # noqa: SLF001  # argparse gives the type no public name
    Group = Callable[[Subparsers[argparse.ArgumentParser], str, str], Subparsers[argparse.ArgumentParser]]
    Verb = Callable[[Subparsers[argparse.ArgumentParser], str, str, str], argparse.ArgumentParser]
    Listed = Callable[[argparse.ArgumentParser, str], None]

_DOORS: Final = ("open", "closed")


def add_ways(
    commands: Subparsers[argparse.ArgumentParser],
    group: Group,
    verb: Verb,
    list_options: Listed,
) -> None:
    """Add `network`, `tier` and `payouts`, made as the other commands of this room are."""
    _networks(
        group(commands, "network", "List and set the networks over which assets come and go."), verb, list_options
    )
    _tiers(
        group(commands, "tier", "List and set what tiers pay and may withdraw."),
        verb,
        list_options,
    )
    _payouts(group(commands, "payouts", "Shut payouts, open them again, see what is shut."), verb, list_options)


def _networks(verbs: Subparsers[argparse.ArgumentParser], verb: Verb, list_options: Listed) -> None:
    every = verb(verbs, "network list", "List networks and their terms.", "exchange network list --match BTC --csv")
    list_options(every, "asset or network")
    about = "List a network of an asset, or change the terms that are given; a new one is closed both ways."
    example = "exchange network set BTC BTC --decimals 8 --fee 0.0001 --minimum 0.001 --confirmations 0:2 1:6"
    one = verb(verbs, "network set", about, example)
    one.add_argument("asset", help="the asset's code")
    one.add_argument("network", help="the chain's name in exchange.toml: capital letters and digits")
    one.add_argument("--contract", help="the token's contract on that chain (default: the chain's own coin)")
    one.add_argument("--decimals", type=int, help="how many decimals it has on that chain; needed for a new one")
    one.add_argument("--fee", help="what a withdrawal costs, out of its amount")
    one.add_argument("--minimum", help="the smallest withdrawal, its fee counted in")
    one.add_argument("--deposit-minimum", help="the smallest deposit that is credited by itself")
    steps = "how many blocks deposits wait for, from which amount on; the first from 0"
    one.add_argument("--confirmations", nargs="+", metavar="AMOUNT:BLOCKS", help=steps)
    one.add_argument("--automatic", metavar="AMOUNT", help="up to this a withdrawal needs nobody's approval")
    one.add_argument("--one-person", metavar="AMOUNT", help="up to this it needs one operator's, beyond it two")
    one.add_argument("--deposits", choices=_DOORS, help="whether deposits are taken")
    one.add_argument("--withdrawals", choices=_DOORS, help="whether withdrawals may be asked for")


def _tiers(verbs: Subparsers[argparse.ArgumentParser], verb: Verb, list_options: Listed) -> None:
    every = verb(verbs, "tier list", "List what tiers may withdraw.", "exchange tier list --match BTC --csv")
    list_options(every, "tier or asset")
    about = "Set what accounts of a tier may withdraw; tier 0's limit is that of all tiers without one of their own."
    one = verb(verbs, "tier limit", about, "exchange tier limit 0 BTC --day 2 --month 20")
    one.add_argument("tier", type=int, help="the tier's number")
    one.add_argument("asset", help="the asset's code")
    one.add_argument("--day", required=True, metavar="AMOUNT", help="so much in any 24 hours; 0: nothing")
    one.add_argument("--month", required=True, metavar="AMOUNT", help="so much in any 30 days")
    about = "List the fees of tiers; where a market has none for a tier, its own fees count."
    list_options(verb(verbs, "tier fees", about, "exchange tier fees --match BTCUSDT --csv"), "tier or market")
    about = "Set what accounts of a tier pay in a market, in millionths of what they receive."
    fee = verb(verbs, "tier fee", about, "exchange tier fee 1 BTCUSDT --maker-ppm 500 --taker-ppm 800")
    fee.add_argument("tier", type=int, help="the tier's number")
    fee.add_argument("symbol", help="the market's symbol")
    fee.add_argument("--maker-ppm", type=int, required=True, metavar="PPM", help="1000 is 0.1 %%")
    fee.add_argument("--taker-ppm", type=int, required=True, metavar="PPM", help="the same for takers")


def _payouts(verbs: Subparsers[argparse.ArgumentParser], verb: Verb, list_options: Listed) -> None:
    every = verb(verbs, "payouts list", "List what is shut, and why.", "exchange payouts list --csv")
    list_options(every, "asset or reason")
    for does, about in (
        ("shut", "Shut payouts: nobody can ask for more, and nothing more is begun."),
        ("open", "Open payouts again, once everything has been looked at."),
    ):
        example = f"exchange payouts {does} --asset BTC --reason looked-at"
        one = verb(verbs, f"payouts {does}", about, example)
        one.add_argument("--asset", default="", metavar="CODE", help="of this asset only (default: of all)")
        one.add_argument("--reason", required=True, help="for the journal, and for whoever looks next")
        if does == "open":
            looked_up = "so many that the signer signed and the books do not know were looked up (default: 0)"
            one.add_argument("--looked-up", type=int, default=0, metavar="N", help=looked_up)
