"""`exchange cold export | import`: refilling the hot wallet with keys that are on no machine of ours.

Both talk to the chain's node and to nobody else: the watcher sees what came of it by itself.
"""

from __future__ import annotations

import argparse
import base64
import binascii
from pathlib import Path

import msgspec
import trio

from exchange.chain_settings import ChainSettings
from exchange.cli_people.tables import fail, say
from exchange.cli_wallet.making import SIGNER
from exchange.custody.bitcoin.chain import BitcoinChain
from exchange.custody.bitcoin.networks import NETWORKS
from exchange.custody.bitcoin.spending import BitcoinSpending, Quote
from exchange.custody.derivation import EVM, addresses, read_xpub
from exchange.custody.evm.chain import Evm
from exchange.custody.port import Chain, Handed, Owned, Purpose
from exchange.custody.rpc import Rpc
from exchange.custody.signer.folder import Folder, Wallet, read_public
from exchange.custody.signer.rules import units
from exchange.custody.treasury import cold_bitcoin, cold_evm
from exchange.custody.treasury.cold import cold_addresses
from exchange.custody.treasury.cold_bitcoin import NotTheSame, Returned
from exchange.custody.wallet import WalletRefused
from exchange.settings import load

_LONG: int = 600
"""Seconds: a node may search its whole set of coins."""


class _Chain(msgspec.Struct, frozen=True):
    """One chain of the settings, with the wallet that the signer's folder tells."""

    name: str
    settings: ChainSettings
    wallet: Wallet
    folder: Path

    @property
    def hot(self) -> str:
        """Where a refill goes."""
        ((_, address),) = addresses(self.wallet.form, read_xpub(self.wallet.xpub(Purpose.HOT)), 0, range(1))
        return address

    @property
    def said(self) -> str:
        """What the operator said of the cold wallet. Raises `WalletRefused`."""
        if not self.wallet.cold:
            raise WalletRefused(f"{self.name} has no cold wallet: `exchange wallet import-xpub`. Nothing was written.")
        return self.wallet.cold[0]

    def rpc(self) -> Rpc:
        """The chain's node."""
        login = self.settings.rpc_credentials_file
        file = self.folder / login if login else None
        return Rpc(self.settings.rpc_url, login_file=file, timeout_seconds=_LONG)


def export(arguments: argparse.Namespace) -> int:
    """`exchange cold export`."""
    chain = _chain(arguments)
    asset = arguments.asset or arguments.chain
    listed = chain.wallet.assets.get(asset)
    if listed is None:
        known = ", ".join(chain.wallet.assets)
        return fail(f"the signer's rules know no {asset} on {chain.name} (there are: {known}). Nothing was written.")
    try:
        amount = units(arguments.amount, listed.decimals)
    except ValueError as error:
        return fail(f"the amount {error}. Nothing was written.")
    content = trio.run(_exported, chain, amount, listed.contract)
    with arguments.out.open("xb") as file:
        file.write(content)
    say(f"{arguments.out}: {arguments.amount} {asset} from cold to {chain.hot}. Sign it where the keys are, then:")
    say(f"exchange cold import {chain.name} {arguments.out} SIGNED --dir {arguments.dir}")
    return 0


async def _exported(chain: _Chain, amount: int, contract: str) -> bytes:
    with chain.rpc() as rpc:
        form = chain.wallet.form
        if form == EVM:
            home = cold_addresses(form, chain.said, 1)[0]
            return await cold_evm.export(rpc, chain.settings.chain_id, home, chain.hot, amount, contract)
        spending = BitcoinSpending(chain.name, NETWORKS[form], rpc, _no_key, chain.settings.fee_ceiling * 1_000)
        rate = msgspec.json.decode(await spending.quote(()), type=Quote).rate
        return base64.b64encode(await cold_bitcoin.export(rpc, form, chain.said, chain.hot, amount, rate)) + b"\n"


def _no_key(owned: Owned) -> bytes:
    raise WalletRefused(f"the key of {owned.address} is elsewhere")


def import_signed(arguments: argparse.Namespace) -> int:
    """`exchange cold import`."""
    chain = _chain(arguments)
    exported, signed = arguments.exported.read_bytes(), arguments.signed.read_bytes()
    try:
        back = _returned(chain, exported, signed)
    except NotTheSame as error:
        return fail(f"{error}. It was not sent.")
    handed = trio.run(_hand, chain, back.raw)
    if handed not in (Handed.ACCEPTED, Handed.KNOWN):
        return fail(f"the node does not take it ({handed.name.lower()}): its coins may be spent, or its fee too low.")
    say(f"{back.txid} is what went out, signed, and is sent.")
    return 0


def _returned(chain: _Chain, exported: bytes, signed: bytes) -> Returned:
    form = chain.wallet.form
    if form == EVM:
        ours = [chain.hot, *cold_addresses(form, chain.said, 1)]
        contracts = [listed.contract for listed in chain.wallet.assets.values() if listed.contract]
        return cold_evm.returned(exported, signed.decode(errors="replace"), ours, contracts)
    ours = [chain.hot, *cold_addresses(form, chain.said, cold_bitcoin.SEARCHED)]
    return cold_bitcoin.returned(form, _bytes(exported), _bytes(signed), ours)


def _bytes(content: bytes) -> bytes:
    """A PSBT or transaction as it is, in base64 or in hexadecimal."""
    if content.startswith(b"psbt\xff"):
        return content
    text = content.strip()
    try:
        return bytes.fromhex(text.decode("ascii"))
    except ValueError:
        pass
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise NotTheSame("this is no PSBT and no transaction") from error


async def _hand(chain: _Chain, raw: bytes) -> Handed:
    with chain.rpc() as rpc:
        node: Chain
        if chain.wallet.form == EVM:
            node = Evm(chain.name, chain.settings.chain_id, rpc, frozenset)
        else:
            node = BitcoinChain(chain.name, NETWORKS[chain.wallet.form], rpc)
        await node.check()
        return await node.hand(raw)


def _chain(arguments: argparse.Namespace) -> _Chain:
    settings, public = load(arguments.dir), read_public(Folder(arguments.dir / SIGNER))
    name = arguments.chain
    if name not in settings.chains or name not in public.wallets:
        known = ", ".join(settings.chains.keys() & public.wallets.keys()) or "none"
        raise WalletRefused(f"no chain {name} with a node and a wallet (there are: {known}). Nothing was done.")
    return _Chain(name, settings.chains[name], public.wallets[name], arguments.dir)
