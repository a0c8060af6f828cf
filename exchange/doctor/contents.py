"""What lies in the data folder: who may read it, settings, ledger, keys, certificate, backups."""

from __future__ import annotations

import ssl
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from exchange.api.door_tls import tls_context
from exchange.app import LEDGER, MASTER_KEY, OFFICE
from exchange.backup.standing import look, read_noted
from exchange.clock import Clock
from exchange.core.units import Micros
from exchange.custody.custody import SIGNER
from exchange.custody.signer.folder import Folder
from exchange.doctor.finding import Finding, fault, ok, warning
from exchange.ledger.db import LedgerDamaged
from exchange.ledger.glance import glance
from exchange.monitoring.readiness import AHEAD_US
from exchange.office.db import OfficeDamaged
from exchange.office.ending_keys import ending
from exchange.office.vault import VaultShut, read_master_key
from exchange.settings import Settings, SettingsError

DAY: Final = 86_400_000_000
SOON: Final = 14 * DAY
"""What ends within this time is told."""
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_PRIVATE: Final = ("*.db", "*.db-wal", "*.head", "keystore/*", "signer/vault.json", "signer/*.key", "signer/record.db")


def permissions(folder: Path) -> Iterator[Finding]:
    """Nobody but the owner reads a file with money, people or keys in it; nobody else writes into the folder."""
    open_ = []
    for pattern in _PRIVATE:
        for path in folder.glob(pattern):
            try:
                if path.stat().st_mode & _OTHERS:
                    open_.append(str(path.relative_to(folder)))
            except PermissionError:
                continue  # the signer's own folder: not even we may look
    if open_:
        todo = f"chmod go-rwx {' '.join(str(folder / name) for name in sorted(open_))}"
        yield fault("permissions", f"others may read or write {', '.join(sorted(open_))}", todo)
    elif folder.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        yield fault("permissions", f"others may write into {folder}", f"chmod go-w {folder}")
    else:
        yield ok("permissions", "nobody but the owner can read what must stay private")


def ledger(folder: Path, clock: Clock) -> Iterator[Finding]:
    """It can be opened, reaches its head, and its pages are whole; and the machine's clock is not behind it."""
    try:
        seen = glance(folder / LEDGER)
    except LedgerDamaged as error:
        yield fault("ledger", f"the ledger cannot be read: {error}", "Keep the files, and restore a backup.")
        return
    if seen.problem:
        yield fault("ledger", f"pages are damaged: {seen.problem}", "Keep the files, and restore a backup.")
    else:
        yield ok("ledger", "the ledger reaches its head and its pages are whole; `exchange verify` compares each row")
    ahead = seen.last - clock.now()
    if ahead > AHEAD_US:
        said = f"the clock is {ahead // 1_000_000:,} seconds behind the ledger's last event"
        yield fault("clock", said, "Set it right before the start: no signed request would be accepted.")
    else:
        yield ok("clock", "the clock is not behind the ledger's last event")


def keys(folder: Path, now: Micros) -> Iterator[Finding]:
    """The master key is there; whose API keys end soon for want of use."""
    try:
        read_master_key(folder / MASTER_KEY)
    except VaultShut as shut:
        yield fault("master key", str(shut), "Bring it from where it is kept apart: without it no secret opens.")
    else:
        yield ok("master key", "the master key is there, readable by its owner alone")
    try:
        count = ending(folder / OFFICE, now, Micros(now + SOON))
    except OfficeDamaged as error:
        yield fault("api keys", f"office.db cannot be read: {error}", "Keep the files, and restore a backup.")
        return
    if count:
        todo = "Tell their owners to use them, or let them go: a key that nobody uses for 90 days is shut."
        yield warning("api keys", f"{count:,} API keys end within 14 days for want of use", todo)
    else:
        yield ok("api keys", "no API key is about to end for want of use")


def signer(folder: Path, settings: Settings) -> Iterator[Finding]:
    """Whoever takes over the server's user should not get the keys with it."""
    if not Folder(folder / SIGNER).vault.exists():
        return
    if not settings.signer_socket:
        todo = "Let it be a service under a user of its own: signer_socket, and config/exchange-signer.service."
        yield warning("signer", "the signer runs under the server's user, who could delete or read its files", todo)
    elif not Path(settings.signer_socket).is_socket():
        said = f"there is no socket at {settings.signer_socket}, so nothing is signed"
        yield fault("signer", said, "systemctl enable --now exchange-signer.socket")
    else:
        yield ok("signer", "the signer is a service of its own")


def certificate(folder: Path, settings: Settings, now: Micros) -> Iterator[Finding]:
    """It fits its key and does not end soon."""
    if not settings.tls_certificate and not settings.tls_key:
        yield ok("certificate", "TLS does not end here: no certificate is set")
        return
    try:
        tls_context(settings, folder)
    except SettingsError as error:
        yield fault("certificate", str(error), "Set both to files that belong together.")
        return
    ends = Micros(certificate_ends(folder / settings.tls_certificate))
    days = (ends - now) // DAY
    if days < 0:
        yield fault("certificate", f"it ended {-days} days ago", "Renew it, and restart the server.")
    elif ends - now < SOON:
        yield warning("certificate", f"it ends in {days} days", "Renew it, and restart the server.")
    else:
        yield ok("certificate", f"it is good for {days} more days")


def certificate_ends(path: Path) -> int:
    """When the first certificate of a PEM file ends, in microseconds."""
    # the standard library decodes certificates, but has no public name for it that takes one of no authority
    found = ssl._ssl._test_decode_cert(str(path))  # type: ignore[attr-defined]  # noqa: SLF001
    return int(ssl.cert_time_to_seconds(str(found["notAfter"]))) * 1_000_000


def backups(folder: Path, settings: Settings, now: Micros) -> Iterator[Finding]:
    """What the schedule has to say; and where there is none, that."""
    standing = look(folder, settings, read_noted(folder), now)
    if not settings.backup.folder:
        todo = "Let the server make them: [backup] in exchange.toml; `exchange backup` makes one by hand."
        yield warning("backups", "no backups are made by themselves", todo)
        return
    for alarm in standing.alarms:
        todo = "`exchange backup-status` has the whole picture; docs/backups.md says what to do."
        yield fault("backups", alarm, todo)
    if not standing.alarms:
        said = "the newest backup, the saved journal and the last restore drill are all young enough"
        yield ok("backups", said)
