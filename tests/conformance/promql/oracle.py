"""Runs answers recorded from a real Prometheus: {series, cases: [{query, time, resp}]}."""

import json
from pathlib import Path
from typing import Any

from sidecar.model.errors import QueryError
from sidecar.model.labels import Labels, labels_of
from sidecar.promql.evaluate import evaluate_instant
from sidecar.promql.parse import parse
from sidecar.promql.result import Matrix, Result, Scalar, String, Vector
from tests.conformance.promql.expect import Points, difference, points_of
from tests.conformance.promql.report import Report
from tests.conformance.promql.store import Store

TYPES: dict[type, str] = {Vector: "vector", Scalar: "scalar", Matrix: "matrix", String: "string"}


def is_recording(path: Path) -> bool:
    """Return whether the JSON file at `path` holds recorded answers."""
    data = json.loads(path.read_text())
    return isinstance(data, dict) and {"series", "cases"} <= data.keys()


def run_oracle(path: Path) -> Report:
    """Run every case of the file at `path`."""
    data = json.loads(path.read_text())
    store, report = Store(), Report()
    for series in data["series"]:
        values = (float(value) for value in series["values"])
        store.add(labels_of(series["labels"]), zip(series["ts_ms"], values, strict=True))
    for case in data["cases"]:
        _run(case, store, report)
    return report


def _run(case: dict[str, Any], store: Store, report: Report) -> None:
    where, want = f"{case['query'][:140]} @ {case['time']}", case["resp"]
    try:
        answer = evaluate_instant(parse(case["query"]), store, round(case["time"] * 1000))
    except QueryError as error:
        if "is not supported" in str(error):
            report.skipped[f"refused: {str(error).split('parse error: ')[-1]}"] += 1
        else:
            expected = want.get("errorType", "an answer")
            report.record(where, "" if error.kind == expected else f"want {expected}, got {error.kind}: {error}")
        return
    if want["status"] == "error":
        report.record(where, f"want error {want['errorType']}, got {answer}")
        return
    report.record(where, _compare(want["data"], answer))


def _compare(want: dict[str, Any], got: Result) -> str:
    if TYPES[type(got)] != want["resultType"]:
        return f"want {want['resultType']}, got {got}"
    if isinstance(got, String):
        return "" if want["result"][1] == got.value else f"want {want['result'][1]!r}, got {got.value!r}"
    return difference(_points(want), points_of(got))


def _points(want: dict[str, Any]) -> dict[Labels, Points]:
    if want["resultType"] == "scalar":
        return {(): _pairs([want["result"]])}
    return {labels_of(item["metric"]): _pairs(item.get("values") or [item["value"]]) for item in want["result"]}


def _pairs(pairs: list[Any]) -> Points:
    return {round(time * 1000): float(value) for time, value in pairs}
