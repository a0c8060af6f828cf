"""API keys: made, found, revoked, and never seen at rest."""

from __future__ import annotations

import base64
import hmac

import pytest
from nacl.signing import SigningKey

from exchange.core.units import AccountId
from exchange.office.keys import MAX_KEYS, KeyRefused, Scope, parse_scopes
from exchange.office.proofs import parse_public_key
from exchange.office.vault import EnvelopeBroken
from tests.office.rooms import Office

ALICE, BOB = AccountId(100), AccountId(101)
TRADE = frozenset({Scope.TRADE})
SPKI = bytes.fromhex("302a300506032b6570032100")


def pem(der: bytes) -> str:
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{text}-----END PUBLIC KEY-----\n"


def test_a_new_key_works_at_once(office: Office) -> None:
    new = office.keyring.create(ALICE, TRADE, "hmac")
    found = office.keyring.find(new.api_key)
    assert found is not None
    assert (found.account, found.secret) == (ALICE, str(new.secret).encode())


def test_a_key_works_after_a_restart(office: Office) -> None:
    new = office.keyring.create(ALICE, TRADE, "hmac")
    found = office.reopened().keyring.find(new.api_key)
    assert found is not None
    assert found.secret == str(new.secret).encode()


def test_b18_to_trade_one_must_read(office: Office) -> None:
    """B18: scopes; trade includes read."""
    assert office.keyring.create(ALICE, TRADE, "hmac").key.scopes == {Scope.TRADE, Scope.READ}


def test_b18_a_key_to_read_cannot_trade(office: Office) -> None:
    assert office.keyring.create(ALICE, frozenset({Scope.READ}), "hmac").key.scopes == {Scope.READ}


def test_b18_a_key_to_withdraw_has_addresses_and_reads_and_does_not_trade(office: Office) -> None:
    """B18: without addresses there is none, nor can they be lifted later."""
    with pytest.raises(KeyRefused, match="needs addresses"):
        office.keyring.create(ALICE, parse_scopes(("withdraw",)), "hmac")
    made = office.keyring.create(ALICE, parse_scopes(("withdraw",)), "hmac", addresses=("203.0.113.7",))
    assert made.key.scopes == {Scope.READ, Scope.WITHDRAW}
    with pytest.raises(KeyRefused, match="needs addresses"):
        office.keyring.limit(made.api_key, ())


def test_an_unknown_scope_is_refused_by_name() -> None:
    with pytest.raises(KeyRefused, match="'everything'"):
        parse_scopes(("everything",))


def test_b23_a_revoked_key_is_not_found_any_more(office: Office) -> None:
    """B23: gone from memory before `revoke` returns."""
    new = office.keyring.create(ALICE, TRADE, "hmac")
    office.keyring.revoke(new.api_key)
    assert office.keyring.find(new.api_key) is None


def test_b23_a_revoked_key_stays_revoked_after_a_restart(office: Office) -> None:
    new = office.keyring.create(ALICE, TRADE, "hmac")
    office.keyring.revoke(new.api_key)
    assert office.reopened().keyring.find(new.api_key) is None


def test_a_revoked_key_is_still_listed(office: Office) -> None:
    new = office.keyring.create(ALICE, TRADE, "hmac")
    office.keyring.revoke(new.api_key)
    assert [(key.api_key, key.revoked > 0) for key in office.keyring.list(ALICE)] == [(new.api_key, True)]


def test_the_secret_of_a_revoked_key_is_erased(office: Office) -> None:
    new = office.keyring.create(ALICE, TRADE, "hmac")
    office.keyring.revoke(new.api_key)
    assert office.db.execute("SELECT secret FROM api_keys").fetchall() == [(None,)]


def test_what_is_unknown_cannot_be_revoked(office: Office) -> None:
    with pytest.raises(KeyRefused, match="Nothing was changed"):
        office.keyring.revoke("no such key")


def test_a_list_is_of_one_account_or_of_all(office: Office) -> None:
    for account in (ALICE, BOB):
        office.keyring.create(account, TRADE, "hmac")
    assert ([key.account for key in office.keyring.list(BOB)], len(office.keyring.list())) == ([BOB], 2)


def test_a_list_shows_no_secret(office: Office) -> None:
    office.keyring.create(ALICE, TRADE, "hmac")
    assert [key.secret for key in office.keyring.list()] == [b""]


def test_b19_the_secret_is_encrypted_at_rest(office: Office) -> None:
    """B19: neither office.db nor its WAL has the secret's bytes."""
    secret = str(office.keyring.create(ALICE, TRADE, "hmac").secret).encode()
    files = [file for file in office.path.parent.iterdir() if file.is_file()]
    assert len(files) > 1
    assert all(secret not in file.read_bytes() for file in files)


def test_b38_a_secret_copied_to_another_key_does_not_open(office: Office) -> None:
    """B38: whoever can write office.db still cannot give a key somebody else's secret."""
    mine, other = (office.keyring.create(account, TRADE, "hmac").api_key for account in (ALICE, BOB))
    office.db.execute(
        "UPDATE api_keys SET secret = (SELECT secret FROM api_keys WHERE api_key = ?) WHERE api_key = ?", (mine, other)
    )
    with pytest.raises(EnvelopeBroken, match="another record"):
        office.reopened()


def test_b40_a_keys_repr_does_not_tell_its_secret(office: Office) -> None:
    """B40: it may end up in a log or a trace."""
    new = office.keyring.create(ALICE, TRADE, "hmac")
    assert str(new.secret) not in f"{new!r} {new.key!r} {office.keyring.find(new.api_key)!r}"


def test_b19_an_hmac_secret_signs(office: Office) -> None:
    """B19: HMAC-SHA256 with the secret as it is shown."""
    new = office.keyring.create(ALICE, TRADE, "hmac")
    found = office.keyring.find(new.api_key)
    assert found is not None
    shown = str(new.secret).encode()
    assert hmac.digest(found.secret, b"x=1", "sha256") == hmac.digest(shown, b"x=1", "sha256")


def test_b19_an_ed25519_key_verifies_its_owners_signature(office: Office) -> None:
    """B19: its private half never comes here, so there is no secret to show."""
    signing = SigningKey.generate()
    new = office.keyring.create(ALICE, TRADE, "ed25519", pem(SPKI + bytes(signing.verify_key)), "bot")
    found = office.reopened().keyring.find(new.api_key)
    assert new.secret is None
    assert found is not None
    assert found.verify_key is not None
    assert found.verify_key.verify(b"x=1", signing.sign(b"x=1").signature) == b"x=1"


def test_a_private_key_is_refused_and_not_repeated() -> None:
    with pytest.raises(KeyRefused, match="private key") as refused:
        parse_public_key("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n")
    assert "c2VjcmV0" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "-----BEGIN PUBLIC KEY-----\n!!!\n-----END PUBLIC KEY-----",
        pem(b""),
        pem(SPKI),
        pem(SPKI + bytes(31)),
        pem(SPKI + bytes(33)),
        pem(SPKI + bytes(32)),  # a point of small order: anything would verify
        pem(b"\x30" + bytes(43)),
        pem(bytes(32)),
    ],
)
def test_what_is_no_ed25519_public_key_is_refused(text: str) -> None:
    with pytest.raises(KeyRefused, match="No key was made"):
        parse_public_key(text)


@pytest.mark.parametrize(
    ("scopes", "kind", "text", "label"),
    [
        (frozenset(), "hmac", None, ""),
        (TRADE, "ed25519", None, ""),
        (TRADE, "hmac", None, "x" * 65),
        (TRADE, "hmac", None, "a\x1b[2J"),
    ],
)
def test_a_refused_key_is_not_there(office: Office, scopes: frozenset[Scope], kind: str, text: str, label: str) -> None:
    with pytest.raises(KeyRefused, match="No key was made"):
        office.keyring.create(ALICE, scopes, kind, text, label)  # type: ignore[arg-type]
    assert not office.keyring.list()


def test_an_account_has_a_limit_of_living_keys(office: Office) -> None:
    keys = [office.keyring.create(ALICE, TRADE, "hmac") for _ in range(MAX_KEYS)]
    with pytest.raises(KeyRefused, match="the most there may be"):
        office.keyring.create(ALICE, TRADE, "hmac")
    office.keyring.revoke(keys[0].api_key)
    office.keyring.create(ALICE, TRADE, "hmac")
