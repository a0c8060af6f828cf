"""The list of what is in a release is whole and says what is so; and what stops a release."""

from __future__ import annotations

import shutil
from importlib import metadata
from pathlib import Path

import pytest

from release import check, sbom

ROOT = Path(__file__).parents[2]
LOCK = sbom.read_lock((ROOT / "requirements.lock").read_text(encoding="utf-8"))


def test_every_package_of_the_lock_file_is_listed_with_its_hashes() -> None:
    """Once each."""
    components = sbom.document(LOCK, "1.0.0")["components"]
    listed = [(one["name"], one["version"]) for one in components]
    assert len(set(listed)) == len(listed) == len(LOCK) > 100
    assert all(one["properties"] for one in components)
    by_name = {one["name"]: one for one in components}
    assert by_name["trio"]["licenses"] == [{"expression": "MIT OR Apache-2.0"}]


def test_what_is_installed_is_what_is_listed() -> None:
    """So that the list is about what really runs."""
    differs = []
    for one in LOCK:
        try:
            installed = metadata.version(one.name)
        except metadata.PackageNotFoundError:
            continue  # of another platform
        if installed != one.version:
            differs.append((one.name, one.version, installed))
    assert differs == []


def test_what_only_tests_want_is_not_said_to_be_shipped() -> None:
    scopes = {one["name"]: one["scope"] for one in sbom.document(LOCK, "1.0.0")["components"]}
    assert [scopes[name] for name in ("trio", "apsw", "pynacl", "cffi")] == ["required"] * 4
    assert [scopes[name] for name in ("pytest", "ccxt", "web3", "mypy")] == ["excluded"] * 4


def test_every_edge_leads_to_something_that_is_listed() -> None:
    told = sbom.document(LOCK, "1.0.0")
    known = {one["bom-ref"] for one in told["components"]} | {told["metadata"]["component"]["bom-ref"]}
    assert {end for edge in told["dependencies"] for end in (edge["ref"], *edge["dependsOn"])} <= known


def test_the_same_lock_file_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        sbom.write(ROOT / "requirements.lock", tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A tree with the files that are looked at."""
    for name in ("pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-11-30\n\n- This.\n")
    return tmp_path


def set_version(project: Path, version: str) -> None:
    text = (project / "pyproject.toml").read_text()
    (project / "pyproject.toml").write_text(text.replace(check.project(project)["version"], version))


def test_version_and_changelog_must_agree(project: Path) -> None:
    for version, said in (("1.2.3.dev0", r"MAJOR\.MINOR\.PATCH"), ("1.2.4", r"no line `## \[1\.2\.4\]")):
        set_version(project, version)
        with pytest.raises(check.Fault, match=said):
            check.version(project)
    set_version(project, "1.2.3")
    assert check.version(project).startswith("1.2.3")
    text = (project / "CHANGELOG.md").read_text()
    (project / "CHANGELOG.md").write_text(text.replace("[Unreleased]\n", "[Unreleased]\n\n- That.\n"))
    with pytest.raises(check.Fault, match=r"under \[Unreleased\]"):
        check.version(project)


def test_the_lock_file_has_every_pin_and_a_hash_for_each(project: Path) -> None:
    assert "each with hashes" in check.lock(project)
    assert "each with hashes" in check.lock(ROOT)
    text = (project / "requirements.lock").read_text()
    (project / "requirements.lock").write_text(text.replace("\ntrio==0", "\ntrio==9", 1))
    with pytest.raises(check.Fault, match=r"lacks trio=="):
        check.lock(project)


def test_an_unknown_option_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main(["--fast"]) == 2
    assert "usage:" in capsys.readouterr().err
