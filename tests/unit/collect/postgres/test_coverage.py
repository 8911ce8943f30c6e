"""Every family of postgres_exporter that must be there is, on every version that has it: from rows of real servers."""

import csv
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from scripts.metrics_reference import own_families
from sidecar.collect.postgres import summary
from tests.unit.collect.postgres.test_recorded import RECORDED, converted

MAJORS = (13, 14, 15, 16, 17, 18)
FROM_THE_RUNNER = {family.name for family in summary.FAMILIES}
FROM_THE_PROCESS = {
    "postgres_exporter_config_last_reload_successful",
    "postgres_exporter_config_last_reload_success_timestamp_seconds",
}
GONE = {"pg_stat_progress_vacuum_max_dead_tuples": 17}
"""Since that version the server limits dead rows by memory, and upstream shows bytes under the name of rows."""


@cache
def emitted(major: int) -> frozenset[str]:
    """Return the families that a primary or a replica of that version has with everything switched on."""
    files = [path for folder in (f"{major}", f"{major}-replica") for path in (RECORDED / folder).glob("*.json")]
    return frozenset(family.name for path in files for family, samples in converted(path)[1] if samples)


@pytest.fixture
def theirs(shared_data: Path) -> list[dict[str, str]]:
    """The families that upstream emits by default or behind a setting."""
    with (shared_data / "exporters" / "postgres_metrics.tsv").open() as file:
        return [row for row in csv.DictReader(file, delimiter="\t") if row["scope"] != "excluded"]


def exists(row: Mapping[str, str], major: int) -> bool:
    """Return whether that version of Postgres has what the family is about."""
    text = row["min_version"]
    if major >= GONE.get(row["name"], major + 1):
        return False
    if text.startswith("dynamic"):
        return major in {15, 18} and f"pg{major}" in text and f"not pg{major}" not in text
    first = re.match(r"\d+", text)
    return first is None or int(first[0]) <= major


@pytest.mark.parametrize("major", MAJORS)
def test_every_family_is_emitted_on_every_version_that_has_it(theirs: list[dict[str, str]], major: int) -> None:
    expected = {row["name"] for row in theirs if exists(row, major)} - FROM_THE_RUNNER - FROM_THE_PROCESS
    assert sorted(expected - emitted(major)) == []


def test_what_postgres_17_took_from_the_background_writer_is_there_still() -> None:
    checkpoints = ["checkpoints_timed", "checkpoints_req", "checkpoint_write_time", "checkpoint_sync_time"]
    lost = [*checkpoints, "buffers_checkpoint", "buffers_backend", "buffers_backend_fsync"]
    for major in (17, 18):
        assert {f"pg_stat_bgwriter_{name}_total" for name in lost} <= emitted(major)


def test_what_is_about_the_process_is_there_once() -> None:
    assert {family.name for family in own_families()} >= FROM_THE_PROCESS
