"""The names of span metrics are those that dashboards made for others ask for, to the last series."""

from collections.abc import Sequence
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sidecar.codec.exposition import encode
from sidecar.model.family import FamilySamples
from sidecar.model.labels import Labels, labels_of
from tests.conftest import ROOT
from tests.unit.spans.pipelines import pipeline, shown

GOLDEN = ROOT / "tests/golden/span_metrics"
SETTINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "collector_ms": {"names": "collector_ms"},
    "collector_ms_without_namespace": {"names": "collector_ms", "namespace": ""},
    "tempo": {"names": "tempo"},
}


def series_of(page: str) -> tuple[dict[str, str], dict[tuple[str, Labels], float]]:
    """Return the types and the samples of a page."""
    families = list(text_string_to_metric_families(page))
    samples = {(item.name, labels_of(item.labels)): item.value for family in families for item in family.samples}
    return {family.name: family.type for family in families}, samples


def page_of(families: Sequence[FamilySamples]) -> str:
    """Return what is neither the sidecar's own nor of the service graph; a family's parts are one."""
    found: dict[str, FamilySamples] = {}
    for item in families:
        if not item.family.name.startswith(("sidecar_", "traces_service_graph_")) and item.samples:
            earlier = found.get(item.family.name)
            found[item.family.name] = FamilySamples(item.family, [*(earlier.samples if earlier else ()), *item.samples])
    return encode(found.values()).decode()


@pytest.mark.parametrize("name", SETTINGS)
def test_series_are_those_of_the_documentation(span_of: Any, batch_of: Any, name: str) -> None:
    subject = pipeline(**SETTINGS[name])
    served = [span_of("GET /orders", seconds=seconds) for seconds in (0.004, 1.2)]
    query = span_of("SELECT shop", kind="CLIENT", seconds=0.06, status=2)
    subject.accept(batch_of(*served, query, service="shipping"))
    types, samples = series_of(page_of(shown(subject, 1000.0)))
    expected_types, expected = series_of((GOLDEN / f"{name}.prom").read_text())
    assert types == expected_types
    assert samples == pytest.approx(expected)


def test_the_conventions_series_are_those_of_the_documentation(span_of: Any, batch_of: Any) -> None:
    subject = pipeline(names="semconv")
    subject.accept(
        batch_of(
            span_of(
                seconds=0.3,
                attributes={
                    "http.request.method": "GET",
                    "http.route": "/orders/{id}",
                    "http.response.status_code": 503,
                    "url.scheme": "https",
                    "error.type": "503",
                    "server.address": "shop.example.com",
                },
            ),
            span_of(
                kind="CLIENT",
                seconds=0.05,
                attributes={
                    "http.request.method": "POST",
                    "http.response.status_code": 201,
                    "server.address": "pay.example.com",
                    "server.port": 443,
                },
            ),
            span_of(
                kind="CLIENT",
                seconds=0.0005,
                attributes={
                    "db.system.name": "postgresql",
                    "db.namespace": "shop",
                    "db.operation.name": "SELECT",
                    "db.collection.name": "orders",
                },
            ),
            span_of("orders send", kind="PRODUCER", seconds=0.02, attributes=messaging("send")),
            span_of("orders process", kind="CONSUMER", seconds=3, attributes=messaging("process")),
            service="shipping",
        )
    )
    types, samples = series_of(page_of(shown(subject, 1000.0)))
    expected_types, expected = series_of((GOLDEN / "semconv.prom").read_text())
    assert types == expected_types
    assert samples == pytest.approx(expected)


def messaging(operation: str) -> dict[str, str]:
    return {
        "messaging.system": "kafka",
        "messaging.operation.name": operation,
        "messaging.destination.name": "orders.created",
    }


def test_old_attributes_have_the_conventions_names_too(span_of: Any, batch_of: Any, values_of: Any) -> None:
    subject = pipeline(names="semconv")
    http = {"http.method": "GET", "http.status_code": 200, "http.scheme": "http"}
    client = {"http.method": "GET", "http.status_code": 200, "net.peer.name": "a", "net.peer.port": 80}
    database = {"db.system": "mysql", "db.name": "shop", "db.operation": "SELECT", "db.sql.table": "t"}
    subject.accept(
        batch_of(
            span_of(attributes=http),
            span_of(kind="CLIENT", attributes=client),
            span_of(kind="CLIENT", attributes=database),
        )
    )
    families = shown(subject, 1000.0)
    found = values_of(families, "http_server_request_duration_seconds_count", "url_scheme", "http_route")
    assert found == {("http", ""): 1}
    found = values_of(families, "http_client_request_duration_seconds_count", "server_address", "server_port")
    assert found == {("a", "80"): 1}
    found = values_of(families, "db_client_operation_duration_seconds_count", "db_namespace", "db_collection_name")
    assert found == {("shop", "t"): 1}


@pytest.mark.parametrize("names", ["default", "collector_ms", "tempo", "semconv"])
def test_the_sidecars_own_metrics_are_there_under_any_names(span_of: Any, batch_of: Any, names: str) -> None:
    subject = pipeline(names=names)
    subject.accept(batch_of(span_of(attributes={"http.request.method": "GET", "http.route": "/a"})))
    found = {item.family.name for item in shown(subject, 1000.0) if item.samples}
    assert {"sidecar_http_server_request_duration_seconds", "sidecar_endpoint_apdex_ratio"} <= found


@pytest.mark.parametrize(("names", "unit"), [("default", "seconds"), ("collector_ms", "milliseconds")])
def test_bounds_are_configured_in_seconds_and_shown_in_the_unit_of_the_names(
    span_of: Any, batch_of: Any, values_of: Any, names: str, unit: str
) -> None:
    subject = pipeline(names=names, buckets_seconds=(0.0001, 0.1, 2.0))
    subject.accept(batch_of(span_of(seconds=0.1)))
    found = values_of(shown(subject, 1000.0), f"traces_span_metrics_duration_{unit}_bucket", "le")
    bounds = {"seconds": ("0.0001", "0.1", "2"), "milliseconds": ("0.1", "100", "2000")}[unit]
    assert found == dict(zip(((bound,) for bound in (*bounds, "+Inf")), (0, 1, 1, 1), strict=True))


@pytest.mark.parametrize("namespace", ["1x", "a-b", "a b"])
def test_a_namespace_that_makes_no_metric_name_is_refused(namespace: str) -> None:
    with pytest.raises(ValueError, match="namespace"):
        pipeline(namespace=namespace)
