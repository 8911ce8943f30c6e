"""Whether our answer to a query is that of a real Prometheus."""

import math
from collections.abc import Callable

from sidecar.model.errors import QueryError
from sidecar.model.labels import Labels, labels_of
from sidecar.promql.result import Matrix, Result, Scalar, String, Vector
from tests.conformance.prometheus.server import Answer
from tests.conformance.promql.expect import Points, points_of

RELATIVE = 1e-9
ABSOLUTE = 1e-9
"""What may be left where values of some thousands cancel out: a deviation of equal values, a slope of none."""

STRICTER = "many-to-one matching must be explicit"
"""Several series that find the same one are an error under a filter too, even if the filter leaves one of them:
https://github.com/prometheus/prometheus/pull/17668, after 2.42."""

_TYPES: dict[type, str] = {Vector: "vector", Scalar: "scalar", Matrix: "matrix", String: "string"}


def disagreement(ask: Callable[[], Result], theirs: Answer) -> str:
    """Return how our answer differs from `theirs`, or an empty text; of errors only the type counts."""
    try:
        ours = ask()
    except QueryError as error:
        if theirs.get("errorType") == error.kind or STRICTER in str(error):
            return ""
        return f"ours is an error ({error.kind}: {error}), theirs {theirs!s:.500}"
    if theirs["status"] == "error":
        return f"theirs is an error ({theirs['errorType']}: {theirs['error']}), ours {ours!s:.500}"
    data = theirs["data"]
    if _TYPES[type(ours)] != data["resultType"]:
        return f"ours is {ours!s:.300}, theirs a {data['resultType']}"
    if isinstance(ours, String):
        return "" if ours.value == data["result"][1] else f"ours {ours.value!r}, theirs {data['result'][1]!r}"
    return _difference(points_of(ours), _points(data))


def close(ours: float, theirs: float) -> bool:
    """Return whether two values agree; NaN agrees with NaN."""
    if math.isnan(ours) or math.isnan(theirs):
        return math.isnan(ours) and math.isnan(theirs)
    return ours == theirs or math.isclose(ours, theirs, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def _difference(ours: dict[Labels, Points], theirs: dict[Labels, Points]) -> str:
    for labels in sorted(set(ours) ^ set(theirs)):
        whose = "only ours has" if labels in ours else "only theirs has"
        points = ours.get(labels) or theirs[labels]
        return f"{whose} {labels}: {points!s:.300}"
    for labels, points in theirs.items():
        for time in sorted({*points, *ours[labels]}):
            mine, other = ours[labels].get(time), points.get(time)
            if mine is None or other is None or not close(mine, other):
                return f"{labels} at {time}: ours {mine}, theirs {other}"
    return ""


def _points(data: Answer) -> dict[Labels, Points]:
    if data["resultType"] == "scalar":
        return {(): _pairs([data["result"]])}
    return {labels_of(item["metric"]): _pairs(item.get("values") or [item["value"]]) for item in data["result"]}


def _pairs(pairs: list[tuple[float, str]]) -> Points:
    return {round(time * 1000): float(value) for time, value in pairs}
