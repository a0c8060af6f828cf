"""What is under the exchange: the clock, the disk and how fast it is, the file system, limits, the watchdog."""

from __future__ import annotations

import os
import resource
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from exchange.doctor.finding import Finding, fault, ok, warning
from exchange.ops import clock_sync
from exchange.settings import Settings

_SYNCS: Final = 20
_SLOW_SYNC_MS: Final = 20
_GIB: Final = 1 << 30
_LEAST_FILES: Final = 8_192
_LOCAL: Final = {"ext4", "ext3", "ext2", "xfs", "btrfs", "zfs", "f2fs", "overlay"}
_REMOTE: Final = {"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "glusterfs"}
_FORGETS: Final = {"tmpfs", "ramfs"}


def ntp() -> Iterator[Finding]:
    """Somebody keeps the clock."""
    kept = clock_sync.synchronised()
    if kept is None:
        yield warning("ntp", "the kernel does not say whether the clock is kept", "Look at `timedatectl` yourself.")
    elif not kept:
        todo = "Install chrony or systemd-timesyncd: traders' requests are refused when the clock is off by seconds."
        yield warning("ntp", "nobody keeps this machine's clock", todo)
    else:
        yield ok("ntp", "the clock is kept by NTP")


def disk(folder: Path, settings: Settings) -> Iterator[Finding]:
    """Room enough above the reserve."""
    usage, reserve = shutil.disk_usage(folder), settings.free_disk_reserve_mib << 20
    free = f"{usage.free / _GIB:,.1f} GiB of {usage.total / _GIB:,.1f} are free"
    if usage.free < reserve:
        todo = "Make room or enlarge it; orders are refused until then, cancels work."
        yield fault("disk", f"{free}, less than free_disk_reserve_mib", todo)
    elif usage.free < max(2 * reserve, usage.total // 10):
        yield warning("disk", free, "Make room soon: below the reserve orders are refused.")
    else:
        yield ok("disk", free)


def filesystem(folder: Path) -> Iterator[Finding]:
    """A local one: SQLite's locks and fsync mean nothing over a network, and nothing is kept in memory."""
    kind = kind_of(folder)
    if kind in _REMOTE:
        yield fault("filesystem", f"the folder lies on {kind}, over a network", "Move it to a local disk.")
    elif kind in _FORGETS:
        yield fault("filesystem", f"the folder lies on {kind}: it is gone at the next start", "Move it to a disk.")
    elif kind in _LOCAL:
        yield ok("filesystem", f"the folder lies on {kind}, which is local")
    else:
        todo = "Make sure that it is local and that fsync reaches the disk."
        yield warning("filesystem", f"the folder lies on {kind or 'something unknown'}", todo)


def kind_of(folder: Path) -> str:
    """The file system's name by /proc/self/mounts; "" where nothing fits."""
    path, best, kind = str(folder.resolve()), "", ""
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, place, found, *_ = line.split(" ")
        place = place.replace("\\040", " ")
        inside = path == place or path.startswith(place.rstrip("/") + "/")
        if inside and len(place) >= len(best):
            best, kind = place, found
    return kind


def sync_speed(folder: Path) -> Iterator[Finding]:
    """How long a small write takes to reach the disk: each commit waits for one."""
    try:
        took = _synced(folder / f".doctor-{os.getpid()}")
    except OSError as error:
        todo = "Run this as the server's user, and see that the file system is not mounted read-only."
        yield fault("fsync", f"nothing can be written to {folder} ({error.strerror})", todo)
        return
    middle, worst = sorted(took)[_SYNCS // 2] * 1_000, max(took) * 1_000
    said = f"a write reaches the disk in {middle:.1f} ms (the slowest of {_SYNCS}: {worst:.1f} ms)"
    if middle > _SLOW_SYNC_MS:
        yield warning("fsync", said, "Every order waits for this: use an SSD with a capacitor, not a network disk.")
    else:
        yield ok("fsync", said)


def _synced(path: Path) -> list[float]:
    """Seconds of each of some writes to a file that is removed again. Raises `OSError`."""
    took = []
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        for place in range(_SYNCS):
            before = time.perf_counter()
            os.pwrite(handle, b"x" * 4_096, place * 4_096)
            os.fdatasync(handle)
            took.append(time.perf_counter() - before)
    finally:
        os.close(handle)
        path.unlink()
    return took


def limits() -> Iterator[Finding]:
    """Enough open files for the sockets."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < _LEAST_FILES:
        yield warning("files", f"a process may open {most:,} files", "Raise it: LimitNOFILE=65536 in the unit.")
    else:
        said = "as many files as it likes" if most == resource.RLIM_INFINITY else f"{most:,} files"
        yield ok("files", f"a process may open {said}")


def watchdog(units: tuple[Path, ...]) -> Iterator[Finding]:
    """The unit that starts the server has systemd restart it when it hangs. `units`: where it may lie."""
    unit = next((path for path in units if path.exists()), None)
    if unit is None:
        yield warning("watchdog", "no systemd unit is installed", "Copy config/exchange.service: a hang is then ended.")
        return
    lines = unit.read_text(encoding="utf-8", errors="replace").splitlines()
    missing = [name for name in ("WatchdogSec=", "Type=notify") if not any(line.startswith(name) for line in lines)]
    if missing:
        todo = "Take those lines from config/exchange.service."
        yield warning("watchdog", f"{unit} lacks {' and '.join(missing)}", todo)
    else:
        yield ok("watchdog", f"{unit} has systemd watch the server")
