"""R2 for what leaves: a power cut forgets no transaction that was handed out, and none is made a second time."""

from __future__ import annotations

from pathlib import Path

import pytest

from exchange.core import audit
from exchange.custody.store import CustodyDamaged, Store
from exchange.ledger.journal import Journal
from exchange.ledger.restore import restore
from tests.conftest import NIGHTLY
from tests.faults.crash_images import Image, images
from tests.faults.promises import Lost
from tests.faults.recording import Sent
from tests.faults.test_power_cut import recorded

RUNS = 6 if NIGHTLY else 1
IMAGES = 500 if NIGHTLY else 60


def judge(image: Image, folder: Path) -> None:
    """Start on what the disk kept. Raises `Lost` where custody.db does not know of something that was sent."""
    image.write(folder)
    journal = Journal(folder / "ledger.db")
    try:
        assert list(audit.violations(restore(journal.connection))) == []
    finally:
        journal.close()
    store = Store(folder / "custody.db")
    try:
        known = {bytes(raw) for (raw,) in store.reader.execute("SELECT raw FROM attempts WHERE raw IS NOT NULL")}
    finally:
        store.close()
    for one in image.sent:
        if one.content not in known:
            raise Lost(f"a transaction of {len(one.content)} bytes was handed out, and nobody knows of it")


@pytest.mark.parametrize("seed", range(1, 1 + RUNS))
def test_what_was_handed_out_is_known_after_a_power_cut(tmp_path: Path, seed: int) -> None:
    """60 images by day, 3,000 by night, of chains of both kinds; each file starts."""
    steps = recorded(tmp_path, seed, run="recorded_payouts")
    assert sum(isinstance(step, Sent) for step in steps) > 3
    for image in images(steps, IMAGES, seed):
        try:
            judge(image, tmp_path / "image")
        except BaseException:
            print(f"seed {seed}, power cut after step {image.moment} of {len(steps)}")
            raise


def test_bytes_that_are_not_synced_before_they_are_sent_are_missed(tmp_path: Path) -> None:
    """The control: a custody.db that does not sync its commits forgets what was sent, or does not start."""
    found = 0
    for image in images(recorded(tmp_path, 1, "custody-normal", run="recorded_payouts"), 40, 1):
        try:
            judge(image, tmp_path / "image")
        except (Lost, CustodyDamaged):
            found += 1
    print(f"custody-normal: {found} of 40 images")
    assert found
