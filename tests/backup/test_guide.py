"""docs/backups.md says what there is: every setting, every command, and each alarm as operators see it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from exchange.backup.drill import Report, _keep
from exchange.backup.names import CopyName
from exchange.backup.standing import Noted, Trouble, look
from exchange.backup_settings import BACKUP_HELP, BackupSettings
from exchange.cli import parser
from exchange.core.units import Micros, Seq
from exchange.settings import Settings

GUIDE = (Path(__file__).parents[2] / "docs" / "backups.md").read_text(encoding="utf-8")


def test_every_setting_stands_in_the_guide_with_its_default_and_its_words() -> None:
    for field in msgspec.structs.fields(BackupSettings):
        shown = '""' if field.default == "" else str(field.default)
        assert f"| `{field.name}` | `{shown}` | {BACKUP_HELP[field.name]} |" in GUIDE


def test_every_command_about_backups_stands_in_the_guide() -> None:
    names = [name for action in parser()._actions for name in action.choices or ()]
    ours = [name for name in names if name.startswith("backup") or name in {"restore", "drill"}]
    assert len(ours) == 6
    assert [name for name in ours if f"exchange {name}" not in GUIDE] == []


def alarms(place: Path) -> Iterator[str]:
    """Every alarm there is, as it is raised."""
    now, day = Micros(1_800_000_000_000_000), 86_400_000_000
    there = Settings(backup=BackupSettings(folder=str(place), key_file="/k"))
    gone = Settings(backup=BackupSettings(folder=str(place / "gone"), key_file="/k"))
    for settings in (Settings(), gone, there):
        yield from look(place, settings, Noted(), now).alarms
    (place / CopyName("full", Micros(now - 9 * day), Seq(1), "0" * 12).text).touch()
    noted = Noted(troubles={"full": Trouble(Micros(now - day), 3, "the disk is full")})
    yield from look(place, there, noted, now).alarms
    for good, age in ((True, 9), (False, 1)):
        _keep(place / "drills", Report(Micros(now - age * day), good, "why", "it", 1, "test"))
        yield from look(place, there, Noted(), now).alarms


def test_every_alarm_stands_in_the_guide(tmp_path: Path) -> None:
    """As operators see it, with … for figures."""
    raised = {re.sub(r"\d+ \w+", "…", alarm).split(":")[0].split(",")[0] for alarm in alarms(tmp_path)}
    assert len(raised) == 9
    assert [text for text in sorted(raised) if text.replace(f"{tmp_path}/gone cannot", "… cannot") not in GUIDE] == []


def test_the_readme_s_backup_can_be_restored_as_it_says(tmp_path: Path) -> None:
    """Its four lines, typed in an empty folder beside a fresh exchange; serving it is what other tests do."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    block = next(text for text in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL) if "backup-key new" in text)
    lines = [line for line in block.replace(" && .venv/bin/exchange serve --dir restored", "").splitlines() if line]
    assert len(lines) == 4
    script = "\n".join(["set -e", ".venv/bin/exchange init --dir data", *lines])
    script = script.replace(".venv/bin/exchange", f"{sys.executable} -m exchange")
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Every row agrees" in done.stdout
