"""When the server was started."""

from collections.abc import Iterable, Sequence

from sidecar.collect.postgres.view import Row, Server, View, per_column
from sidecar.model.family import Family, FamilySamples, MetricType

SQL = "SELECT EXTRACT(EPOCH FROM pg_postmaster_start_time())::float8 AS start_time"

START_TIME = Family(
    "pg_postmaster_start_time_seconds", MetricType.GAUGE, "When the server was started, Unix time in seconds."
)


def convert(rows: Sequence[Row], server: Server) -> Iterable[FamilySamples]:
    """Return the one sample."""
    return per_column(rows, {"start_time": START_TIME})


VIEW = View(name="postmaster", sql={90200: SQL}, families=(START_TIME,), convert=convert)
