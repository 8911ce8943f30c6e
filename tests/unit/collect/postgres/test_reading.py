"""A row that cannot be read costs no other row, in any view."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.app.registry import POSTGRES_VIEWS
from sidecar.collect.postgres.reading import read
from sidecar.collect.postgres.view import Notes, Row, Server, View, per_column
from sidecar.model.family import Family, FamilySamples, MetricType
from tests.unit.collect.postgres.converting import SERVER, view
from tests.unit.collect.postgres.test_recorded import RECORDED

VALUE = Family("value", MetricType.GAUGE, "Value.", ("id",))
SEVERAL = [path for path in sorted((RECORDED / "18").glob("*.json")) if len(json.loads(path.read_text())["rows"]) > 1]
"""Recordings with another row for one that cannot be read."""


def series_of(families: Iterable[FamilySamples]) -> set[tuple[str, Any]]:
    return {(name, labels) for _, samples in families for name, labels, _ in samples}


def with_notes(server: Server = SERVER) -> Server:
    return replace(server, notes=Notes())


@pytest.mark.parametrize("path", SEVERAL, ids=lambda path: path.stem)
@pytest.mark.parametrize("odd", ["2048kB", None, float("nan"), float("inf")], ids=repr)
def test_a_row_with_an_odd_value_costs_no_other_row(path: Path, odd: Any) -> None:
    recording = json.loads(path.read_text())
    rows, server = recording["rows"], Server(**recording["server"])
    of_view = next(each for each in POSTGRES_VIEWS if each.name == path.stem)
    kept, last = rows[:-1], rows[-1]
    good = series_of(of_view.convert(kept, server))
    labels = {"datname", "rolname", "relname", "state", "holder", "name"}
    for column in last.keys() - labels:
        noted = with_notes(server)
        shown = series_of(read(of_view, [*kept, {**last, column: odd}], noted))
        # Who waits longest or costs most may be another one with a row more.
        assert noted.notes.left_out in {0, 1}
        assert {name for name, _ in good} <= {name for name, _ in shown}, column
        if path.stem not in {"waits", "stat_statements"}:
            assert good <= shown, column


@pytest.mark.parametrize("bad", [0, 7, 99])
def test_bad_row_is_found_among_many_and_counted(bad: int) -> None:
    def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
        return per_column(rows, {"value": VALUE}, ("id",))

    rows: list[Mapping[str, Any]] = [{"id": number, "value": "x" if number == bad else number} for number in range(100)]
    server = with_notes()
    of_view = View(name="v", sql={}, families=(VALUE,), convert=convert)
    ((_, samples),) = read(of_view, rows, server)
    assert [sample.value for sample in samples] == [number for number in range(100) if number != bad]
    assert (server.notes.left_out, server.notes.example) == (1, "a row that gives a ValueError")


def test_where_no_row_can_be_read_the_view_fails() -> None:
    with pytest.raises(ValueError, match="no number"):
        read(view("settings"), [{"name": "a", "setting": "x", "unit": None, "vartype": "integer"}], with_notes())


@pytest.mark.parametrize("odd", ["2048kB", "-1:100", "", "0x1F", "1_000", "one", "1e", "\u0661", "on ", "NULL"])
def test_odd_setting_is_left_out_alone(odd: str) -> None:
    row = {"name": "work_mem", "setting": "4096", "unit": "kB", "vartype": "integer"}
    server = with_notes()
    shown = series_of(read(view("settings"), [{**row, "name": "odd", "setting": odd}, row], server))
    assert (shown, server.notes.left_out) == ({("pg_settings_work_mem_bytes", ())}, 1)
    assert server.notes.example == "a text that is no number"


@given(st.lists(st.tuples(st.text(max_size=8), st.one_of(st.none(), st.sampled_from(["8kB", "ms", "x"]))), max_size=9))
def test_whatever_settings_say_the_good_ones_are_shown(odd: list[tuple[str, str | None]]) -> None:
    rows = [{"name": "good", "setting": "1", "unit": None, "vartype": "integer"}]
    rows += [
        {"name": f"odd{number}", "setting": setting, "unit": unit, "vartype": "real"}
        for number, (setting, unit) in enumerate(odd)
    ]
    assert ("pg_settings_good", ()) in series_of(read(view("settings"), rows, with_notes()))
