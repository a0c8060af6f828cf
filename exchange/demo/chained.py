"""What `exchange demo --chains` adds: chains of its own, a wallet that it unlocks itself, networks, and coins in it.

The chains begin anew with each start, and with them custody.db and the wallet; balances stay. What was still on its way
out then goes back to its owner.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec
import trio

from exchange.app import House
from exchange.clock import Clock
from exchange.core import commands as co
from exchange.core.market import Asset
from exchange.core.networks import Network
from exchange.core.units import Amount
from exchange.custody import wallet
from exchange.custody.bitcoin.networks import NETWORKS
from exchange.custody.custody import CUSTODY, SIGNER
from exchange.custody.deposits.pool import Pool
from exchange.custody.port import Purpose
from exchange.custody.signer.client import seal
from exchange.custody.signer.folder import Folder, read_public
from exchange.custody.signing import Refused
from exchange.demo.outside import BTC, CHAIN_ID, ETH, TOKEN, Outside, outside
from exchange.settings import Settings

BLOCK_SECONDS: Final = 2
CONFIRMATIONS: Final = 2
_PASSPHRASE_CHARS: Final = 32
_VAULT_BYTES: Final = 16 << 20
_TOKEN_DECIMALS: Final = 6
_HOT: Final = {BTC: 50 * 10**8, ETH: 500 * 10**18, TOKEN: 1_000_000 * 10**_TOKEN_DECIMALS}
"""What the hot wallet begins with, in the chains' units."""
_GAS: Final = 10**18
"""In the tank that pays for moving tokens."""
_HOT_PARTS: Final = 4
_RULES: Final = """\
[chains.BTC]
form = "{form}"
identity = "{identity}"
fee = "0.1"
fee_day = "10"
[chains.BTC.assets.BTC]
decimals = 8
automatic = "1"
automatic_day = "1000"
one_person = "10"
day = "1000"
[chains.ETH]
form = "evm"
identity = "{chain_id}"
fee = "1"
fee_day = "100"
top_up = "1"
[chains.ETH.assets.ETH]
decimals = 18
automatic = "10"
automatic_day = "10000"
one_person = "100"
day = "10000"
[chains.ETH.assets.USDT]
contract = "{token}"
decimals = 6
automatic = "10000"
automatic_day = "10000000"
one_person = "100000"
day = "10000000"
"""


class Way(msgspec.Struct, frozen=True):
    """A network of the demo, in whole tenths of thousandths of the asset."""

    asset: str
    chain: str
    chain_decimals: int
    fee: int
    least: int
    deposit_least: int
    automatic: int


WAYS: Final = (
    Way(BTC, BTC, 8, fee=1, least=10, deposit_least=1, automatic=10_000),
    Way(ETH, ETH, 18, fee=10, least=100, deposit_least=1, automatic=100_000),
    Way(TOKEN, ETH, _TOKEN_DECIMALS, fee=10_000, least=100_000, deposit_least=100, automatic=100_000_000),
)
_PARTS: Final = 10_000


class Chained:
    """The chains of one run of the demo."""

    def __init__(self, out: Outside, passphrase: bytes) -> None:
        """`passphrase` opens the wallet that was made for this run; nobody else knows it, and it is written nowhere."""
        self.out = out
        self._passphrase = passphrase

    @property
    def in_memory(self) -> bool:
        """Whether there are no real nodes."""
        return bool(self.out.worlds)

    async def furnish(self, house: House) -> None:
        """Networks, limits, an unlocked signer, and coins in the hot wallets. The house is running."""
        for way in WAYS:
            await self._set_network(house, way)
        if self.in_memory:
            for line in house.custody.lines.values():
                for purpose in (Purpose.DEPOSIT, Purpose.HOT, Purpose.CHANGE):
                    await line.pool.add_wallet(purpose, "demo")
        else:
            await self._unlock(house)
        for way in WAYS:
            hot = await _own_address(house.custody.lines[way.chain].pool, Purpose.HOT)
            for _ in range(_HOT_PARTS):
                await self.out.pay(way.asset, hot, _HOT[way.asset] // _HOT_PARTS)
        if not self.in_memory:
            await self.out.pay(ETH, await _own_address(house.custody.lines[ETH].pool, Purpose.GAS), _GAS)
        for _ in range(CONFIRMATIONS):
            await self.out.mine()

    async def _set_network(self, house: House, way: Way) -> None:
        asset = await house.sequencer.read(lambda state: state.asset_by_code(way.asset))
        assert asset is not None, "the demo lists it"
        contract = self.out.token if way.asset == TOKEN else ""
        wanted = _network(way, asset, contract)
        known = await house.sequencer.read(lambda state: state.networks.get(wanted.key))
        if known is not None and known.contract != contract:
            shut = msgspec.structs.replace(known, deposits_open=False, withdrawals_open=False)
            await _done(house, co.SetNetwork(shut))
        most = Amount(1_000_000 * 10**asset.decimals)
        await _done(house, co.SetNetwork(wanted), co.SetTierLimit(0, asset.id, most, most))

    async def _unlock(self, house: House) -> None:
        """As `exchange wallet unlock` does it."""
        looked = await house.signer.look()
        identity = bytes.fromhex(read_public(Folder(house.folder / SIGNER)).identity)
        answer = await house.signer.unlock(seal(self._passphrase, looked.box, looked.proof, identity))
        assert not isinstance(answer, Refused), answer

    async def mine(self) -> None:
        """A block on each chain every two seconds, for ever."""
        while True:
            await trio.sleep(BLOCK_SECONDS)
            await self.out.mine()


@asynccontextmanager
async def chains(folder: Path, settings: Settings, clock: Clock) -> AsyncIterator[tuple[Chained, Settings]]:
    """The chains, and the settings that name them; a new wallet in `folder`, whose house is not open."""
    async with outside() as out:
        _forget(folder)
        passphrase = clock.token(_PASSPHRASE_CHARS).encode()
        if not out.worlds:
            form = out.settings[BTC].parameters
            rules = _RULES.format(form=form, identity=NETWORKS[form].genesis, chain_id=CHAIN_ID, token=out.token)
            wallet.make(folder / SIGNER, passphrase, rules, clock, memory=_VAULT_BYTES)
        yield Chained(out, passphrase), msgspec.structs.replace(settings, chains=dict(out.settings))


def _forget(folder: Path) -> None:
    """The chains of the last run are gone, and so is what was known of them."""
    for file in folder.glob(f"{CUSTODY}*"):
        file.unlink()
    shutil.rmtree(folder / SIGNER, ignore_errors=True)


def _network(way: Way, asset: Asset, contract: str) -> Network:
    part = 10**asset.decimals // _PARTS
    return Network(
        asset=asset.id,
        name=way.chain,
        chain_decimals=way.chain_decimals,
        contract=contract,
        withdrawal_fee=Amount(way.fee * part),
        withdrawal_min=Amount(way.least * part),
        deposit_min=Amount(way.deposit_least * part),
        confirmations=((Amount(0), CONFIRMATIONS),),
        automatic_limit=Amount(way.automatic * part),
        one_person_limit=Amount(way.automatic * part * 10),
        deposits_open=True,
        withdrawals_open=True,
    )


async def _own_address(pool: Pool, purpose: Purpose) -> str:
    """Made as soon as the chain's room has taken its wallet."""
    while True:
        found = [one.address for one in pool.watched.values() if one.purpose is purpose]
        if found:
            return found[0]
        await trio.sleep(0.05)


async def _done(house: House, *commands: co.Command) -> None:
    for command in commands:
        outcome = await house.sequencer.call(command)
        assert outcome.reject is None, (command, outcome.reject)


def described(out: Outside) -> Mapping[str, Mapping[str, str]]:
    """What the ready line says of the chains."""
    return {name: {"rpc": out.rpc[name]} if name in out.rpc else {"memory": out.note} for name in out.settings}
