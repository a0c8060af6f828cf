"""`exchange.toml`: what an operator may set. Units are in the names; unknown keys are refused; all errors at once."""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from exchange.backup_settings import BackupSettings, backup_example, faults_of_backup
from exchange.chain_settings import ChainSettings, chain_example, faults_of_chains

DEFAULT_FILE: Final = "exchange.toml"


class SettingsError(Exception):
    """The settings cannot be used; the message lists every fault."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings. Each field is documented in `HELP`, and a test fails when one is not."""

    host: str = "127.0.0.1"
    tls_certificate: str = ""
    tls_key: str = ""
    proxy_address: str = ""
    http_port: int = 8080
    fast_port: int = 8081
    ops_port: int = 0
    demo: bool = False
    weight_limit_per_minute: int = 6_000
    order_limit_per_10_seconds: int = 100
    order_limit_per_day: int = 200_000
    queue_limit_commands: int = 20_000
    batch_limit_commands: int = 500
    body_limit_bytes: int = 65_536
    connections_per_address: int = 1_000
    fast_connections: int = 4_096
    connection_attempts_per_5_minutes: int = 300
    stream_buffer_messages: int = 1_000
    free_disk_reserve_mib: int = 256
    shutdown_limit_seconds: int = 10
    slow_request_milliseconds: int = 1_000
    admin_idle_limit_seconds: int = 1_800
    two_person_rule: bool = True
    signer_socket: str = ""
    deny_list_file: str = "deny.txt"
    withdrawal_allow_list: bool = True
    new_address_wait_hours: int = 24
    new_key_wait_hours: int = 24
    backup: BackupSettings = BackupSettings()
    chains: dict[str, ChainSettings] = {}


HELP: Final = {
    "host": "The address both doors listen on. Anything but loopback wants tls_certificate, or a TLS proxy in front.",
    "tls_certificate": "File with the certificate chain (PEM) that both doors show; if unset, they speak plainly.",
    "tls_key": "File with that certificate's private key (PEM), readable by its owner alone.",
    "proxy_address": "Address of your proxy: its X-Forwarded-For is believed. If unset, its clients share one limit.",
    "http_port": "Port of the main door (all HTTP); 0 takes any free one.",
    "fast_port": "Port of the fast door (trading, market data, all WebSockets); 0 takes any free one.",
    "ops_port": "Port of the page of metrics and health, always on 127.0.0.1; 0 takes any free one.",
    "demo": "Demo mode: money may be credited out of nothing, and whoever started the server operates it.",
    "weight_limit_per_minute": "Request weight an address may spend per minute; 0 lifts this and all limits by time.",
    "order_limit_per_10_seconds": "Orders an account may place in 10 seconds.",
    "order_limit_per_day": "Orders an account may place in a day.",
    "queue_limit_commands": "Commands that may wait for the sequencer; the last tenth is kept for cancels.",
    "batch_limit_commands": "Commands decided and committed together at the most.",
    "body_limit_bytes": "The largest request body.",
    "connections_per_address": "Connections one address may keep open at each door.",
    "fast_connections": "Connections that the fast door keeps open in all; above that some are told to come later.",
    "connection_attempts_per_5_minutes": "WebSockets an address may try to open in 5 minutes; 0 lifts it.",
    "stream_buffer_messages": "Messages that may wait for one stream reader before it is cut off.",
    "free_disk_reserve_mib": "Below this much free disk space orders are refused; cancels still work.",
    "shutdown_limit_seconds": "How long a stop may take before connections are dropped.",
    "slow_request_milliseconds": "A request that takes longer is logged, with the id that its answer carries.",
    "admin_idle_limit_seconds": "How long an operator's session may be idle.",
    "two_person_rule": "Acts that loosen limits or move what is stuck wait for a second operator; never in demo mode.",
    "signer_socket": "Socket of a signer that is a service of its own, under its own user; if unset, one is started.",
    "deny_list_file": "File with addresses that nothing is paid to: one a line, the reason behind it.",
    "withdrawal_allow_list": "Withdrawals go only to addresses that their owner has put on his list before.",
    "new_address_wait_hours": "How long an address stands on that list before it may be used.",
    "new_key_wait_hours": "How long after it was made an API key may not withdraw.",
    "backup": "When backups are made and how long they are kept, a table; see the end of the example file.",
    "chains": "The chains that are followed, a table each; see the end of the example file.",
}

_AT_LEAST: Final = {
    "http_port": 0,
    "fast_port": 0,
    "ops_port": 0,
    "weight_limit_per_minute": 0,
    "connection_attempts_per_5_minutes": 0,
    "queue_limit_commands": 10,
    "new_address_wait_hours": 0,
    "new_key_wait_hours": 0,
    "free_disk_reserve_mib": 0,
}


_TABLES: Final[dict[str, Callable[[object], Iterator[str]]]] = {"backup": faults_of_backup, "chains": faults_of_chains}
"""Settings that are tables, and who knows their faults."""


def load(folder: Path) -> Settings:
    """The settings of a data folder: its `exchange.toml`, or the defaults where there is none."""
    path = folder / DEFAULT_FILE
    if not path.exists():
        return Settings()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}. Nothing was started.") from error
    faults = list(_faults(content))
    if faults:
        raise SettingsError(f"{path}: " + "; ".join(faults) + ". Nothing was started.")
    return msgspec.convert(content, Settings)


def with_ports(settings: Settings, http_port: int | None, fast_port: int | None) -> Settings:
    """The settings with the ports of the command line, where given. Raises `SettingsError`."""
    changes = {"http_port": http_port, "fast_port": fast_port}
    given = {name: port for name, port in changes.items() if port is not None}
    if faults := _faults(dict(given)):
        raise SettingsError("; ".join(faults) + ". Nothing was started.")
    return msgspec.structs.replace(settings, **given)


def _faults(content: dict[str, object]) -> list[str]:
    """Every fault of a parsed file, in words."""
    kinds = {field.name: field.type for field in msgspec.structs.fields(Settings)}
    faults: list[str] = []
    for name, value in content.items():
        kind = kinds.get(name)
        if name in _TABLES:
            faults += _TABLES[name](value)
        elif kind is None:
            faults.append(f"unknown key {name!r} (known: {', '.join(kinds)})")
        elif type(value) is not kind:
            faults.append(f"{name} must be {getattr(kind, '__name__', kind)}, not {value!r}")
        elif isinstance(value, int) and not isinstance(value, bool) and value < _AT_LEAST.get(name, 1):
            faults.append(f"{name} must be at least {_AT_LEAST.get(name, 1)}, not {value}")
        elif name.endswith("_port") and isinstance(value, int) and value > 65_535:
            faults.append(f"{name} must be at most 65535, not {value}")
        elif name == "proxy_address" and value and not _is_address(str(value)):
            faults.append(f"{name} must be one IP address (192.0.2.1, 2001:db8::1) or empty, not {value!r}")
    return faults


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def example() -> str:
    """A commented `exchange.toml` with every setting at its default."""
    lines = ["# Settings of this exchange. Every line below is the default; uncomment to change it.", ""]
    for field in msgspec.structs.fields(Settings):
        if field.name in _TABLES:
            continue
        value = field.default
        shown = f'"{value}"' if isinstance(value, str) else str(value).lower()
        lines += [f"# {HELP[field.name]}", f"# {field.name} = {shown}", ""]
    return "\n".join([*lines, *backup_example(), *chain_example()])
