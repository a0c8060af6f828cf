"""Refilling from a cold wallet of Bitcoin's family: a PSBT goes out, a signed one comes back and must be the same.

The coins are asked of the node's own set of unspent outputs, so neither custody.db nor the server is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from embit.ec import PublicKey
from embit.finalizer import finalize_psbt
from embit.psbt import PSBT, DerivationPath
from embit.script import Script
from embit.transaction import Transaction, TransactionInput, TransactionOutput

from exchange.custody.bitcoin.answers import a_count, a_hash, an_object, atoms, some_bytes
from exchange.custody.bitcoin.coins import choose, fee_of
from exchange.custody.derivation import hash160, read_xpub
from exchange.custody.port import Coin, NodeFault, Owned, Purpose
from exchange.custody.rpc import Rpc
from exchange.custody.signer.bitcoin import script_of
from exchange.custody.treasury.cold import cold_addresses, is_address

SEARCHED: Final = 100
"""So many of a cold wallet's addresses are searched for coins."""
_REPLACEABLE: Final = 0xFFFFFFFD
_DUST: Final = 1_000


class NotTheSame(Exception):
    """What came back is not what went out. It was not sent."""


class Returned(msgspec.Struct, frozen=True):
    """A signed transaction that is the one that went out."""

    raw: bytes
    txid: str


async def export(rpc: Rpc, form: str, said: str, hot: str, amount: int, rate: int) -> bytes:
    """A PSBT that pays `amount` from the cold wallet to `hot`, its change back; `rate` per 1,000 virtual bytes.

    Raises `NodeFault`, `Unaffordable`.
    """
    homes = cold_addresses(form, said, SEARCHED)
    scripts = {script_of(form, home): place for place, home in enumerate(homes)}
    coins = await _unspent(rpc, form, homes)
    back = script_of(form, homes[0])
    found = choose(coins, [len(script_of(form, hot))], amount, rate, max(_DUST, fee_of(rate, 68)))
    outputs = [TransactionOutput(amount, Script(script_of(form, hot)))]
    if found.change:
        outputs.append(TransactionOutput(found.change, Script(back)))
    inputs = [_spending(coin.outpoint) for coin in found.coins]
    psbt = PSBT(Transaction(2, inputs, outputs))
    for scope, coin in zip(psbt.inputs, found.coins, strict=True):
        previous = Transaction.parse(await _whole(rpc, coin))
        scope.non_witness_utxo = previous
        scope.witness_utxo = previous.vout[int(coin.outpoint.partition(":")[2])]
        if not is_address(form, said):
            place = scripts[scope.witness_utxo.script_pubkey.data]
            scope.bip32_derivations = _derivation(said, place)
    return bytes(psbt.serialize())


def returned(form: str, exported: bytes, signed: bytes, ours: Sequence[str]) -> Returned:
    """Decode and compare: the same inputs and outputs, all outputs to `ours`, every input signed. Raises `NotTheSame`.

    `signed` is a PSBT or a raw transaction.
    """
    try:
        expected = PSBT.parse(exported).tx
        transaction = finalize_psbt(PSBT.parse(signed)) if signed[:5] == b"psbt\xff" else Transaction.parse(signed)
    except Exception as error:  # the library raises whatever it stumbles over, on bytes of a stranger
        raise NotTheSame("this is no PSBT and no transaction") from error
    if transaction is None or not all(vin.witness.items for vin in transaction.vin):
        raise NotTheSame("it is not signed, or not all of it")
    for what, was, now in _compared(expected, transaction):
        if was != now:
            raise NotTheSame(f"{what} changed: {was} went out, {now} came back")
    known = {script_of(form, address) for address in ours}
    if any(out.script_pubkey.data not in known for out in transaction.vout):
        raise NotTheSame("it pays somebody else than our own hot or cold wallet")
    return Returned(bytes(transaction.serialize()), transaction.txid().hex())


def _compared(expected: Transaction, came: Transaction) -> list[tuple[str, object, object]]:
    def coins(one: Transaction) -> list[tuple[str, int, int]]:
        return [(vin.txid.hex(), vin.vout, vin.sequence) for vin in one.vin]

    def paid(one: Transaction) -> list[tuple[int, str]]:
        return [(out.value, out.script_pubkey.data.hex()) for out in one.vout]

    return [
        ("the version", expected.version, came.version),
        ("the lock time", expected.locktime, came.locktime),
        ("the list of coins", coins(expected), coins(came)),
        ("the list of outputs", paid(expected), paid(came)),
    ]


async def _unspent(rpc: Rpc, form: str, homes: Sequence[str]) -> list[Coin]:
    told = an_object(await rpc.call("scantxoutset", "start", [f"addr({home})" for home in homes]))
    by_script = {script_of(form, home).hex(): home for home in homes}
    coins = []
    unspent = told.get("unspents")
    if not isinstance(unspent, list):
        raise NodeFault("the node's search for coins has no list")
    for one in map(an_object, unspent):
        home = by_script.get(some_bytes(one.get("scriptPubKey")).hex())
        if home is None:
            raise NodeFault("the node names a coin that was not asked for")
        outpoint = f"{a_hash(one.get('txid'))}:{a_count(one.get('vout'))}"
        owned = Owned(home, Purpose.COLD, homes.index(home))
        coins.append(Coin(outpoint, atoms(one.get("amount")), owned, a_count(one.get("height"))))
    return coins


async def _whole(rpc: Rpc, coin: Coin) -> bytes:
    """The transaction that made a coin; that it did is checked by its hash."""
    block = a_hash(await rpc.call("getblockhash", coin.height))
    txid = coin.outpoint.partition(":")[0]
    raw = some_bytes(await rpc.call("getrawtransaction", txid, 0, block))
    if Transaction.parse(raw).txid().hex() != txid:
        raise NodeFault("the node shows another transaction than was asked for")
    return raw


def _spending(outpoint: str) -> TransactionInput:
    txid, _, place = outpoint.partition(":")
    return TransactionInput(bytes.fromhex(txid), int(place), sequence=_REPLACEABLE)


def _derivation(said: str, place: int) -> dict[PublicKey, DerivationPath]:
    """From the account's own key, as wallets name it whose seed is not known: its fingerprint, branch and index."""
    account = read_xpub(said)
    key = account.child(0).child_key(place)
    return {PublicKey.parse(key): DerivationPath(hash160(account.key)[:4], [0, place])}
