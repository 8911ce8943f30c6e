"""What the page at `/graph` says, where the links of alerts lead: the present value of an expression, as a table."""

from collections.abc import Iterator
from datetime import UTC, datetime
from json import dumps

from sidecar.api.page.overview import Overview, Table
from sidecar.model.errors import QueryError
from sidecar.model.labels import METRIC_NAME, Labels
from sidecar.promql.number import format_plain
from sidecar.promql.result import Matrix, Result, Vector
from sidecar.runtime.clock import Clock
from sidecar.runtime.queries import Queries

TITLE = "Present value"
MOST_ROWS = 1000
MOST_CHARACTERS = 2000
"""Of the labels of one series, and of an expression that is repeated."""
_STATUSES = {"bad_data": 400, "execution": 422}


async def graph(expression: str, queries: Queries, clock: Clock) -> tuple[int, Overview]:
    """Return the status of an answer, and what it says of `expression`."""
    shown = expression[:MOST_CHARACTERS]
    if not expression.strip():
        return 400, Overview(TITLE, "No expression: it stands in the parameter g0.expr.", ())
    now_ms = int(clock.now() * 1000)
    try:
        result = await queries.instant(await queries.parse(expression), now_ms)
    except QueryError as error:
        return _STATUSES.get(error.kind, 503), Overview(TITLE, f"{shown}: {str(error)[:MOST_CHARACTERS]}", ())
    rows = list(_rows(result))
    at = datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(" ", "seconds")
    more = f", the first {MOST_ROWS} of {len(rows)} series" if len(rows) > MOST_ROWS else ""
    return 200, Overview(TITLE, shown, (Table(f"{at}{more}", ("series", "value"), rows[:MOST_ROWS], "no series"),))


def _rows(result: Result) -> Iterator[tuple[str, str]]:
    if isinstance(result, Vector):
        yield from ((_shown(sample.labels), format_plain(sample.value)) for sample in result.samples)
    elif isinstance(result, Matrix):
        for series in result.series:
            yield (
                _shown(series.labels),
                f"{len(series.values)} samples, the last {format_plain(float(series.values[-1]))}",
            )
    else:
        yield "", result.value if isinstance(result.value, str) else format_plain(result.value)


def _shown(labels: Labels) -> str:
    pairs = ", ".join(f"{name}={dumps(value, ensure_ascii=False)}" for name, value in labels if name != METRIC_NAME)
    return f"{dict(labels).get(METRIC_NAME, '')}{{{pairs}}}"[:MOST_CHARACTERS]
