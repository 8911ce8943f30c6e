"""A real Alertmanager does not notice that the sidecar is killed and started again."""

import signal
from pathlib import Path

import pytest

from sidecar.demo.servers import ValkeyServer
from tests.acceptance.restarts import Manner, beginnings, sidecar_of
from tests.servers import eventually, get_text

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


async def test_one_alert_with_one_beginning_over_restarts(valkey: ValkeyServer, tmp_path: Path) -> None:
    # Alertmanager waits 20 s for the next word: `scripts/soak restarts` has it wait 8, and more restarts.
    (seen,) = await beginnings(tmp_path, valkey.url, Manner(interval=1, resend=5, hold=2, restarts=2))
    assert len(seen) == 1


async def test_recorded_series_and_alerts_are_on_the_page_of_metrics_unless_switched_off(
    valkey: ValkeyServer, tmp_path: Path
) -> None:
    with sidecar_of(tmp_path, valkey.url, "http://127.0.0.1:9", Manner(interval=1)) as sidecar:
        page = f"{sidecar.url}/metrics"
        text = (await eventually(lambda: get_text(page), lambda answer: "redis:commands:rate10s{" in answer[1]))[1]
        assert 'ALERTS{alertname="Busy",' in text
        assert "ALERTS_FOR_STATE{" in text
        sidecar.config_path.write_text(sidecar.config_path.read_text().replace("resend", "expose: false, resend"))
        assert sidecar.process is not None
        sidecar.process.send_signal(signal.SIGHUP)
        await eventually(lambda: get_text(page), lambda answer: "ALERTS" not in answer[1])
