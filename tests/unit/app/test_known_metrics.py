"""Which series a configuration gives: what is off, named otherwise or misspelt is told with the reason."""

from typing import Any

import pytest

from sidecar.app.config import SidecarConfig
from sidecar.app.known_metrics import facts_of
from sidecar.model.family import MetricType

CLOSED: dict[str, Any] = {"otlp": {"http": {"listen": None}, "grpc": {"listen": None}}}
POSTGRES: dict[str, Any] = {"dsn": "postgresql://h/d"}


def missing(name: str, **config: Any) -> str:
    return facts_of(SidecarConfig.model_validate(config)).missing(name)


@pytest.mark.parametrize(
    ("name", "config", "reason"),
    [
        ("pg_up", {}, "no Postgres is configured"),
        ("pg_up", {"postgres": [POSTGRES]}, ""),
        ("redis_connected_clients", {"postgres": [POSTGRES]}, "no Redis is configured"),
        ("redis_connected_clients", {"redis": [{"url": "redis://h"}]}, ""),
        ("pg_locks_count", {"postgres": [POSTGRES | {"views": {"exclude": ["locks"]}}]}, "`locks` is not selected"),
        ("pg_stat_database_xact_comit", {"postgres": [POSTGRES]}, "did you mean `pg_stat_database_xact_commit`?"),
        ("pg_anything", {"postgres": [POSTGRES | {"queries": ["q.yaml"]}]}, ""),
        ("traces_span_metrics_calls_total", {}, ""),
        ("traces_span_metrics_duration_seconds_bucket", {}, ""),
        ("traces_spanmetrics_calls_total", {}, "name of `spans.names: tempo`, configured is `default`"),
        ("traces_span_metrics_calls_total", {"spans": {"names": "semconv"}}, "configured is `semconv`"),
        ("http_server_request_duration_seconds_sum", {}, "`spans.names: semconv`"),
        ("http_server_request_duration_seconds_sum", {"spans": {"names": "semconv"}}, ""),
        ("traces_span_metrics_calls_total", {"spans": {"namespace": ""}}, "`spans.namespace` is ``"),
        ("calls_total", {"spans": {"namespace": ""}} | CLOSED, ""),
        ("shop_orders_total", {}, ""),
        ("shop_orders_total", CLOSED, "nothing here gives it"),
        ("shop_orders_total", CLOSED | {"app_metrics": [{"url": "http://h"}]}, ""),
        ("sidecar_anything", CLOSED, ""),
    ],
)  # fmt: skip
def test_a_series_that_nobody_gives_is_told_with_the_reason(name: str, config: dict[str, Any], reason: str) -> None:
    found = missing(name, **config)
    assert reason in found
    assert bool(found) == bool(reason)


def test_types_are_known_without_a_configuration() -> None:
    facts = facts_of(None)
    assert facts.types["pg_stat_database_xact_commit"] is MetricType.COUNTER
    assert facts.types["redis_connected_clients"] is MetricType.GAUGE
    assert facts.types["traces_span_metrics_duration_seconds_bucket"] is MetricType.COUNTER
    assert facts.missing("pg_up") == ""
    assert facts.retention_ms is None


def test_what_is_kept_is_as_configured() -> None:
    assert facts_of(SidecarConfig.model_validate({"head": {"retention_seconds": 600}})).retention_ms == 600_000
