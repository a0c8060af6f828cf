"""Addresses of ours from extended public keys: which path serves which purpose, and what a place on it is called.

An account's extended public key (BIP32) gives all its addresses and none of its keys. Bitcoin's family uses
m/84'/coin'/account' (BIP84, P2WPKH), EVM chains m/44'/60'/account'. Below it: branch 0 receives, branch 1 takes change.
Account 0 is for deposits, 1 is hot, 2 pays for gas.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final

import msgspec
from coincurve import PublicKey
from embit import base58
from eth_hash.auto import keccak

from exchange.custody.port import Purpose

HARD: Final = 1 << 31
"""Added to a path's number where it is hardened."""

EVM: Final = "evm"

BITCOIN_FORMS: Final = {
    "bitcoin-mainnet": ("bc", 0),
    "bitcoin-testnet": ("tb", 1),
    "bitcoin-signet": ("tb", 1),
    "bitcoin-regtest": ("bcrt", 1),
    "litecoin-mainnet": ("ltc", 2),
    "litecoin-testnet": ("tltc", 1),
    "litecoin-regtest": ("rltc", 1),
}
"""Of each parameter set: how its addresses begin, and its coin type (SLIP44)."""

_PLACES: Final = {
    Purpose.DEPOSIT: (0, 0),
    Purpose.HOT: (1, 0),
    Purpose.CHANGE: (1, 1),
    Purpose.GAS: (2, 0),
}
"""Of each purpose whose keys the signer has: account and branch."""

ACCOUNTS: Final = (0, 1, 2)

_PUBLIC_VERSIONS: Final = {
    bytes.fromhex(version)
    for version in ("0488b21e", "043587cf", "04b24746", "045f1cf6", "049d7cb2", "044a5262", "019da462", "0436f6e1")
}
_PRIVATE_VERSIONS: Final = {
    bytes.fromhex(version) for version in ("0488ade4", "04358394", "04b2430c", "045f18bc", "049d7878", "044a4e28")
}
_XPUB: Final = bytes.fromhex("0488b21e")
_SIZE: Final = 78


class BadXpub(Exception):
    """Not an extended public key that addresses can come from. The message says what it is instead."""


class Xpub(msgspec.Struct, frozen=True):
    """An extended public key: a compressed point, its chain code, and where it stands in its tree."""

    key: bytes
    code: bytes
    depth: int
    parent: bytes
    number: int

    def text(self) -> str:
        """As people exchange it: base58, beginning with "xpub" whatever the chain."""
        place = bytes((self.depth,)) + self.parent + self.number.to_bytes(4, "big")
        return str(base58.encode_check(_XPUB + place + self.code + self.key))

    def child(self, number: int) -> Xpub:
        """The key below it; `number` is not hardened."""
        mixed = self._mixed(number)
        point = PublicKey(self.key).add(mixed[:32]).format()
        return Xpub(point, mixed[32:], self.depth + 1, hash160(self.key)[:4], number)

    def child_key(self, number: int) -> bytes:
        """The same key's point alone: all that an address wants, in half the time."""
        return PublicKey(self.key).add(self._mixed(number)[:32]).format()

    def _mixed(self, number: int) -> bytes:
        assert 0 <= number < HARD, "below a public key nothing is hardened"
        return hmac.digest(self.code, self.key + number.to_bytes(4, "big"), "sha512")


def read_xpub(text: str) -> Xpub:
    """What `text` says. Raises `BadXpub`."""
    try:
        content = bytes(base58.decode_check(text.strip()))
    except ValueError as error:
        raise BadXpub("this is not an extended public key: its checksum is wrong, or letters are missing") from error
    version, depth, parent, number = content[:4], content[4:5], content[5:9], content[9:13]
    if version in _PRIVATE_VERSIONS:
        raise BadXpub("this is an extended PRIVATE key. It was not stored. Who has seen it here can spend: move coins")
    if len(content) != _SIZE or version not in _PUBLIC_VERSIONS:
        raise BadXpub("this is not an extended public key of a kind that is known here (xpub, tpub, zpub, vpub …)")
    try:
        point = PublicKey(content[45:]).format()
    except ValueError as error:
        raise BadXpub("its point does not lie on the curve") from error
    return Xpub(point, content[13:45], depth[0], parent, int.from_bytes(number, "big"))


def branch_of(purpose: Purpose) -> int:
    """Below its account: 1 for change, 0 for all else."""
    return 1 if purpose is Purpose.CHANGE else 0


def account_of(purpose: Purpose) -> int:
    """The account that serves it. Raises `KeyError` for warm and cold, whose keys are elsewhere."""
    return _PLACES[purpose][0]


def account_path(form: str, account: int) -> tuple[int, ...]:
    """From the seed to an account, for a set of parameters (`BITCOIN_FORMS`) or `EVM`. Raises `KeyError`."""
    if form == EVM:
        return (44 + HARD, 60 + HARD, account + HARD)
    return (84 + HARD, BITCOIN_FORMS[form][1] + HARD, account + HARD)


def path(form: str, purpose: Purpose, index: int) -> tuple[int, ...]:
    """From the seed to an address: what a PSBT's derivations say. Raises `KeyError` for warm and cold."""
    account, branch = _PLACES[purpose]
    return (*account_path(form, account), branch, index)


def place(form: str, steps: tuple[int, ...]) -> tuple[Purpose, int] | None:
    """The inverse of `path`: what an address is for, and its index; None for a path that we do not use."""
    *_, index = steps or (HARD,)
    if index >= HARD:
        return None
    return next(((purpose, index) for purpose in _PLACES if path(form, purpose, index) == steps), None)


def path_text(steps: tuple[int, ...]) -> str:
    """As people write it: m/84'/0'/0'/0/5."""
    return "/".join(["m", *(f"{step - HARD}'" if step >= HARD else str(step) for step in steps)])


def address(form: str, key: bytes) -> str:
    """The address of a compressed public key: P2WPKH, or EVM with its checksum (EIP-55). Raises `KeyError`."""
    if form == EVM:
        return checksummed(keccak(PublicKey(key).format(compressed=False)[1:])[12:].hex())
    return witness_address(BITCOIN_FORMS[form][0], hash160(key))


def addresses(
    form: str,
    xpub: Xpub,
    branch: int,
    places: range,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Iterator[tuple[int, str]]:
    """Index and address of each of `places` below an account's key; tells `progress` every thousand."""
    below = xpub.child(branch)
    for done, index in enumerate(places, 1):
        yield index, address(form, below.child_key(index))
        if done % 1_000 == 0 or done == len(places):
            progress(done, len(places))


def checksummed(digits: str) -> str:
    """An EVM address from its 40 lower-case hexadecimal digits, capitals as EIP-55 wants them."""
    marks = keccak(digits.encode()).hex()
    pairs = zip(digits, marks, strict=False)
    return "0x" + "".join(digit.upper() if mark >= "8" else digit for digit, mark in pairs)


_CHARSET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def _feedback(top: int) -> int:
    mixed = 0
    for bit, part in enumerate(_GENERATOR):
        if top >> bit & 1:
            mixed ^= part
    return mixed


_FEEDBACK: Final = tuple(_feedback(top) for top in range(32))


def _polymod(values: Iterable[int], state: int = 1) -> int:
    """BIP173's checksum, by table."""
    for value in values:
        state = (state & 0x1FFFFFF) << 5 ^ value ^ _FEEDBACK[state >> 25]
    return state


@lru_cache(maxsize=16)
def _started(prefix: str) -> int:
    """The checksum's state after the prefix and witness version 0."""
    letters = prefix.encode()
    return _polymod([letter >> 5 for letter in letters] + [0] + [letter & 31 for letter in letters] + [0])


def witness_address(prefix: str, program: bytes) -> str:
    """The address of a version 0 witness program of 20 bytes (BIP173): the library's takes ten times as long."""
    bits = int.from_bytes(program, "big")
    values = [bits >> shift & 31 for shift in range(155, -1, -5)]
    check = _polymod(values + [0] * 6, _started(prefix)) ^ 1
    values += [check >> shift & 31 for shift in (25, 20, 15, 10, 5, 0)]
    return prefix + "1q" + "".join([_CHARSET[value] for value in values])


def hash160(content: bytes) -> bytes:
    """RIPEMD-160 of SHA-256."""
    return hashlib.new("ripemd160", hashlib.sha256(content).digest()).digest()
