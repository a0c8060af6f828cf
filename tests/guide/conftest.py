"""One server for all snippets of a page: they are typed one after the other, as a reader would."""

from collections.abc import Iterator

import pytest

from tests.guide.server import Served, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("guide")) as running:
        yield running
