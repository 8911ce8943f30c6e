"""Answers of Prometheus' HTTP API as our own results."""

from typing import Any

import numpy as np

from sidecar.model.errors import QueryError
from sidecar.model.labels import labels_of
from sidecar.promql.result import Matrix, Result, Sample, Scalar, Series, String, Vector
from tests.conformance.prometheus.server import Answer


def result_of(answer: Answer) -> Result:
    """Return the result; raise QueryError for an error."""
    if answer["status"] != "success":
        raise QueryError(answer["errorType"], answer["error"])
    kind, result = answer["data"]["resultType"], answer["data"]["result"]
    if kind == "matrix":
        return Matrix(tuple(map(_series, result)))
    if kind == "vector":
        time_ms = _milliseconds(result[0]["value"]) if result else 0
        return Vector(time_ms, tuple(Sample(labels_of(item["metric"]), float(item["value"][1])) for item in result))
    if kind == "scalar":
        return Scalar(_milliseconds(result), float(result[1]))
    return String(_milliseconds(result), result[1])


def _series(item: dict[str, Any]) -> Series:
    times = np.array([_milliseconds(pair) for pair in item["values"]], np.int64)
    return Series(labels_of(item["metric"]), times, np.array([float(value) for _, value in item["values"]]))


def _milliseconds(pair: list[Any]) -> int:
    return round(float(pair[0]) * 1000)
