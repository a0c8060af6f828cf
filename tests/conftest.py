"""What all tests share: when the long ones run, and how hard properties are tried."""

import os
import sys
from collections.abc import Iterator

import hypothesis
import pytest
import structlog

NIGHTLY = "NIGHTLY" in os.environ

# By day the same examples on every machine, so that a red check is red for everybody; by night new ones.
hypothesis.settings.register_profile("daily", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.register_profile("nightly", max_examples=2_000, deadline=None, print_blob=True)
hypothesis.settings.load_profile("nightly" if NIGHTLY else "daily")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what is marked nightly, unless NIGHTLY is set."""
    if NIGHTLY:
        return
    for item in items:
        if item.get_closest_marker("nightly"):
            item.add_marker(pytest.mark.skip(reason="runs in `make nightly`"))


def pytest_runtest_setup() -> None:
    """The interpreter's own limit of recursion: py_ecc, which only tests import, lifts it; hostile JSON then kills."""
    sys.setrecursionlimit(1_000)


@pytest.fixture(autouse=True)
def logs_of_its_own() -> Iterator[None]:
    """A command run inside a test sends the logs to that test's captured stderr, which is closed afterwards."""
    yield
    structlog.reset_defaults()
