"""The body of a draft: a PSBT (BIP174) that shows the signer every previous transaction, and the places that are ours.

Written and read without a library: the signer, which has to be convinced, reads it with another's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from exchange.custody.bitcoin.raw import Malformed, read_transaction

_MAGIC: Final = b"psbt\xff"
_UNSIGNED, _PREVIOUS, _COIN, _IN_PLACE, _OUT_PLACE = b"\x00", b"\x00", b"\x01", b"\x06", b"\x02"
_VERSION: Final = (2).to_bytes(4, "little")
_REPLACEABLE: Final = (0xFFFFFFFD).to_bytes(4, "little")
_NOBODY: Final = bytes(4)
"""In place of the fingerprint of a seed that the server does not have."""


class Place(msgspec.Struct, frozen=True):
    """The public key of an address of ours, and the path to it from the seed."""

    key: bytes
    path: tuple[int, ...]


class Input(msgspec.Struct, frozen=True):
    """A coin to be spent. `previous` is the whole transaction that made it, without its signatures."""

    outpoint: str
    amount: int
    script: bytes
    previous: bytes
    place: Place


class Output(msgspec.Struct, frozen=True):
    """An output; `place` where it is ours and need not be approved."""

    amount: int
    script: bytes
    place: Place | None = None


def arranged(inputs: Sequence[Input], outputs: Sequence[Output]) -> tuple[list[Input], list[Output]]:
    """In the order of BIP69, which tells nobody which output is the change."""
    by_outpoint = sorted(inputs, key=lambda one: (one.outpoint[:64], int(one.outpoint[65:])))
    return by_outpoint, sorted(outputs, key=lambda one: (one.amount, one.script))


def unsigned(inputs: Sequence[Input], outputs: Sequence[Output]) -> bytes:
    """The transaction without signatures: version 2, no lock time, replaceable (BIP125)."""
    parts = [_VERSION, number(len(inputs))]
    for one in inputs:
        txid, _, place = one.outpoint.partition(":")
        parts += [bytes.fromhex(txid)[::-1], int(place).to_bytes(4, "little"), b"\x00", _REPLACEABLE]
    parts.append(number(len(outputs)))
    parts += [_coin(one.amount, one.script) for one in outputs]
    return b"".join([*parts, bytes(4)])


def encode(inputs: Sequence[Input], outputs: Sequence[Output]) -> bytes:
    """The PSBT; inputs and outputs in this order."""
    parts = [_MAGIC, _pair(_UNSIGNED, unsigned(inputs, outputs)), b"\x00"]
    for one in inputs:
        parts += [_pair(_PREVIOUS, one.previous), _pair(_COIN, _coin(one.amount, one.script))]
        parts += [_pair(_IN_PLACE + one.place.key, _path(one.place)), b"\x00"]
    for output in outputs:
        if output.place is not None:
            parts.append(_pair(_OUT_PLACE + output.place.key, _path(output.place)))
        parts.append(b"\x00")
    return b"".join(parts)


def decode(body: bytes) -> tuple[list[Input], list[Output]]:
    """What `encode` was given. Raises `Malformed` for anything that it does not write."""
    if not body.startswith(_MAGIC):
        raise Malformed("this is no PSBT")
    maps, at = [], len(_MAGIC)
    while at < len(body):
        found, at = _map(body, at)
        maps.append(found)
    try:
        transaction = read_transaction(maps[0][_UNSIGNED])
        outpoints = list(transaction.spends())
        shown, paid = maps[1 : 1 + len(outpoints)], maps[1 + len(outpoints) :]
        inputs = [_input(outpoint, fields) for outpoint, fields in zip(outpoints, shown, strict=True)]
        outputs = [
            Output(amount, script, _place(fields, _OUT_PLACE))
            for (amount, script), fields in zip(transaction.outputs, paid, strict=True)
        ]
    except (KeyError, IndexError, ValueError) as error:
        raise Malformed("this PSBT is not one of ours") from error
    return inputs, outputs


def _input(outpoint: str, fields: dict[bytes, bytes]) -> Input:
    place = _place(fields, _IN_PLACE)
    if place is None:
        raise Malformed("an input without its place")
    coin = fields[_COIN]
    return Input(outpoint, int.from_bytes(coin[:8], "little"), coin[9:], fields[_PREVIOUS], place)


def _place(fields: dict[bytes, bytes], kind: bytes) -> Place | None:
    for key, value in fields.items():
        if key[:1] == kind and len(key) > 1:
            steps = [int.from_bytes(value[at : at + 4], "little") for at in range(4, len(value), 4)]
            return Place(key[1:], tuple(steps))
    return None


def _map(body: bytes, at: int) -> tuple[dict[bytes, bytes], int]:
    found: dict[bytes, bytes] = {}
    while True:
        length, at = _read_number(body, at)
        if not length:
            return found, at
        key, at = body[at : at + length], at + length
        length, at = _read_number(body, at)
        found[key], at = body[at : at + length], at + length


def _read_number(body: bytes, at: int) -> tuple[int, int]:
    if at >= len(body):
        raise Malformed("a PSBT that ends too early")
    size = {0xFD: 2, 0xFE: 4, 0xFF: 8}.get(body[at], 0)
    return int.from_bytes(body[at + 1 : at + 1 + size], "little") if size else body[at], at + 1 + size


def number(value: int) -> bytes:
    """A count as Bitcoin writes it (CompactSize)."""
    if value < 0xFD:
        return bytes((value,))
    size = 2 if value <= 0xFFFF else 4
    return bytes((0xFD if size == 2 else 0xFE,)) + value.to_bytes(size, "little")


def _coin(amount: int, script: bytes) -> bytes:
    return amount.to_bytes(8, "little") + number(len(script)) + script


def _path(place: Place) -> bytes:
    return _NOBODY + b"".join(step.to_bytes(4, "little") for step in place.path)


def _pair(key: bytes, value: bytes) -> bytes:
    return number(len(key)) + key + number(len(value)) + value
