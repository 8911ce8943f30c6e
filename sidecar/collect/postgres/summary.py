"""The families about a scrape of Postgres itself: whether it worked, how long it took, whom it met."""

import re
from collections.abc import Iterable

from sidecar.collect.postgres.kept import AGE
from sidecar.collect.postgres.label_sets import SUMMED
from sidecar.collect.postgres.view import Server, one
from sidecar.collect.runner import Scrape
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import labels_of

UP = Family("pg_up", MetricType.GAUGE, "1 when the server answered the last scrape.")
ERROR = Family(
    "pg_exporter_last_scrape_error",
    MetricType.GAUGE,
    "1 when the last scrape ended before its end, for want of an answer or of its connection, and when a query of your "
    "own or a discovered database failed in it. A view that failed alone shows in pg_scrape_collector_success only.",
)
DURATION = Family("pg_exporter_last_scrape_duration_seconds", MetricType.GAUGE, "Time the last scrape took.")
SCRAPES = Family("pg_exporter_scrapes_total", MetricType.COUNTER, "Scrapes of the server, good or bad.")
COLLECTOR_SUCCESS = Family(
    "pg_scrape_collector_success", MetricType.GAUGE, "1 when the collector got its data.", ("collector",)
)
COLLECTOR_DURATION = Family(
    "pg_scrape_collector_duration_seconds", MetricType.GAUGE, "Time the collector took.", ("collector",)
)
STATIC = Family(
    "pg_static",
    MetricType.UNTYPED,
    "Always 1; the labels say what the server is.",
    ("server", "version", "short_version"),
)
PERMISSION = Family(
    "sidecar_pg_permission_ok",
    MetricType.GAUGE,
    "1 when the role sees what others do, as members of pg_monitor and pg_read_all_stats do; 0: what it cannot see is "
    "missing from the other metrics.",
)
LEFT_OUT = Family(
    "sidecar_pg_databases_left_out",
    MetricType.GAUGE,
    "Databases that are not visited because `databases.max` is reached; only where databases are discovered.",
)

FAMILIES = (
    UP,
    ERROR,
    DURATION,
    SCRAPES,
    COLLECTOR_SUCCESS,
    COLLECTOR_DURATION,
    STATIC,
    PERMISSION,
    LEFT_OUT,
    AGE,
    SUMMED,
)

_VERSION = re.compile(r"\d+(?:\.\d+)*")


def summary_of(scrape: Scrape, duration_seconds: float, scrapes: int, is_whole: bool) -> Iterable[FamilySamples]:
    """Return what is known about any scrape, also of one that found nobody.

    `is_whole` is false where a query of the operator's own or a database failed.
    """
    yield from one(UP, float(scrape.up))
    yield from one(ERROR, float(bool(scrape.error) or not is_whole))
    yield from one(DURATION, duration_seconds)
    yield from one(SCRAPES, float(scrapes))
    results = scrape.results.items()
    yield FamilySamples(
        COLLECTOR_SUCCESS,
        [Sample(COLLECTOR_SUCCESS.name, (("collector", name),), float(result.success)) for name, result in results],
    )
    yield FamilySamples(
        COLLECTOR_DURATION,
        [Sample(COLLECTOR_DURATION.name, (("collector", name),), result.duration_seconds) for name, result in results],
    )


def server_families(server: Server) -> Iterable[FamilySamples]:
    """Return what is known of a server that answered."""
    labels = {
        "server": server.address,
        "version": server.version_text,
        "short_version": short_version(server.version_text),
    }
    yield from one(STATIC, 1.0, labels_of(labels))
    yield from one(PERMISSION, float(server.can_monitor))


def visit_families(left_out: int) -> Iterable[FamilySamples]:
    """Return what is known of the databases that were looked for."""
    return one(LEFT_OUT, float(left_out))


def short_version(version_text: str) -> str:
    """Return the number in `PostgreSQL 15.18 (Debian ...)` with three parts: `15.18.0`."""
    match = _VERSION.search(version_text)
    parts = match[0].split(".") if match else []
    return ".".join([*parts, "0", "0"][:3]) if parts else ""
