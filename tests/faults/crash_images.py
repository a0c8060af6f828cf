"""What a disk may hold after a power cut: all that was synced, and any part of what was written since, in any order.

Of what was not synced each sector of 512 bytes was kept or was not; names of files came and went in order, as on a file
system with a journal, and are certain once any file was synced after them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.faults.promises import Promised
from tests.faults.recording import Created, Cut, Removed, Sent, Step, SyncBegan, SyncDone, Wrote

SECTOR = 512
SHARES = (0.0, 0.05, 0.5, 0.95, 1.0)
"""Of a file's sectors that were not synced so many are kept: a share of each image and file."""


class Disk:
    """A disk as the steps go by: what is certain, and what may be."""

    def __init__(self) -> None:
        self._certain: dict[int, bytearray] = {}
        self._maybe: dict[int, list[Wrote | Cut]] = {}
        self._covered: dict[int, tuple[int, int]] = {}
        """Of each sync that is not done: how many of its file's writes, and of the changes of names, it covers."""
        self._names: dict[str, int] = {}
        self._changes: list[Created | Removed] = []

    def step(self, step: Step) -> None:
        """Something happened."""
        match step:
            case Created(file):
                self._certain[file], self._maybe[file] = bytearray(), []
                self._changes.append(step)
            case Removed(_, synced):
                self._changes.append(step)
                if synced:
                    self._settle(len(self._changes))
            case Wrote(file) | Cut(file):
                self._maybe[file].append(step)
            case SyncBegan(file, sync):
                self._covered[sync] = (len(self._maybe[file]), len(self._changes))
            case SyncDone(file, sync):
                self._synced(file, *self._covered.pop(sync))
            case _:
                pass

    def _synced(self, file: int, writes: int, changes: int) -> None:
        for one in self._maybe[file][:writes]:
            _apply(self._certain[file], one)
        del self._maybe[file][:writes]
        for sync, (count, names) in self._covered.items():  # nobody syncs one file twice at a time
            self._covered[sync] = (count, max(0, names - changes))
        self._settle(changes)

    def _settle(self, changes: int) -> None:
        """So many changes of names are certain."""
        for change in self._changes[:changes]:
            _rename(self._names, change)
        del self._changes[:changes]

    def crash(self, dice: random.Random) -> dict[str, bytes]:
        """One of the images that a power cut may leave here: content by name."""
        names = dict(self._names)
        for change in self._changes[: dice.randint(0, len(self._changes))]:
            _rename(names, change)
        return {name: self._content(file, dice) for name, file in names.items()}

    def _content(self, file: int, dice: random.Random) -> bytes:
        content, share = bytearray(self._certain[file]), dice.choice(SHARES)
        for one in self._maybe[file]:
            for part in _sectors(one):
                if dice.random() < share:
                    _apply(content, part)
        return bytes(content)


def _rename(names: dict[str, int], change: Created | Removed) -> None:
    if isinstance(change, Created):
        names[change.name] = change.file
    else:
        names.pop(change.name, None)


def _apply(content: bytearray, one: Wrote | Cut) -> None:
    size = one.size if isinstance(one, Cut) else one.offset
    if len(content) < size:
        content.extend(bytes(size - len(content)))
    if isinstance(one, Cut):
        del content[size:]
    else:
        content[size : size + len(one.content)] = one.content


def _sectors(one: Wrote | Cut) -> Iterator[Wrote | Cut]:
    """A write as the disk does it: one sector after the other."""
    if isinstance(one, Cut):
        yield one
        return
    start, end = one.offset, one.offset + len(one.content)
    while start < end:
        stop = min(end, start - start % SECTOR + SECTOR)
        yield Wrote(one.file, start, one.content[start - one.offset : stop - one.offset])
        start = stop


class Image:
    """A disk after a power cut, and what had been promised, and sent out, before it."""

    def __init__(
        self, moment: int, files: dict[str, bytes], promises: Sequence[Promised], sent: Sequence[Sent]
    ) -> None:
        self.moment = moment
        self.files = files
        self.promises = promises
        self.sent = sent

    def write(self, folder: Path) -> None:
        """Put the files there, and nothing else."""
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for name, content in self.files.items():
            (folder / name).write_bytes(content)


def images(steps: Sequence[Step], count: int, seed: int) -> Iterator[Image]:
    """So many power cuts, at moments thrown by `seed`, in the order of time."""
    dice, disk = random.Random(seed), Disk()
    promises: list[Promised] = []
    sent: list[Sent] = []
    moments = iter(sorted(dice.randint(0, len(steps)) for _ in range(count)))
    moment = next(moments, None)
    for number in range(len(steps) + 1):
        while moment == number:
            yield Image(moment, disk.crash(dice), tuple(promises), tuple(sent))
            moment = next(moments, None)
        if number < len(steps):
            step = steps[number]
            disk.step(step)
            if isinstance(step, Promised):
                promises.append(step)
            elif isinstance(step, Sent):
                sent.append(step)
