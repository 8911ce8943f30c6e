"""Whether our answer to a query is that of a real Prometheus."""

import math
import re
from collections.abc import Callable

from sidecar.model.errors import QueryError
from sidecar.model.labels import Labels
from sidecar.promql.result import Result, String
from tests.conformance.prometheus.answers import result_of
from tests.conformance.prometheus.server import Answer
from tests.conformance.promql.expect import Points, points_of

RELATIVE = 1e-9
ABSOLUTE = 1e-9
"""What may be left where values of some thousands cancel out: a deviation of equal values, a slope of none."""

STRICTER = "many-to-one matching must be explicit"
"""Several series that find the same one are an error under a filter too, even if the filter leaves one of them:
https://github.com/prometheus/prometheus/pull/17668, after 2.42."""

_FILTER = re.compile(r"(?:[=!<>]=|[<>]) (?!bool)")


def disagreement(query: str, ask: Callable[[], Result], answer: Answer) -> str:
    """Return how our answer to `query` differs from theirs, or an empty text; of errors only the type counts."""
    try:
        ours = ask()
    except QueryError as error:
        expected = STRICTER in str(error) and _FILTER.search(query) is not None
        same = answer.get("errorType") == error.kind
        return "" if same or expected else f"ours is an error ({error.kind}: {error}), theirs {answer!s:.500}"
    if answer["status"] == "error":
        return f"theirs is an error ({answer['errorType']}: {answer['error']}), ours {ours!s:.500}"
    theirs = result_of(answer)
    if type(ours) is not type(theirs):
        return f"ours is {ours!s:.300}, theirs {theirs!s:.300}"
    if isinstance(ours, String) or isinstance(theirs, String):
        return "" if ours == theirs else f"ours is {ours}, theirs {theirs}"
    return _difference(points_of(ours), points_of(theirs))


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
