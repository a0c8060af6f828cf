"""exchange.toml: every setting documented, every fault told, all at once."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from exchange.backup_settings import BACKUP_HELP, BackupSettings
from exchange.chain_settings import CHAIN_HELP, ChainSettings
from exchange.settings import HELP, Settings, SettingsError, example, load, with_ports


def written(folder: Path, text: str) -> Path:
    (folder / "exchange.toml").write_text(text)
    return folder


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    """In the order in which they are shown."""
    assert list(HELP) == [field.name for field in msgspec.structs.fields(Settings)]
    assert all(text.endswith(".") for text in HELP.values())


def test_the_example_holds_every_setting_at_its_default(tmp_path: Path) -> None:
    """As it stands it changes nothing; with every line uncommented neither."""
    assert load(written(tmp_path, example())) == Settings()
    own = [line for line in example().splitlines() if not line.startswith("##")]
    lines = [line.removeprefix("# ") for line in own if " = " in line]
    assert len(lines) == len(HELP) - len(["backup", "chains"])
    assert load(written(tmp_path, "\n".join(lines))) == Settings()


@pytest.mark.parametrize(
    ("table", "kind", "words"),
    [("[backup]", BackupSettings, BACKUP_HELP), ("[chains.BTC]", ChainSettings, CHAIN_HELP)],
)
def test_every_setting_of_a_table_is_documented_and_shown(
    table: str, kind: type[msgspec.Struct], words: dict[str, str]
) -> None:
    """In the order in which they are shown."""
    names = [field.name for field in msgspec.structs.fields(kind)]
    assert list(words) == names
    assert all(text.endswith(".") for text in words.values())
    shown = example().split(f"## {table}\n")[1].split("\n\n")[0].splitlines()
    assert [line.split(" ")[1] for line in shown if " = " in line] == names


def test_the_schedule_of_backups_is_read(tmp_path: Path) -> None:
    """The rest is the default."""
    text = '[backup]\nfolder = "/mnt/b"\nkey_file = "/etc/k"\nsegment_minutes = 1\n'
    expected = BackupSettings(folder="/mnt/b", key_file="/etc/k", segment_minutes=1)
    assert load(written(tmp_path, text)).backup == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("backup = 1", "backup must be a table"),
        ("[backup]\ncolour = 1", "unknown key 'backup.colour' (known: folder, "),
        ('[backup]\nfolder = "/b"', "backup.key_file is missing"),
        ('[backup]\nkey_file = "/k"', "backup.folder is missing"),
        ('[backup]\ncommand = "cat"', "backup.folder is missing"),
        ('[backup]\narchive = "/a"', "backup.folder is missing"),
        ('[backup]\nfolder = "/b"\nkey_file = "/k"\narchive = "a"', "backup.archive must be an absolute path, not 'a'"),
        ('[backup]\nfolder = "b"\nkey_file = "/k"', "backup.folder must be an absolute path, not 'b'"),
        ("[backup]\nsegment_minutes = 6", "backup.segment_minutes must be from 1 to 5, not 6"),
        ("[backup]\ndrill_every_days = 8", "backup.drill_every_days must be from 1 to 7, not 8"),
        ("[backup]\nkeep_daily = 0", "backup.keep_daily must be from 1 to 3660, not 0"),
        ('[backup]\nevery_hours = "1"', "backup.every_hours must be int, not '1'"),
    ],
)
def test_a_schedule_that_cannot_be_kept_is_told(tmp_path: Path, text: str, said: str) -> None:
    """What was promised to an operator is not quietly less."""
    with pytest.raises(SettingsError, match=re.escape(said)):
        load(written(tmp_path, text))


def test_a_chain_is_named_by_its_table(tmp_path: Path) -> None:
    """The rest is the default."""
    text = '[chains.BTC]\nfamily = "bitcoin"\nparameters = "bitcoin-regtest"\nrpc_url = "http://127.0.0.1:18443"\n'
    chain = ChainSettings(family="bitcoin", parameters="bitcoin-regtest", rpc_url="http://127.0.0.1:18443")
    assert load(written(tmp_path, text)).chains == {"BTC": chain}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("chains = 1", "chains must be tables"),
        ("[chains]\nBTC = 1", "chains.BTC must be a table"),
        ('[chains.btc]\nfamily = "memory"', "chains.btc: a chain's name is"),
        ("[chains.BTC]", "chains.BTC.family must be one of bitcoin, evm, memory"),
        ('[chains.BTC]\nfamily = "memory"\ncolour = 1', "unknown key 'chains.BTC.colour' (known: family, "),
        ('[chains.BTC]\nfamily = "memory"\naddress_pool = "x"', "chains.BTC.address_pool must be int, not 'x'"),
        ('[chains.BTC]\nfamily = "memory"\naddress_pool = 0', "chains.BTC.address_pool must be at least 1"),
        ('[chains.ETH]\nfamily = "evm"\nchain_id = 1', "chains.ETH.rpc_url is missing"),
        ('[chains.ETH]\nfamily = "evm"\nrpc_url = "http://a"', "chains.ETH.chain_id is missing"),
        ('[chains.BTC]\nfamily = "bitcoin"\nrpc_url = "http://a"', "chains.BTC.parameters is missing"),
        ('[chains.BTC]\nfamily = "bitcoin"\nrpc_url = "ws://a"', "chains.BTC.rpc_url must begin with http"),
        ('[chains.BTC]\nfamily = "bitcoin"\nrpc_url = "http://u:p@a"', "put them into rpc_credentials_file"),
    ],
)
def test_faults_of_a_chain_are_told_with_their_place(tmp_path: Path, text: str, said: str) -> None:
    """All of them, like any other."""
    with pytest.raises(SettingsError) as caught:
        load(written(tmp_path, text))
    assert said in str(caught.value)


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    """An empty one too."""
    assert load(tmp_path) == load(written(tmp_path, "")) == Settings()


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """Unknown keys with those that exist, wrong kinds, and numbers out of range."""
    text = 'colour = "red"\nhttp_port = "80"\nfast_port = 70000\nqueue_limit_commands = 1\n'
    text += 'proxy_address = "10.0.0.0/8"\n'
    text += "demo = 1\nbody_limit_bytes = true\n"
    with pytest.raises(SettingsError) as caught:
        load(written(tmp_path, text))
    message = str(caught.value)
    assert "unknown key 'colour' (known: host, " in message
    assert "http_port must be int, not '80'" in message
    assert "fast_port must be at most 65535, not 70000" in message
    assert "queue_limit_commands must be at least 10, not 1" in message
    assert "demo must be bool, not 1" in message
    assert "proxy_address must be one IP address (192.0.2.1, 2001:db8::1) or empty, not '10.0.0.0/8'" in message
    assert "body_limit_bytes must be int, not True" in message
    assert message.endswith("Nothing was started.")


@pytest.mark.parametrize("text", ["host = ", "[host]\n", "host = 'a'\nhost = 'b'"])
def test_what_is_no_toml_is_refused_with_the_place(tmp_path: Path, text: str) -> None:
    """No trace of Python's."""
    with pytest.raises(SettingsError, match=r"exchange\.toml"):
        load(written(tmp_path, text))


def test_ports_of_the_command_line_come_before_those_of_the_file() -> None:
    """Only where given, and under the same rules."""
    settings = Settings(http_port=1000, fast_port=2000)
    assert with_ports(settings, None, None) == settings
    assert with_ports(settings, 0, None) == Settings(http_port=0, fast_port=2000)
    with pytest.raises(SettingsError, match="http_port must be at least 0"):
        with_ports(settings, -1, 99_999)
