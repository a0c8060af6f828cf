"""The signer's judgement: whether a draft does what was approved, and nothing else. Everything it is told may be a lie.

It believes the vault (seed, limits, approvers' keys, cold addresses), its own record and its own clock.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Final

import msgspec
from nacl.exceptions import CryptoError
from nacl.signing import VerifyKey

from exchange.custody.derivation import EVM
from exchange.custody.port import Payment, Purpose
from exchange.custody.signer import bitcoin as signer_bitcoin
from exchange.custody.signer import evm as signer_evm
from exchange.custody.signer.judged import No, Output, Reading
from exchange.custody.signer.record import Entry, Paid, Record
from exchange.custody.signer.rules import ChainRules, Rules
from exchange.custody.signer.seed import Node
from exchange.custody.signing import Signed, Wish, digest
from exchange.custody.treasury.cold import key_of

MOST_PAYMENTS: Final = 500
MOST_APPROVALS: Final = 2_000
LONGEST_ID: Final = 200
_PAYING: Final = frozenset({Purpose.HOT, Purpose.CHANGE})
_encode: Final = msgspec.json.Encoder().encode


class Judge:
    """Signs what is approved and within limits; refuses all else by raising `No`."""

    def __init__(
        self,
        rules: Rules,
        approvers: Mapping[str, bytes],
        cold: Mapping[str, frozenset[str]],
        root: Node,
        record: Record,
    ) -> None:
        """`approvers` by name; `cold` has, per chain, what the chain knows our sealed cold addresses by."""
        self._rules = rules
        self._people = {key: name for name, key in approvers.items()}
        self._cold = cold
        self._root = root
        self._record = record

    def sign(self, wish: Wish) -> Signed:
        """The signed transaction, recorded on disk. The same wish gets the same bytes, however often. Raises `No`."""
        if not (0 < len(wish.id) <= LONGEST_ID) or len(wish.payments) > MOST_PAYMENTS:
            raise No("a draft without a name, or too large")
        asked = _asked(wish)
        if (earlier := self._record.named(wish.id)) is not None:
            if earlier.wish != asked:
                raise No(f"{wish.id} was signed with another content")
            return Signed(earlier.raw, earlier.txid)
        rules = self._rules.get(wish.chain)
        if rules is None:
            raise No(f"the signer's rules know no chain {wish.chain}")
        reading = self._read(rules, wish.body)
        if reading.identity != rules.identity:
            raise No(f"it is for chain {reading.identity}, and {wish.chain} is {rules.identity}")
        given = self._destinations(rules, wish, reading)
        paid = self._paid(rules, wish)
        self._unpaid_elsewhere(wish, reading)
        self._limits(rules, wish.chain, paid, reading.fee, reading.fee + given)
        signed = reading.sign()
        cost = str(reading.fee + given)
        self._record.add(
            Entry(self._record.now(), wish.id, wish.chain, asked, paid, reading.claims, cost, signed.txid, signed.raw)
        )
        return signed

    def _read(self, rules: ChainRules, body: bytes) -> Reading:
        if rules.form == EVM:
            return signer_evm.read(body, self._root)
        return signer_bitcoin.read(rules.form, rules.identity, body, self._root)

    def _destinations(self, rules: ChainRules, wish: Wish, reading: Reading) -> int:
        """Refuse any output that no payment explains and that is not ours; what is given to deposits for gas."""
        left = Counter((output.to, output.contract, output.amount) for output in reading.outputs)
        for payment in wish.payments:
            wanted = (key_of(rules.form, payment.address), payment.contract.lower(), payment.amount)
            if not left[wanted]:
                raise No(f"{payment.id} is not paid as approved: another recipient, amount or asset")
            left[wanted] -= 1
        rest = []
        for output in reading.outputs:
            name = (output.to, output.contract, output.amount)
            if left[name]:
                left[name] -= 1
                rest.append(output)
        if wish.payments:
            self._change(rest, reading)
            return 0
        if wish.approvals:
            raise No("an approval for a payment that is not in it")
        return sum(self._inside(rules, wish.chain, output, reading) for output in rest)

    def _change(self, rest: list[Output], reading: Reading) -> None:
        if not reading.inputs <= _PAYING:
            raise No("payments are made from the hot wallet alone")
        for output in rest:
            if output.ours is None or output.ours[0] is not Purpose.CHANGE:
                raise No(f"an output of {output.amount} to {output.to} that nobody approved and that is no change")

    def _inside(self, rules: ChainRules, chain: str, output: Output, reading: Reading) -> int:
        """Of a draft without payments: refuse what does not stay ours. What it gives a deposit address for gas."""
        if output.contract not in rules.assets:
            raise No(f"the signer's rules know no token {output.contract} on {chain}")
        if output.to in self._cold.get(chain, frozenset()):
            return 0
        purpose = output.ours[0] if output.ours else None
        if purpose in _PAYING or (purpose is Purpose.GAS and not output.contract):
            return 0
        if purpose is Purpose.DEPOSIT and not output.contract and reading.inputs == {Purpose.GAS}:
            if output.amount > rules.top_up:
                raise No(f"{output.amount} for gas is more than the {rules.top_up} that a deposit address may be given")
            return output.amount
        raise No(f"without a payment it would send {output.amount} to {output.to}, which is not ours to send to")

    def _paid(self, rules: ChainRules, wish: Wish) -> tuple[Paid, ...]:
        """Every payment, approved by enough people."""
        approvals = self._approvals(rules, wish)
        if len({payment.id for payment in wish.payments}) != len(wish.payments):
            raise No("one payment stands in it twice")
        return tuple(
            self._one_paid(rules, wish, payment, approvals.get(payment.id, set())) for payment in wish.payments
        )

    def _one_paid(self, rules: ChainRules, wish: Wish, payment: Payment, people: set[str]) -> Paid:
        contract = payment.contract.lower()
        if contract not in rules.assets or not 0 < len(payment.id) <= LONGEST_ID or payment.amount <= 0:
            raise No(f"the signer's rules know no such asset on {wish.chain}, or {payment.id} pays nothing")
        wanted = rules.approvers_for(contract, payment.amount)
        if len(people) < wanted:
            raise No(f"{payment.id} wants {wanted} approvals and has {len(people)}")
        content = digest(payment, wish.chain, rules.identity)
        earlier = self._record.with_payment(payment.id)
        if any(paid.digest != content for entry in earlier for paid in entry.payments if paid.id == payment.id):
            raise No(f"{payment.id} was signed before with another content")
        return Paid(payment.id, content, contract, str(payment.amount), len(people), not earlier)

    def _approvals(self, rules: ChainRules, wish: Wish) -> dict[str, set[str]]:
        """Who approved what; each person counts once. Any approval that does not hold refuses all."""
        if len(wish.approvals) > MOST_APPROVALS:
            raise No("too many approvals")
        payments = {payment.id: payment for payment in wish.payments}
        people: dict[str, set[str]] = {}
        for approval in wish.approvals:
            payment, person = payments.get(approval.payment), self._people.get(approval.approver)
            if payment is None:
                raise No(f"an approval for {approval.payment}, a payment that is not in it")
            if person is None:
                raise No(f"an approval of {approval.payment} by a key that the signer does not know")
            if not _holds(approval.approver, digest(payment, wish.chain, rules.identity), approval.signature):
                raise No(f"{person}'s approval of {approval.payment} is not for this content: edited or replayed")
            people.setdefault(approval.payment, set()).add(person)
        return people

    def _unpaid_elsewhere(self, wish: Wish, reading: Reading) -> None:
        """Refuse a draft that could be mined beside an earlier one of the same payment: it would be paid twice."""
        for payment in wish.payments:
            for earlier in self._record.with_payment(payment.id):
                if earlier.chain != wish.chain or not set(earlier.claims) & set(reading.claims):
                    raise No(
                        f"{payment.id} was signed for in {earlier.id} ({earlier.txid}), which this draft does not "
                        "exclude: it could be paid twice"
                    )

    def _limits(self, rules: ChainRules, chain: str, paid: tuple[Paid, ...], fee: int, cost: int) -> None:
        """Refuse an absurd fee, and what goes over a limit of 24 hours."""
        if fee > rules.fee:
            raise No(f"a fee of {fee} is absurd: at most {rules.fee} on {chain}")
        day = [entry for entry in self._record.last_day() if entry.chain == chain]
        if (costs := cost + sum(int(entry.cost) for entry in day)) > rules.fee_day:
            raise No(f"fees of {costs} in 24 hours on {chain}, over the limit of {rules.fee_day}")
        for contract, asset in rules.assets.items():
            now = [one for one in paid if one.contract == contract and one.first]
            all_day = [one for entry in day for one in entry.payments if one.contract == contract and one.first] + now
            if now and _sum(all_day) > asset.day:
                raise No(f"{asset.name}: {_sum(all_day)} in 24 hours, over the signer's limit of {asset.day}")
            alone = [one for one in all_day if not one.approvals]
            if any(not one.approvals for one in now) and _sum(alone) > asset.automatic_day:
                raise No(f"{asset.name}: {_sum(alone)} in 24 hours without a person, over {asset.automatic_day}")


def _sum(paid: list[Paid]) -> int:
    return sum(int(one.amount) for one in paid)


def _holds(key: bytes, content: bytes, signature: bytes) -> bool:
    try:
        VerifyKey(key).verify(content, signature)
    except (CryptoError, ValueError, TypeError):
        return False
    return True


def _asked(wish: Wish) -> bytes:
    """Digest of a draft: chain, body and payments; who approved is no part of it."""
    payments = [[one.id, one.address, str(one.amount), one.contract] for one in wish.payments]
    return hashlib.sha256(_encode([wish.chain, wish.body.hex(), payments])).digest()
