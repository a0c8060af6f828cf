"""What a test does that needs a real node and finds that it cannot be had here."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

REQUIRED = "REAL_NODES" in os.environ
"""Set by `.ci/run`: there a node that is missing is a failure, so that no chain goes untested in silence."""


def missing(chain: str, reason: object) -> NoReturn:
    """Skip, loudly and by name; or fail where nodes are required."""
    text = f"NO NODE OF {chain.upper()}: {reason}"
    if REQUIRED:
        pytest.fail(text)
    pytest.skip(text)
