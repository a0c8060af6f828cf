"""Each test gets a house of its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.house import House, running_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with running_house(tmp_path) as running:
        yield running
