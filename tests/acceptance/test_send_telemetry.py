"""An app that is started with the lines of the page on sending telemetry shows in the sidecar."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.servers import Sidecar, eventually, get_text, samples_of
from tests.unit.docs.test_send_telemetry import APP, lines_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]


CALLS = 'traces_span_metrics_calls_total{service_name="shop",span_kind="SPAN_KIND_SERVER",'


async def test_a_python_app_with_the_lines_of_the_page_shows_in_the_metrics(tmp_path: Path) -> None:
    with Sidecar(tmp_path, "scrape_interval_seconds: 0.5\n") as sidecar:
        env = {"PATH": os.environ["PATH"], **lines_of("Python"), "OTEL_EXPORTER_OTLP_ENDPOINT": sidecar.otlp_url}
        app = await asyncio.create_subprocess_exec(sys.executable, "-c", APP, env=env)
        assert await app.wait() == 0

        async def calls() -> float:
            shown = samples_of((await get_text(f"{sidecar.url}/metrics"))[1])
            return sum(
                value for name, value in shown.items() if name.startswith(CALLS) and 'name="GET /orders"' in name
            )

        assert await eventually(calls) == 1
