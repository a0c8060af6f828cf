"""Before addresses of a key are used, two implementations that share no code must agree on the first twenty.

One is ours (`derivation`, over libsecp256k1). The other runs in a child process with a scratch folder, because its
library writes files when it is imported: bitcoinlib in pure Python, and eth_keys for what EVM makes of a public key.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import Final

import msgspec

from exchange.custody.derivation import BITCOIN_FORMS, EVM, Xpub, addresses

COUNT: Final = 20
_SECONDS: Final = 60
_KEPT: Final = ("PATH", "LANG", "PYTHONPATH")


class Disagreement(Exception):
    """The opinions differ, or there is no second one. The key must not be used."""


class Question(msgspec.Struct, frozen=True):
    """What is asked of the child: an account's key, and which branch. `prefix` is empty for EVM."""

    key: bytes
    code: bytes
    branch: int
    count: int
    prefix: str


def agreed(form: str, xpub: Xpub, branch: int = 0) -> list[str]:
    """The first twenty addresses of a branch, both opinions agreeing. Raises `Disagreement`."""
    ours = [text for _, text in addresses(form, xpub, branch, range(COUNT))]
    theirs = _asked(Question(xpub.key, xpub.code, branch, COUNT, "" if form == EVM else BITCOIN_FORMS[form][0]))
    for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        if one != other:
            raise Disagreement(f"address {index} is {one} for one implementation and {other} for the other. Not used.")
    return ours


def _asked(question: Question) -> list[str]:
    """The child's opinion."""
    with tempfile.TemporaryDirectory() as scratch:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        done = subprocess.run(  # our own interpreter and module
            [sys.executable, "-m", "exchange.custody.second_opinion_child"],
            input=msgspec.json.encode(question),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={**kept, "HOME": scratch, "BCL_DATA_DIR": scratch},
        )
    if done.returncode == 3:
        raise Disagreement(
            "there is no second opinion: bitcoinlib is not installed (`pip install onebox-exchange[second-opinion]`)"
        )
    try:
        theirs = msgspec.json.decode(done.stdout, type=list[str])
    except msgspec.DecodeError as error:
        raise Disagreement(f"the second opinion failed: {done.stderr.decode(errors='replace')[-300:]}") from error
    if len(theirs) != question.count:
        raise Disagreement("the second opinion has fewer addresses")
    return theirs
