"""Views on the rows that real servers of several versions gave; `python -m scripts.record` writes those anew."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from scripts.postgres_workload import EVERYTHING
from sidecar.app.registry import POSTGRES_VIEWS
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.view import Server, View
from sidecar.model.family import Family, FamilySamples
from tests.conftest import ROOT

RECORDED = ROOT / "tests/golden/postgres"
CONFIG = PostgresConfig.model_validate({"dsn": "postgresql://localhost", **EVERYTHING})
VIEWS = {view.name: view.for_target(CONFIG) for view in POSTGRES_VIEWS}
FILES = sorted(RECORDED.glob("*/*.json"))

BY_SERVER = "<"
"""Ends the constant part of a family's name that depends on the server, as in `pg_settings_<name>`."""


def converted(path: Path) -> tuple[View, Sequence[FamilySamples]]:
    """Return the view that was recorded in a file and what it makes of the rows."""
    recording = json.loads(path.read_text())
    view = VIEWS[path.stem]
    return view, list(view.convert(recording["rows"], Server(**recording["server"])))


def declares(view: View, family: Family) -> bool:
    """Return whether `family` is one of those that the view says it may return."""
    prefixes = [declared.name.partition(BY_SERVER)[0] for declared in view.families if BY_SERVER in declared.name]
    return family in view.families or any(family.name.startswith(prefix) for prefix in prefixes)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_recorded_rows_become_the_families_that_the_view_declares(path: Path) -> None:
    view, families = converted(path)
    for family, samples in families:
        assert declares(view, family), family.name
        for sample in samples:
            assert sample.name.startswith(family.name)
            assert {name for name, _ in sample.labels} <= {*family.labels, "le"}, sample
            assert math.isfinite(sample.value), sample


@pytest.mark.parametrize("major", [13, 14, 16, 17])
def test_a_primary_and_a_replica_were_recorded(major: int) -> None:
    for folder, is_replica in ((f"{major}", False), (f"{major}-replica", True)):
        recording = json.loads((RECORDED / folder / "replication.json").read_text())
        (row,) = recording["rows"]
        assert (recording["server"]["version"] // 10000, row["is_replica"]) == (major, is_replica)
