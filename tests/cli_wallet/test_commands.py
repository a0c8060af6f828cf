"""`exchange wallet …`, as an operator calls it: passphrases and words come through a pipe, never as arguments."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import trio
from nacl.signing import SigningKey

from exchange import cli
from exchange.admin.server import serve_admin
from exchange.clock import SystemClock
from exchange.custody import second_opinion
from exchange.custody.derivation import account_path
from exchange.custody.port import Purpose
from exchange.custody.signer import keystore
from exchange.custody.signer.folder import Folder, read_public
from exchange.custody.signer.seed import words
from exchange.custody.treasury.cold import cold_addresses
from exchange.custody.wallet import make
from tests.admin.furnished import furnished
from tests.custody.signing_kit import BTC, ENTROPY, LITTLE, RULES, STRANGER, TREE, make_wallet

PASSPHRASE = "a passphrase for tests"
KEY = SigningKey(bytes(range(32))).verify_key.encode().hex()


@pytest.fixture(autouse=True)
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """256 MiB an opening is for the real thing."""
    monkeypatch.setattr(keystore, "MEMORY", LITTLE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with a wallet whose seed is known."""
    make_wallet(tmp_path / "signer")
    return tmp_path


class Told:
    """Exit status and words of a command."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


class Asks:
    """Calls commands with something in the pipe."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: object, pipe: str = PASSPHRASE + "\n") -> Told:
        self._monkeypatch.setattr("sys.stdin", io.StringIO(pipe))
        status = cli.main(["wallet", *map(str, arguments)])
        out, err = self._capsys.readouterr()
        return Told(status, out, err)


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Asks:
    return Asks(monkeypatch, capsys)


def rules(tmp_path: Path, text: str = RULES) -> Path:
    path = tmp_path / "signer.toml"
    path.write_text(text)
    return path


def test_init_makes_a_wallet_once(ask: Asks, tmp_path: Path) -> None:
    made = ask("init", "--rules", rules(tmp_path), "--dir", tmp_path)
    assert made.status == 0, made.err
    assert "Two implementations agree" in made.out
    assert "BTC deposit m/84'/1'/0' xpub" in made.out
    before = (tmp_path / "signer" / "vault.json").read_bytes()
    again = ask("init", "--rules", rules(tmp_path), "--dir", tmp_path)
    assert again.status == 1
    assert "already" in again.err
    assert (tmp_path / "signer" / "vault.json").read_bytes() == before


def test_init_from_words_makes_the_same_keys(ask: Asks, tmp_path: Path) -> None:
    pipe = f"{PASSPHRASE}\n{' '.join(words(ENTROPY))}\n"
    made = ask("init", "--from-words", "--rules", rules(tmp_path), "--dir", tmp_path, pipe=pipe)
    assert made.status == 0, made.err
    assert TREE.below(account_path(BTC, 0)).xpub().text() in made.out
    assert "record from its backup" in made.out


@pytest.mark.parametrize(
    ("text", "pipe", "why"),
    [
        ("x = 1", PASSPHRASE, "rules"),
        (RULES.replace('fee = "0.001"', "fee = 0.001"), PASSPHRASE, "fee"),
        (RULES.replace('day = "5"', 'day = "0.5"'), PASSPHRASE, "automatic ≤ one_person ≤ day"),
        (RULES, "short", "too short"),
        (RULES, f"{PASSPHRASE}\nabandon ability able\n", ""),
    ],
)
def test_a_faulty_init_makes_nothing(ask: Asks, tmp_path: Path, text: str, pipe: str, why: str) -> None:
    extra = ["--from-words"] if not why else []
    made = ask("init", *extra, "--rules", rules(tmp_path, text), "--dir", tmp_path, pipe=pipe)
    assert made.status == 1
    assert why in made.err
    assert not (tmp_path / "signer").exists()


def test_the_seed_is_shown_once_and_checked_by_typing_it(ask: Asks, tmp_path: Path) -> None:
    make(tmp_path / "signer", PASSPHRASE.encode(), RULES, SystemClock(), memory=LITTLE)
    wrong = ask("backup-seed", "--dir", tmp_path, pipe=f"{PASSPHRASE}\n{'abandon ' * 24}\n")
    assert wrong.status == 1
    assert "differs" in wrong.err
    vault = keystore.open_vault(tmp_path / "signer" / "vault.json", PASSPHRASE.encode(), SystemClock())
    right = words(vault.secrets.entropy)
    shown = ask("backup-seed", "--dir", tmp_path, pipe=f"{PASSPHRASE}\n{' '.join(right)}\n")
    assert shown.status == 0
    assert [line.split()[1] for line in shown.out.splitlines()[:24]] == right
    once = ask("backup-seed", "--dir", tmp_path)
    assert once.status == 1
    assert "shown once" in once.err
    assert not any(word in once.out.split() for word in right)


def test_rotate_changes_the_passphrase(ask: Asks, folder: Path) -> None:
    assert ask("rotate", "--dir", folder, pipe=f"{PASSPHRASE}\nquite another passphrase\n").status == 0
    assert ask("approver", "list", "--dir", folder).status == 1
    assert ask("approver", "list", "--dir", folder, pipe="quite another passphrase\n").status == 0


def test_a_wrong_passphrase_is_told_in_a_sentence(ask: Asks, folder: Path) -> None:
    told = ask("approver", "list", "--dir", folder, pipe="not the right passphrase\n")
    assert told.status == 1
    assert "passphrase is wrong" in told.err
    assert "Traceback" not in told.err


def test_approvers_are_added_listed_and_removed(ask: Asks, folder: Path) -> None:
    assert ask("approver", "add", "carl", KEY, "--dir", folder).status == 0
    assert KEY in ask("approver", "list", "--dir", folder).out
    again = ask("approver", "add", "carl-again", KEY, "--dir", folder)
    assert again.status == 1
    assert "one person, one key" in again.err
    assert ask("approver", "remove", "carl", "--dir", folder).status == 0
    assert KEY not in ask("approver", "list", "--dir", folder).out


@pytest.mark.parametrize("key", ["zz", "00" * 31, "00" * 32])
def test_a_bad_approvers_key_is_refused(ask: Asks, folder: Path, key: str) -> None:
    assert ask("approver", "add", "carl", key, "--dir", folder).status == 1


def test_a_cold_xpub_is_imported_when_two_implementations_agree(ask: Asks, folder: Path) -> None:
    xpub = TREE.below(account_path("bitcoin-mainnet", 5)).xpub().text()
    told = ask("import-xpub", "BTC", xpub, "--dir", folder)
    assert told.status == 0, told.err
    assert "agree on the first 20" in told.out
    assert cold_addresses(BTC, xpub, 1)[0] in told.out
    assert read_public(Folder(folder / "signer")).wallets["BTC"].cold == (xpub,)


def test_the_hot_wallets_own_key_is_no_cold_key(ask: Asks, folder: Path) -> None:
    own = read_public(Folder(folder / "signer")).wallets["BTC"].xpub(Purpose.DEPOSIT)
    told = ask("import-xpub", "BTC", own, "--dir", folder)
    assert told.status == 1
    assert "would not be cold" in told.err
    assert read_public(Folder(folder / "signer")).wallets["BTC"].cold == ()


def test_a_cold_address_is_imported(ask: Asks, folder: Path) -> None:
    assert ask("import-xpub", "BTC", STRANGER, "--dir", folder).status == 0
    assert read_public(Folder(folder / "signer")).wallets["BTC"].cold == (STRANGER,)


@pytest.mark.parametrize(("chain", "xpub"), [("BTC", "xpub123"), ("BTC", "0x" + "ab" * 20), ("DOGE", STRANGER)])
def test_what_is_no_cold_key_is_refused(ask: Asks, folder: Path, chain: str, xpub: str) -> None:
    assert ask("import-xpub", chain, xpub, "--dir", folder).status == 1
    assert read_public(Folder(folder / "signer")).wallets["BTC"].cold == ()


def test_an_example_of_rules_is_shown_and_new_ones_are_sealed(ask: Asks, folder: Path) -> None:
    assert "automatic_day" in ask("rules").out
    path = rules(folder, RULES.replace('day = "5"', 'day = "7"'))
    assert ask("rules", "--set", path, "--dir", folder).status == 0
    vault = keystore.open_vault(folder / "signer" / "vault.json", PASSPHRASE.encode(), SystemClock())
    assert 'day = "7"' in vault.secrets.rules


async def test_a_running_servers_signer_is_unlocked_by_a_passphrase_that_the_server_cannot_read(
    ask: Asks, folder: Path
) -> None:
    async with furnished(folder, demo=True) as house, trio.open_nursery() as nursery:
        stop = trio.Event()
        await nursery.start(lambda task_status: serve_admin(house, house.socket, stop=stop, task_status=task_status))
        assert "the vault is locked" in (await trio.to_thread.run_sync(ask, "status", "--dir", folder)).out
        wrong = await trio.to_thread.run_sync(lambda: ask("unlock", "--dir", folder, pipe="not the right passphrase\n"))
        assert wrong.status == 1
        assert "passphrase is wrong" in wrong.err
        told = await trio.to_thread.run_sync(ask, "unlock", "--dir", folder)
        assert told.status == 0, told.err
        assert "unlocked: 0 drafts" in told.out
        assert "approvers: ann, ben" in (await trio.to_thread.run_sync(ask, "status", "--dir", folder)).out
        trail = "".join(entry.detail for entry in house.trail.tail(50))
        assert "sealed" not in trail
        stop.set()


def test_a_wallet_on_whose_addresses_two_implementations_differ_is_not_made(
    ask: Asks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_opinion, "_asked", lambda _question: ["another address"] * 20)
    told = ask("init", "--rules", rules(tmp_path), "--dir", tmp_path)
    assert told.status == 1
    assert "for the other" in told.err
    assert not (tmp_path / "signer").exists()
