"""R6: the disk fills up. Orders are refused in time and cancels work; when nothing goes any more, nothing is lost."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from exchange.demo.client import ApiError
from exchange.settings import DEFAULT_FILE
from tests.faults.server import Ledger, Load, Running, assert_all_there, demo

SIZE_MIB, RESERVE_MIB = 64, 16
PATIENCE_SECONDS = 120


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", str(folder)]
    mounted = subprocess.run(argv, check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"R6 WAS NOT TRIED: a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path, leave_bytes: int) -> None:
    """Leave so many bytes free."""
    filler = disk / "filler"
    filler.unlink(missing_ok=True)
    with filler.open("wb", buffering=0) as file:
        while (free := _free(disk)) > leave_bytes:
            file.write(bytes(min(1 << 20, free - leave_bytes)))


def _free(disk: Path) -> int:
    said = subprocess.run(["stat", "-f", "-c", "%f %S", str(disk)], capture_output=True, text=True, check=True).stdout
    blocks, size = map(int, said.split())
    return blocks * size


class Trader:
    """Alice, one request after the other; what she is told is noted."""

    def __init__(self, server: Running, notes: Load) -> None:
        self._client = server.client(0)
        self._name = server.ready.accounts[0].name
        self._notes = notes
        self._open: list[str] = []

    async def place(self) -> None:
        client_id = f"{self._notes.tag}-{self._notes.sent}"
        await self._notes._place(self._client, self._name, client_id)
        self._open.append(client_id)

    async def cancel(self) -> None:
        await self._notes._cancel(self._client, self._name, self._open.pop())

    async def until(self, *, refused: bool) -> str:
        """Place until an order is refused, or until one is not; in what words it was refused."""
        with trio.fail_after(PATIENCE_SECONDS):
            while True:
                try:
                    await self.place()
                except ApiError as error:
                    if refused:
                        return str(error)
                else:
                    if not refused:
                        return ""
                await trio.sleep(0.05)

    async def cancel_until_nobody_answers(self) -> None:
        with trio.fail_after(PATIENCE_SECONDS):
            while True:
                await self.cancel()

    async def leave(self) -> None:
        await self._client._drop()


async def test_a_disk_that_fills_up(tmp_path: Path, disk: Path) -> None:
    """Below the reserve orders are refused until there is room again; without any room the server ends, in words."""
    folder, notes = disk / "data", Load("f", 1)
    async with demo(folder, "--bare") as server:
        server.process.terminate()
        assert await server.process.wait() == 0
    settings = folder / DEFAULT_FILE
    settings.write_text(f"free_disk_reserve_mib = {RESERVE_MIB}\n{settings.read_text()}")
    async with demo(folder, "--bare") as server:
        trader = Trader(server, notes)
        for _ in range(80):
            await trader.place()
        fill(disk, (RESERVE_MIB - 4) << 20)
        assert "503" in await trader.until(refused=True)
        await trader.cancel()
        (disk / "filler").unlink()
        await trader.until(refused=False)
        fill(disk, 0)
        with pytest.raises(OSError, match="no answer"):
            await trader.cancel_until_nobody_answers()
        await trader.leave()
        assert await server.process.wait() > 0
    assert "the disk refused" in (disk / "stderr.txt").read_text()
    (disk / "filler").unlink()
    assert_all_there(folder, notes)
    async with demo(folder, "--bare") as server:
        trader = Trader(server, notes)
        await trader.place()
        await trader.leave()
    assert_all_there(folder, notes)
    assert Ledger(folder).verify() > 0
