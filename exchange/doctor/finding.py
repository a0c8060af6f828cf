"""What a check found: a verdict, one sentence, and what to do."""

from __future__ import annotations

from typing import Literal

import msgspec

Verdict = Literal["ok", "warning", "fault"]


class Finding(msgspec.Struct, frozen=True):
    """`todo` is empty where nothing is to be done. A fault keeps the exchange from running, or puts money at risk."""

    check: str
    verdict: Verdict
    said: str
    todo: str = ""


def ok(check: str, said: str) -> Finding:
    """All is as it should be."""
    return Finding(check, "ok", said)


def warning(check: str, said: str, todo: str) -> Finding:
    """It runs, and should not stay so."""
    return Finding(check, "warning", said, todo)


def fault(check: str, said: str, todo: str) -> Finding:
    """It does not run, or must not."""
    return Finding(check, "fault", said, todo)
