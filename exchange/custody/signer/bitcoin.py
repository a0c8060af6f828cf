"""Judging and signing for Bitcoin's family: a PSBT (BIP174) whose every input shows its whole previous transaction.

A witness signature covers the amount that it was told; only the whole previous transaction, whose hash is in the
input, proves it. So amounts come from there, and a differing `witness_utxo` is a lie that ends it.
"""

from __future__ import annotations

from typing import Final

from embit import base58, bech32
from embit.ec import PublicKey
from embit.psbt import PSBT, DerivationPath, InputScope, OutputScope
from embit.script import Script, Witness, p2pkh_from_p2wpkh
from embit.transaction import Transaction, TransactionInput, TransactionOutput

from exchange.custody.derivation import BITCOIN_FORMS, hash160, path, place
from exchange.custody.signer.judged import FURTHEST, No, Output, Place, Reading
from exchange.custody.signer.seed import Node
from exchange.custody.signing import Signed

MOST_INPUTS: Final = 2_000
_ALL: Final = 1
_COINS_AT_MOST: Final = 21 * 10**6 * 10**8 * 4
_LEGACY: Final = {
    "bitcoin-mainnet": (b"\x00", (b"\x05",)),
    "litecoin-mainnet": (b"\x30", (b"\x32", b"\x05")),
    "litecoin-testnet": (b"\x6f", (b"\x3a", b"\xc4")),
    "litecoin-regtest": (b"\x6f", (b"\x3a", b"\xc4")),
}
_TEST_LEGACY: Final = (b"\x6f", (b"\xc4",))
"""Version bytes of addresses before SegWit: to a key's hash, to a script's."""


def script_of(form: str, address: str) -> bytes:
    """The scriptPubKey of an address. Raises `No` for what is no address of this very network."""
    try:
        if address.lower().startswith(BITCOIN_FORMS[form][0] + "1"):
            return _witness_script(BITCOIN_FORMS[form][0], address)
        content = bytes(base58.decode_check(address))
    except (ValueError, KeyError, IndexError) as error:
        raise No(f"{address!r} is no address of {form}") from error
    to_key, to_script = _LEGACY.get(form, _TEST_LEGACY)
    if len(content) == 21 and content[:1] == to_key:
        return b"\x76\xa9\x14" + content[1:] + b"\x88\xac"
    if len(content) == 21 and content[:1] in to_script:
        return b"\xa9\x14" + content[1:] + b"\x87"
    raise No(f"{address!r} is an address of another network than {form}")


def _witness_script(prefix: str, address: str) -> bytes:
    version, program = bech32.decode(prefix, address)
    if version is None:
        raise ValueError("its checksum is wrong")
    return bytes((version and 0x50 + version, len(program))) + bytes(program)


def read(form: str, identity: str, body: bytes, root: Node) -> Reading:
    """What this PSBT would do. Raises `No`. `identity` comes from the rules: no transaction here names its chain."""
    psbt = _parse(body)
    transaction = _bare(psbt)
    spent = [_input(form, scope, vin, root) for scope, vin in zip(psbt.inputs, transaction.vin, strict=True)]
    outputs = tuple(_output(form, scope, out, root) for scope, out in zip(psbt.outputs, transaction.vout, strict=True))
    claims = tuple(f"{vin.txid.hex()}:{vin.vout}" for vin in transaction.vin)
    if len(set(claims)) != len(claims):
        raise No("one coin is spent twice in it")
    fee = sum(amount for _, amount in spent) - sum(output.amount for output in outputs)
    if fee < 0:
        raise No("it pays out more than it takes in")
    purposes = frozenset(where[0] for where, _ in spent)
    return Reading(identity, purposes, outputs, claims, fee, lambda: _sign(form, transaction, spent, root))


def _parse(body: bytes) -> PSBT:
    try:
        psbt = PSBT.parse(body)
    except Exception as error:  # the library raises whatever it stumbles over, on bytes of a stranger
        raise No("the body is no PSBT") from error
    if psbt.version not in {None, 0}:
        raise No("the body is no PSBT of version 0")
    return psbt


def _bare(psbt: PSBT) -> Transaction:
    """The unsigned transaction itself, of the one shape that we build."""
    transaction = psbt.tx
    if not 1 <= len(transaction.vin) <= MOST_INPUTS or not transaction.vout:
        raise No(f"it has {len(transaction.vin)} inputs and {len(transaction.vout)} outputs")
    if transaction.version != 2 or transaction.locktime != 0:
        raise No("its version is not 2, or it is locked until later")
    if any(vin.script_sig is not None and vin.script_sig.data for vin in transaction.vin):
        raise No("it is signed in part already")
    return transaction


def _input(form: str, scope: InputScope, vin: TransactionInput, root: Node) -> tuple[Place, int]:
    """Which of our addresses an input spends from, and how much: proven by the previous transaction."""
    previous = scope.non_witness_utxo
    name = f"{vin.txid.hex()}:{vin.vout}"
    if previous is None:
        raise No(f"the whole previous transaction of {name} is not shown")
    if previous.txid() != vin.txid or vin.vout >= len(previous.vout):
        raise No(f"what is shown as the previous transaction of {name} is another one")
    coin = previous.vout[vin.vout]
    told = scope.witness_utxo
    if told is not None and (told.value != coin.value or told.script_pubkey.data != coin.script_pubkey.data):
        raise No(f"the witness amount of {name} is a lie: {told.value} told, {coin.value} there")
    if scope.sighash_type not in {None, _ALL}:
        raise No(f"{name} is to be signed for less than the whole transaction")
    where = _place(form, scope.bip32_derivations)
    if where is None or _own_script(form, where, root) != coin.script_pubkey.data:
        raise No(f"{name} is no coin of a place of ours")
    return where, _amount(coin.value)


def _output(form: str, scope: OutputScope, out: TransactionOutput, root: Node) -> Output:
    script, where = out.script_pubkey.data, None
    if scope.bip32_derivations:
        where = _place(form, scope.bip32_derivations)
        if where is None or _own_script(form, where, root) != script:
            raise No("an output is said to be ours and is not: a swapped change address")
    return Output(script.hex(), "", _amount(out.value), where)


def _place(form: str, derivations: dict[PublicKey, DerivationPath]) -> Place | None:
    """The place that the one derivation of an input or output names; the fingerprint in it is not needed."""
    if len(derivations) != 1:
        return None
    (derivation,) = derivations.values()
    where = place(form, tuple(derivation.derivation))
    return where if where is not None and where[1] <= FURTHEST else None


def _own_script(form: str, where: Place, root: Node) -> bytes:
    key = root.below(path(form, *where)).key.public_key.format()
    return b"\x00\x14" + hash160(key)


def _amount(value: int) -> int:
    if not 0 <= value <= _COINS_AT_MOST:
        raise No("an amount that cannot be")
    return value


def _sign(form: str, transaction: Transaction, spent: list[tuple[Place, int]], root: Node) -> Signed:
    """Every input, for the whole transaction (SIGHASH_ALL), deterministically (RFC 6979, low s)."""
    for number, (where, amount) in enumerate(spent):
        key = root.below(path(form, *where)).key
        point = key.public_key.format()
        script = p2pkh_from_p2wpkh(Script(b"\x00\x14" + hash160(point)))
        message = transaction.sighash_segwit(number, script, amount, _ALL)
        transaction.vin[number].witness = Witness([key.sign(message, hasher=None) + bytes((_ALL,)), point])
    return Signed(transaction.serialize(), transaction.txid().hex())
