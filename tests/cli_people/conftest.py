"""Logs as each test finds them: the command line configures them for a whole process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def _logs() -> Iterator[None]:
    """Defaults before and after."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()
