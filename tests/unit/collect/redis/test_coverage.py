"""Every field that redis_exporter reads from INFO and CLUSTER INFO is read here too, whichever server has it."""

import csv
from pathlib import Path

import pytest

from sidecar.app.registry import REDIS_SECTIONS
from sidecar.collect.redis.section import Section
from sidecar.collect.redis.sections import cluster_info
from sidecar.collect.redis.sections.cluster_info import COMMAND
from sidecar.model.family import MetricType
from tests.unit.collect.redis.answering import server_of


@pytest.fixture
def theirs(shared_data: Path) -> list[dict[str, str]]:
    """The families that upstream emits by default or behind a setting."""
    with (shared_data / "exporters" / "redis_metrics.tsv").open() as file:
        return [row for row in csv.DictReader(file, delimiter="\t") if row["scope"] != "excluded"]


def field_of(row: dict[str, str], command: str) -> str | None:
    """Return the field of that command's reply that the family is read from, if it is one."""
    source = row["source"].removeprefix(f"{command}: ")
    return None if source == row["source"] else source.split()[0]


def test_every_number_of_info_is_a_family_of_that_type(theirs: list[dict[str, str]]) -> None:
    rows = {field: row for row in theirs if (field := field_of(row, "INFO"))}
    info = dict.fromkeys(rows, "1") | {"used_active_time_io_thread_0": "1"}
    sections = [section for section in REDIS_SECTIONS if isinstance(section, Section)]
    emitted = {family.name: family.type for each in sections for family, _ in each.convert(server_of(info))}
    assert len(rows) > 150
    assert {row["name"]: row["type"] for row in rows.values()}.items() <= emitted.items()


def test_every_number_of_cluster_info_is_a_gauge(theirs: list[dict[str, str]]) -> None:
    names = {field: row["name"] for row in theirs if (field := field_of(row, "CLUSTER INFO"))}
    reply = "".join(f"{field}:1\r\n" for field in names).encode()
    emitted = dict(cluster_info.convert({COMMAND: reply}, server_of({"cluster_enabled": "1"})))
    assert len(names) > 30
    assert {family.name for family in emitted} == set(names.values())
    assert {family.type for family in emitted} == {MetricType.GAUGE}
