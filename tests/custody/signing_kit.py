"""A wallet small enough for tests, drafts of both families on it, and approvers with keys."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from embit.ec import PublicKey
from embit.psbt import PSBT, DerivationPath
from embit.script import Script
from embit.transaction import Transaction, TransactionInput, TransactionOutput
from nacl.pwhash import argon2id
from nacl.signing import SigningKey

from exchange.clock import SystemClock
from exchange.core.units import Micros
from exchange.custody import wallet
from exchange.custody.derivation import EVM, address, hash160, path
from exchange.custody.evm import body as evm_body
from exchange.custody.port import Payment, Purpose
from exchange.custody.signer import keystore
from exchange.custody.signer.bitcoin import script_of
from exchange.custody.signer.folder import Folder
from exchange.custody.signer.judge import Judge
from exchange.custody.signer.keystore import Secrets
from exchange.custody.signer.record import Record
from exchange.custody.signer.rules import read_rules
from exchange.custody.signer.seed import Node, root, seed_of
from exchange.custody.signing import Approval, Wish, digest
from exchange.custody.treasury.cold import cold_keys

BTC: Final = "bitcoin-regtest"
GENESIS: Final = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
CHAIN_ID: Final = 31337
USDT: Final = "0x" + "5f" * 20
PASSPHRASE: Final = b"a passphrase for tests"
LITTLE: Final = argon2id.MEMLIMIT_MIN
ENTROPY: Final = bytes(range(32))
STRANGER: Final = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
EVM_STRANGER: Final = "0x00000000000000000000000000000000000000AA"

RULES: Final = f"""
[chains.BTC]
form = "{BTC}"
identity = "{GENESIS}"
fee = "0.001"
fee_day = "0.004"
[chains.BTC.assets.BTC]
decimals = 8
automatic = "0.1"
automatic_day = "0.25"
one_person = "1"
day = "5"

[chains.ETH]
form = "evm"
identity = "{CHAIN_ID}"
fee = "0.01"
fee_day = "0.05"
top_up = "0.005"
[chains.ETH.assets.ETH]
decimals = 18
automatic = "1"
automatic_day = "3"
one_person = "10"
day = "50"
[chains.ETH.assets.USDT]
contract = "{USDT}"
decimals = 6
automatic = "100"
automatic_day = "1000"
one_person = "1000"
day = "5000"
"""

ANN, BEN, EVE = (SigningKey(bytes((seed,)) * 32) for seed in (1, 2, 3))
TREE: Final = root(seed_of(ENTROPY))
HOT: Final = (Purpose.HOT, 0)
SATS: Final = 10**8
ETHER: Final = 10**18


class Hands:
    """A clock that is moved by hand; its chance is the machine's."""

    def __init__(self, now: int = 1_700_000_000_000_000) -> None:
        self.time = now

    def now(self) -> Micros:
        return Micros(self.time)

    def token(self, chars: int) -> str:
        return SystemClock().token(chars)

    def token_bytes(self, size: int) -> bytes:
        return SystemClock().token_bytes(size)


def make_wallet(folder: Path, rules: str = RULES) -> Folder:
    """A wallet in `folder` whose approvers are Ann and Ben."""
    wallet.make(folder, PASSPHRASE, rules, SystemClock(), entropy=ENTROPY, memory=LITTLE)
    with wallet.changing(folder, PASSPHRASE, SystemClock()) as vault:
        vault.change(people(vault.secrets))
    return Folder(folder)


def people(secrets: Secrets) -> Secrets:
    secrets = wallet.with_approver(secrets, "ann", bytes(ANN.verify_key))
    return wallet.with_approver(secrets, "ben", bytes(BEN.verify_key))


def open_judge(folder: Folder, clock: Hands | None = None, cold: dict[str, tuple[str, ...]] | None = None) -> Judge:
    """The judge of a wallet, without a process around it."""
    secrets = keystore.open_vault(folder.vault, PASSPHRASE, SystemClock()).secrets
    rules = read_rules(secrets.rules)
    record = Record(folder.record, secrets.record_key, clock or Hands())
    return Judge(rules, secrets.approvers, cold_keys(rules, cold or {}), TREE, record)


def approve(payment: Payment, *keys: SigningKey, chain: str = "BTC", identity: str = GENESIS) -> tuple[Approval, ...]:
    """What these people say to a payment."""
    said = digest(payment, chain, identity)
    return tuple(Approval(payment.id, bytes(key.verify_key), key.sign(said).signature) for key in keys)


def key_at(place: tuple[Purpose, int], form: str = BTC, tree: Node = TREE) -> bytes:
    return tree.below(path(form, *place)).key.public_key.format()


def own(place: tuple[Purpose, int], form: str = BTC) -> str:
    """The address of a place of ours."""
    return address(form, key_at(place, form))


def script(place: tuple[Purpose, int]) -> bytes:
    return b"\x00\x14" + hash160(key_at(place))


class Coin(msgspec.Struct, frozen=True):
    """A coin of ours, and the whole transaction that made it."""

    place: tuple[Purpose, int]
    amount: int
    salt: int = 0

    def previous(self) -> Transaction:
        source = TransactionInput(hashlib.sha256(bytes((self.salt,))).digest(), 0)
        return Transaction(2, [source], [TransactionOutput(self.amount, Script(script(self.place)))])


def psbt(coins: Sequence[Coin], outputs: Sequence[tuple[bytes, int, tuple[Purpose, int] | None]]) -> PSBT:
    """A PSBT as `bitcoin` builds it: whole previous transactions, and the path of every place of ours."""
    inputs = [TransactionInput(coin.previous().txid(), 0, sequence=0xFFFFFFFD) for coin in coins]
    paid = [TransactionOutput(amount, Script(to)) for to, amount, _ in outputs]
    made = PSBT(Transaction(2, inputs, paid))
    for scope, coin in zip(made.inputs, coins, strict=True):
        scope.non_witness_utxo = coin.previous()
        scope.witness_utxo = coin.previous().vout[0]
        scope.bip32_derivations = _derivation(coin.place)
    for scope, (_, _, place) in zip(made.outputs, outputs, strict=True):
        if place is not None:
            scope.bip32_derivations = _derivation(place)
    return made


def _derivation(place: tuple[Purpose, int]) -> dict[PublicKey, DerivationPath]:
    return {PublicKey.parse(key_at(place)): DerivationPath(bytes(4), list(path(BTC, *place)))}


_COIN: Final = Coin(HOT, 3 * SATS)


def bitcoin_wish(
    payment: Payment,
    approvals: tuple[Approval, ...] = (),
    *,
    id: str = "draft-1",
    coin: Coin = _COIN,
    fee: int = 10_000,
    to: bytes | None = None,
    amount: int | None = None,
    change: tuple[Purpose, int] | None = (Purpose.CHANGE, 4),
    change_to: bytes | None = None,
) -> Wish:
    """A draft that pays one payment from one coin and keeps the change."""
    paid = payment.amount if amount is None else amount
    recipient = script_of(BTC, payment.address) if to is None else to
    kept = script(change) if change_to is None and change else change_to or b""
    outputs = [(recipient, paid, None), (kept, coin.amount - paid - fee, change)]
    return Wish(id, "BTC", psbt([coin], outputs).serialize(), (payment,), approvals)


def inside_wish(id: str, coin: Coin, outputs: Sequence[tuple[bytes, int, tuple[Purpose, int] | None]]) -> Wish:
    """A draft without payments."""
    return Wish(id, "BTC", psbt([coin], outputs).serialize(), ())


def body(**changes: object) -> evm_body.Body:
    """An EVM transaction from the hot wallet that pays a stranger half an ether; `changes` to it."""
    sender = own(HOT, EVM).lower()
    plain = evm_body.Body(
        CHAIN_ID, 0, 10**9, 2 * 10**9, 21_000, EVM_STRANGER.lower(), str(ETHER // 2), b"", sender, *HOT
    )
    return msgspec.structs.replace(plain, **changes)


def evm_wish(
    said: evm_body.Body, payments: tuple[Payment, ...], approvals: tuple[Approval, ...] = (), id: str = "draft-1"
) -> Wish:
    return Wish(id, "ETH", evm_body.encode(said), payments, approvals)


def half_ether(id: str = "w-1") -> Payment:
    return Payment(id, EVM_STRANGER, ETHER // 2)
