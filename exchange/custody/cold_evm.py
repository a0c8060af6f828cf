"""Refilling from a cold address of an EVM chain: an unsigned type-2 transaction as a file, and the signed one back."""

from __future__ import annotations

import msgspec
from eth_account import Account
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from exchange.custody import evm_body
from exchange.custody.cold_bitcoin import NotTheSame, Returned
from exchange.custody.evm_body import Body
from exchange.custody.evm_spending import EvmSpending
from exchange.custody.port import Coin, NodeFault, Owned, Payment, Purpose
from exchange.custody.rpc import Rpc


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
        came = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
        sender = str(Account.recover_transaction(raw))
    except Exception as error:  # the library raises whatever it stumbles over, on bytes of a stranger
        raise NotTheSame("this is no signed transaction, or not the file that went out") from error
    if came.get("accessList"):
        raise NotTheSame("an access list came along that did not go out")
    now = _fields(came, sender)
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


def _fields(came: dict[str, object], sender: str) -> Unsigned:
    def text(name: str) -> str:
        return str(came[name])

    to, data = came["to"], came["data"]
    assert isinstance(to, bytes), "the library checks types"
    assert isinstance(data, bytes), "the library checks types"
    return Unsigned(
        type=text("type"),
        sender=sender.lower(),
        chain_id=text("chainId"),
        nonce=text("nonce"),
        max_priority_fee_per_gas=text("maxPriorityFeePerGas"),
        max_fee_per_gas=text("maxFeePerGas"),
        gas=text("gas"),
        to="0x" + to.hex().removeprefix("0x"),
        value=text("value"),
        data="0x" + data.hex().removeprefix("0x"),
    )
