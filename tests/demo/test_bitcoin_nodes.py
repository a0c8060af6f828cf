"""Real nodes of Bitcoin's family: got, started, asked, killed, started again, and gone afterwards."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest

from exchange.custody.rpc import Rpc
from exchange.demo.nodes import NoNode
from exchange.demo.nodes.bitcoind import BITCOIN, LITECOIN, Kind, Refusal, running, running_beside
from exchange.demo.nodes.debian import command, installed_suite
from tests.chains.nodes import missing


@pytest.mark.parametrize("kind", [BITCOIN, LITECOIN], ids=lambda kind: kind.parameters)
async def test_a_node_runs_on_a_chain_of_its_own_and_is_gone_afterwards(kind: Kind) -> None:
    try:
        async with running_beside(kind) as node:
            folder, pid = node.folder, node.pid
            with Rpc(node.url, login_file=node.login_file) as rpc:
                assert (await rpc.call("getblockchaininfo"))["chain"] == "regtest"
    except NoNode as error:
        missing(kind.parameters, error)
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_stopped_node_starts_again_with_its_blocks_and_a_refusal_has_its_code() -> None:
    try:
        with running() as node:
            node.call("createwallet", "miner")
            node.call("generatetoaddress", 101, node.call("getnewaddress", wallet="miner"))
            node.stop()
            node.start()
            assert node.call("getblockcount") == 101
            node.call("loadwallet", "miner")
            assert node.call("getbalance", wallet="miner") == Decimal("50.00000000")
            with pytest.raises(Refusal, match="-8"):
                node.call("getblockhash", 102)
    except NoNode as error:
        missing(BITCOIN.parameters, error)


def test_neither_the_list_of_processes_nor_other_people_learn_the_nodes_password() -> None:
    try:
        with running() as node:
            password = node.login_file.read_text().partition(":")[2]
            assert password not in Path(f"/proc/{node.pid}/cmdline").read_text()
            for file in (node.login_file, node.folder / "bitcoin.conf"):
                assert file.stat().st_mode & 0o077 == 0
    except NoNode as error:
        missing(BITCOIN.parameters, error)


def test_a_node_that_does_not_start_says_why() -> None:
    try:
        command(BITCOIN.package, "unstable", BITCOIN.program)
    except NoNode as error:
        missing(BITCOIN.parameters, error)
    with pytest.raises(NoNode, match="nonsense"), running(BITCOIN, "-nonsense"):
        pass


@pytest.mark.nightly
def test_a_package_that_debian_does_not_have_is_no_node() -> None:
    try:
        suite = installed_suite()
    except NoNode as error:
        missing(LITECOIN.parameters, error)
    with pytest.raises(NoNode, match="no-such-package"):
        command("no-such-package", suite, "usr/bin/x")
