"""Runs a wallet's command, and tells in a sentence what was refused."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Final

from exchange.cli_people.desk import Work, run_at_desk
from exchange.cli_people.tables import fail
from exchange.cli_wallet import cold, making, verbs
from exchange.custody.derivation import BadXpub
from exchange.custody.port import BadAddress, FeeTooHigh, NodeFault, Unaffordable, WrongChain
from exchange.custody.second_opinion import Disagreement
from exchange.custody.signer.client import NotTheSigner
from exchange.custody.signer.judged import No
from exchange.custody.signer.keystore import VaultDamaged, WrongPassphrase
from exchange.custody.signer.record import RecordDamaged
from exchange.custody.signer.rules import BadRules
from exchange.custody.wallet import WalletRefused

_VERBS: Final[dict[str, Callable[[argparse.Namespace], int]]] = {
    "init": making.make_wallet,
    "backup-seed": making.backup_seed,
    "rotate": making.rotate,
    "rules": verbs.rules,
    "import-xpub": verbs.import_xpub,
    "cold export": cold.export,
    "cold import": cold.import_signed,
    "approver add": verbs.add_approver,
    "approver remove": verbs.remove_approver,
    "approver list": verbs.list_approvers,
}
_AT_DESK: Final[dict[str, Work]] = {"status": verbs.status, "unlock": verbs.unlock}
_OURS: Final = (
    BadAddress,
    FeeTooHigh,
    NodeFault,
    Unaffordable,
    WrongChain,
    BadRules,
    BadXpub,
    Disagreement,
    No,
    NotTheSigner,
    RecordDamaged,
)
_WHOLE: Final = (VaultDamaged, WalletRefused, WrongPassphrase)
"""Those whose words already say what was not changed."""


def run_wallet(arguments: argparse.Namespace) -> int:
    """The process's exit status."""
    try:
        if arguments.does in _AT_DESK:
            return run_at_desk(_AT_DESK[arguments.does], arguments)
        return _VERBS[arguments.does](arguments)
    except _WHOLE as error:
        return fail(str(error))
    except _OURS as error:
        return fail(f"{str(error).removesuffix('.')}. Nothing was changed.")
