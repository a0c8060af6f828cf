"""Dashboard, alert rules and docs name the metrics that a running server tells, and no others."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml  # type: ignore[import-untyped]
from prometheus_client.parser import text_string_to_metric_families

from tests.monitoring.house import monitored

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
ALERTS = yaml.safe_load((ROOT / "config" / "alerts.yml").read_text(encoding="utf-8"))
DASHBOARD = json.loads((ROOT / "config" / "grafana-dashboard.json").read_text(encoding="utf-8"))
_NAME = re.compile(r"\b(?:exchange|process)_[a-z_]+")


def rules() -> list[dict[str, str]]:
    return [rule for group in ALERTS["groups"] for rule in group["rules"]]


def expressions() -> list[str]:
    """Everything that rules and panels ask Prometheus."""
    panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    return [rule["expr"] for rule in rules()] + panels


async def told(folder: Path) -> set[str]:
    """The metrics of a running server, by the names of their families as Prometheus keeps them."""
    async with monitored(folder) as (_, _, client):
        page = (await client.get("/metrics")).text
    families = list(text_string_to_metric_families(page))
    return {family.name + ("_total" if family.type == "counter" else "") for family in families}


def family_of(name: str) -> str:
    """The family that a sample belongs to."""
    return re.sub(r"_(bucket|sum|count)$", "", name)


async def test_every_metric_that_rules_and_dashboard_name_exists(tmp_path: Path) -> None:
    there = await told(tmp_path / "data")
    named = {family_of(name) for expression in expressions() for name in _NAME.findall(expression)}
    maybe = {"exchange_clock_synchronised"}  # not where the kernel does not tell
    assert len(named) > 25
    assert named - there - maybe == set()


async def test_every_metric_is_documented_and_no_other(tmp_path: Path) -> None:
    there = await told(tmp_path / "data")
    documented = set(re.findall(r"^\| `((?:exchange|process)_[a-z_]+)`", DOCS, re.MULTILINE))
    assert there - documented == set()
    assert documented - there <= {"exchange_clock_synchronised"}


def test_every_alarm_has_a_summary_and_what_to_do_in_the_docs() -> None:
    documented = set(re.findall(r"^\| ([A-Z][A-Za-z]+) \| \S", DOCS, re.MULTILINE))
    assert documented == {rule["alert"] for rule in rules()}
    assert all(rule["annotations"]["summary"].endswith(".") for rule in rules())  # type: ignore[index]
    assert {rule["labels"]["severity"] for rule in rules()} == {"page", "ticket"}  # type: ignore[index]


async def test_no_metric_has_a_label_that_traders_could_fill(tmp_path: Path) -> None:
    """Only names that operators set up, and words from fixed lists."""
    async with monitored(tmp_path / "data") as (_, _, client):
        page = (await client.get("/metrics")).text
    labels = {name for family in text_string_to_metric_families(page) for one in family.samples for name in one.labels}
    assert labels <= {"asset", "chain", "check", "code", "door", "kind", "le", "phase", "quantile", "state"}


def test_every_file_that_operators_copy_is_told_of_in_the_docs() -> None:
    for path in (ROOT / "config").iterdir():
        assert path.name in DOCS or path.name.startswith("exchange"), path.name
