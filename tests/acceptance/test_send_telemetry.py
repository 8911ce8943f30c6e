"""An app that is started with the lines of the page on sending telemetry shows in the sidecar."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.servers import Sidecar, eventually, get_text, samples_of
from tests.unit.docs.test_send_telemetry import APP, lines_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]


SHOWN = (
    ('traces_span_metrics_calls_total{service_name="shop",', 'span_name="GET /orders"'),
    ("orders_total{", 'job="shop"'),
    ("sidecar_log_records_total{", 'service="shop"'),
)


@pytest.mark.parametrize(("section", "protocol"), [("Python", "http/protobuf"), ("By gRPC", "grpc")])
async def test_a_python_app_with_the_lines_of_the_page_shows_in_the_metrics(
    tmp_path: Path, section: str, protocol: str
) -> None:
    with Sidecar(tmp_path, "scrape_interval_seconds: 0.5\n") as sidecar:
        url = sidecar.otlp_url if protocol == "http/protobuf" else f"http://127.0.0.1:{sidecar.otlp_grpc_port}"
        lines = lines_of("Python") | lines_of(section)
        assert lines["OTEL_EXPORTER_OTLP_PROTOCOL"] == protocol
        env = {"PATH": os.environ["PATH"], **lines, "OTEL_EXPORTER_OTLP_ENDPOINT": url}
        app = await asyncio.create_subprocess_exec(sys.executable, "-c", APP, env=env)
        assert await app.wait() == 0

        async def counted() -> list[float]:
            shown = samples_of((await get_text(f"{sidecar.url}/metrics"))[1])
            return [
                sum(value for name, value in shown.items() if name.startswith(start) and label in name)
                for start, label in SHOWN
            ]

        assert await eventually(counted, lambda values: all(values)) == [1, 1, 1]
