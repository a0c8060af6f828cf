"""Refilling from a cold address of an EVM chain: an unsigned type-2 transaction as a file, and the signed one back."""

from __future__ import annotations

from typing import Final

import msgspec
from coincurve import PublicKey
from eth_hash.auto import keccak

from exchange.custody.derivation import EVM, address
from exchange.custody.evm import body as evm_body
from exchange.custody.evm.body import Body
from exchange.custody.evm.spending import EvmSpending
from exchange.custody.port import Coin, NodeFault, Owned, Payment, Purpose
from exchange.custody.rpc import Rpc
from exchange.custody.signer.evm import Item, rlp
from exchange.custody.treasury.cold_bitcoin import NotTheSame, Returned

_TYPE: Final = b"\x02"
_FIELDS: Final = 12


class Unsigned(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """The file: a transaction as wallets read it. Numbers as decimal text, bytes as 0x and hexadecimal."""

    type: str = "2"
    sender: str = msgspec.field(name="from")
    chain_id: str
    nonce: str
    max_priority_fee_per_gas: str
    max_fee_per_gas: str
    gas: str
    to: str
    value: str
    data: str


class _Nonce:
    """A purse with one nonce and nothing else."""

    def __init__(self, number: int) -> None:
        self._number = number

    def nonce(self, sender: str) -> int:
        del sender
        return self._number

    def coins(self, purposes: frozenset[Purpose]) -> list[Coin]:
        raise NodeFault(f"an EVM address spends no coins of {purposes}")

    def transaction(self, txid: str) -> bytes:
        raise NodeFault(f"an EVM address shows no transaction {txid}")

    def change(self) -> Owned:
        raise NodeFault("an EVM address needs no other for change")


async def export(rpc: Rpc, chain_id: int, cold: str, hot: str, amount: int, contract: str) -> bytes:
    """The file of a transaction that pays `amount` from the cold address to `hot`.

    Raises `NodeFault`, `Unaffordable`, `FeeTooHigh`, `BadAddress`.
    """
    sender = Owned(cold, Purpose.COLD, 0)
    spending = EvmSpending("cold", chain_id, rpc, sender)
    payment = Payment("refill", hot, amount, contract)
    quote = await spending.quote([payment])
    nonce = int(str(await rpc.call("eth_getTransactionCount", cold.lower(), "latest")), 16)
    body = evm_body.decode(spending.build("refill", [payment], quote, _Nonce(nonce)).body)
    return msgspec.json.format(msgspec.json.encode(_unsigned(body))) + b"\n"


def returned(exported: bytes, signed: str, ours: list[str], contracts: list[str]) -> Returned:
    """Decode and compare: every field the same, signed by the cold address, paid to one of `ours`.

    `contracts` are those of our tokens. Raises `NotTheSame`.
    """
    try:
        expected = msgspec.json.decode(exported, type=Unsigned)
        raw = bytes.fromhex(signed.strip().removeprefix("0x"))
        now = _read(raw)
    except (msgspec.DecodeError, ValueError, IndexError) as error:
        raise NotTheSame("this is no signed transaction, or not the file that went out") from error
    for name in Unsigned.__struct_fields__:
        if getattr(expected, name) != getattr(now, name):
            raise NotTheSame(f"{name} changed: {getattr(expected, name)} went out, {getattr(now, name)} came back")
    to = now.to
    if now.data != "0x":
        if to not in {contract.lower() for contract in contracts} or now.value != "0":
            raise NotTheSame("it calls a contract that is none of our tokens")
        to, _ = _transferred(now.data)
    if to not in {address.lower() for address in ours}:
        raise NotTheSame("it pays somebody else than our own hot or cold wallet")
    return Returned(raw, "0x" + keccak(raw).hex())


def _transferred(data: str) -> tuple[str, int]:
    try:
        return evm_body.transferred(bytes.fromhex(data[2:]))
    except ValueError as error:
        raise NotTheSame(str(error)) from error


def _unsigned(body: Body) -> Unsigned:
    return Unsigned(
        sender=body.sender,
        chain_id=str(body.chain_id),
        nonce=str(body.nonce),
        max_priority_fee_per_gas=str(body.tip),
        max_fee_per_gas=str(body.price),
        gas=str(body.gas),
        to=body.to,
        value=body.value,
        data="0x" + body.data.hex(),
    )


def _read(raw: bytes) -> Unsigned:
    """The fields of a signed transaction, its signer among them. Raises `ValueError` for any other bytes."""
    if raw[:1] != _TYPE:
        raise ValueError("not of type 2")
    items, rest = _item(raw[1:])
    if rest or not isinstance(items, list) or len(items) != _FIELDS or items[8] != []:
        raise ValueError("not the fields of a transaction that went out")
    fields = [item for item in items if isinstance(item, bytes)]
    chain_id, nonce, tip, price, gas, to, value, data, parity, r, s = fields
    if _TYPE + rlp([*items]) != raw or len(to) != 20 or len(r) > 32 or len(s) > 32 or parity not in {b"", b"\x01"}:
        raise ValueError("not the one encoding of a transaction")
    signature = r.rjust(32, b"\x00") + s.rjust(32, b"\x00") + (parity or b"\x00")
    key = PublicKey.from_signature_and_message(signature, keccak(_TYPE + rlp(items[:9])), hasher=None)
    return Unsigned(
        sender=address(EVM, key.format()).lower(),
        chain_id=_number(chain_id),
        nonce=_number(nonce),
        max_priority_fee_per_gas=_number(tip),
        max_fee_per_gas=_number(price),
        gas=_number(gas),
        to="0x" + to.hex(),
        value=_number(value),
        data="0x" + data.hex(),
    )


def _number(content: bytes) -> str:
    return str(int.from_bytes(content, "big"))


def _item(content: bytes) -> tuple[Item, bytes]:
    """The first item of Ethereum's encoding, lists two deep at most, and what follows it. Raises `ValueError`."""
    first = content[0]
    if first < 0x80:
        return content[:1], content[1:]
    base = 0xC0 if first >= 0xC0 else 0x80
    start, size = 1, first - base
    if size > 55:
        start += size - 55
        size = int.from_bytes(content[1:start], "big")
    body, rest = content[start : start + size], content[start + size :]
    if len(body) != size:
        raise ValueError("it ends too early")
    return (_items(body), rest) if base == 0xC0 else (body, rest)


def _items(body: bytes) -> list[Item]:
    found: list[Item] = []
    while body and len(found) <= _FIELDS:
        item: Item
        if body[0] >= 0xC0:
            if body[0] != 0xC0:
                raise ValueError("a list inside that is not empty")
            item, body = [], body[1:]
        else:
            item, body = _item(body)
        found.append(item)
    return found
