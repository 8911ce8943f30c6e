"""A real Prometheus keeps the exemplars of the sidecar's histograms: from a slow request's bucket to its trace."""

from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Span, SpanKind, format_span_id, format_trace_id

from tests.servers import HOST, Prometheus, Sidecar, eventually, get_json

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

HISTOGRAM = "sidecar_http_server_request_duration_seconds_bucket"
SECOND = 10**9


def requests_lasting(sidecar: Sidecar, *seconds: float) -> list[Span]:
    """Send a request of each length and return their spans."""
    provider = TracerProvider(resource=Resource({"service.name": "shop"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{sidecar.otlp_url}/v1/traces")))
    tracer, spans = provider.get_tracer("test"), []
    for length in seconds:
        span = tracer.start_span(
            "GET /a", kind=SpanKind.SERVER, attributes={"http.request.method": "GET"}, start_time=1700 * SECOND
        )
        span.end(1700 * SECOND + round(length * SECOND))
        spans.append(span)
    provider.shutdown()
    return spans


async def test_prometheus_finds_the_trace_behind_each_bucket(tmp_path: Path) -> None:
    (tmp_path / "sidecar").mkdir()
    (tmp_path / "prometheus").mkdir()
    with (
        Sidecar(tmp_path / "sidecar", "scrape_interval_seconds: 1\n") as sidecar,
        Prometheus(tmp_path / "prometheus", [f"{HOST}:{sidecar.port}"]) as prometheus,
    ):
        fast, slow = requests_lasting(sidecar, 0.02, 6.0)

        async def kept() -> dict[str, dict[str, str]]:
            url = f"{prometheus.url}/api/v1/query_exemplars"
            answer = await get_json(url, query=HISTOGRAM, start="0", end="99999999999")
            return {
                series["seriesLabels"]["le"]: exemplar["labels"]
                for series in answer["data"]
                for exemplar in series["exemplars"]
            }

        found = await eventually(kept, lambda found: len(found) == 2)
        assert found == {
            bound: {
                "trace_id": format_trace_id(span.get_span_context().trace_id),
                "span_id": format_span_id(span.get_span_context().span_id),
            }
            for bound, span in {"0.025": fast, "7.5": slow}.items()
        }
        assert "Error on ingesting" not in prometheus.log
