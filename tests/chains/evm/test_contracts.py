"""The contracts that tests run are the ones whose source lies beside them; and a node that we start, we end."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import trio

from exchange.demo.nodes import NoNode, anvil
from tests.chains.evm.world import CONTRACTS

FOLDER = Path(__file__).parent / "contracts"
SOLC = "solc@0.8.37"
NEEDED = pytest.mark.usefixtures("_node")


def runs(node: anvil.Anvil) -> bool:
    return Path(f"/proc/{node.pid}").exists()


@pytest.mark.nightly
def test_the_sources_compile_to_what_is_kept(tmp_path: Path) -> None:
    """With the compiler named in the sources, from npm."""
    install = [
        "npm",
        "install",
        "--silent",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--prefix",
        str(tmp_path),
        SOLC,
    ]
    subprocess.run(install, check=True, timeout=300)
    compiler = ["node", str(FOLDER / "compile.js"), str(tmp_path / "node_modules")]
    done = subprocess.run(compiler, check=True, timeout=120, capture_output=True)
    assert json.loads(done.stdout) == CONTRACTS


@NEEDED
async def test_a_node_is_gone_when_its_block_ends() -> None:
    async with anvil.running() as node:
        assert runs(node)
    assert not runs(node)


@NEEDED
async def test_a_node_is_gone_when_its_block_is_cancelled() -> None:
    with trio.CancelScope() as scope:
        async with anvil.running() as node:
            scope.cancel()
            await trio.sleep_forever()
    assert not runs(node)


@NEEDED
async def test_a_node_that_does_not_start_says_why() -> None:
    with pytest.raises(NoNode, match="unexpected argument"):
        async with anvil.running("--no-such-option"):
            pass


def test_an_archive_that_was_changed_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def packs(command: list[str], **_: object) -> None:
        (Path(command[command.index("--pack-destination") + 1]) / "anvil.tgz").write_bytes(b"something else")

    monkeypatch.setattr(subprocess, "run", packs)
    monkeypatch.setattr(anvil, "CACHE", tmp_path)
    with pytest.raises(NoNode, match="not the archive that was pinned"):
        anvil.program()
    assert not list(tmp_path.rglob("anvil"))
