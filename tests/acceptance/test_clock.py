"""A real sidecar whose clock is set by a day, a month and a leap second: nobody notices but one line of its log."""

import asyncio
import operator
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.servers import Sidecar, eventually, get_json, get_text, samples_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(170)]

DAY, MONTH = 86_400, 30 * 86_400
INTERVAL_SECONDS = 0.5
CONFIG = f"""\
scrape_interval_seconds: {INTERVAL_SECONDS}
app_metrics: [{{name: app, url: "${{APP}}"}}, {{name: gone, url: "http://127.0.0.1:1/metrics"}}]
rules: {{files: [rules.yml], resend_delay_seconds: 1}}
alertmanagers: [{{url: "${{ALERTMANAGER}}"}}]
"""
RULES = """\
groups:
  - name: g
    interval: 500ms
    rules:
      - {alert: Down, expr: 'up{target="gone"} == 0', for: 2s}
      - {alert: Long, expr: 'up{target="gone"} == 0', for: 1h}
      - {alert: Absent, expr: absent(shop_orders)}
      - {alert: Stands, expr: 'increase(shop_asked_total[10s]) == 0'}
"""


class Peers:
    """An app with metrics, and an Alertmanager that keeps what it is told, with the time it has here."""

    def __init__(self) -> None:
        self.asked = 0
        self.alerts: list[Mapping[str, Any]] = []
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_post("/api/v2/alerts", self._alerts)
        self.server = TestServer(app)

    async def _metrics(self, _: web.Request) -> web.Response:
        self.asked += 1
        return web.Response(text=f"shop_orders 1\n# TYPE shop_asked_total counter\nshop_asked_total {self.asked}\n")

    async def _alerts(self, request: web.Request) -> web.Response:
        self.alerts += await request.json()
        return web.Response()

    async def scraped(self, times: int) -> None:
        """Return when the app was asked so often from now on."""
        until = self.asked + times
        await eventually(lambda: asyncio.sleep(0, self.asked >= until))


@pytest.fixture
async def peers() -> AsyncIterator[Peers]:
    found = Peers()
    async with found.server:
        yield found


def libfaketime() -> Path:
    for path in Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"):
        return path
    pytest.skip("libfaketime is not here, though scripts/setup test installs what apt has")


class Faked(Sidecar):
    """A sidecar whose clock on the wall is set at will; its monotonic one is the machine's."""

    def __init__(self, directory: Path, config: str, env: Mapping[str, str]) -> None:
        self.offset = directory / "offset"
        self.set_to(0)
        faked = {
            "LD_PRELOAD": str(libfaketime()),
            "FAKETIME_TIMESTAMP_FILE": str(self.offset),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # else whoever waits for a lock with a timeout spins
            "NO_FAKE_STAT": "1",
        }
        super().__init__(directory, config, {**env, **faked})

    def set_to(self, seconds: int) -> None:
        """Set its clock so far from the machine's."""
        written = self.offset.with_suffix(".new")
        written.write_text(f"{seconds:+d}")
        written.rename(self.offset)

    async def metrics(self) -> dict[str, float]:
        return samples_of((await get_text(f"{self.url}/metrics"))[1])

    async def steps(self) -> float:
        return sum(value for name, value in (await self.metrics()).items() if '_events_total{event="ClockSet"' in name)


def sidecar_with(folder: Path, peers: Peers) -> Faked:
    (folder / "rules.yml").write_text(RULES)
    base = str(peers.server.make_url("")).rstrip("/")
    return Faked(folder, CONFIG, {"APP": f"{base}/metrics", "ALERTMANAGER": base})


async def fail(sidecar: Faked, number: int) -> None:
    """Send a request that failed, of this moment by the clock of the sidecar."""
    now = round((time.time() + int(sidecar.offset.read_text())) * 1e9)
    event = {"name": "exception", "attributes": [{"key": "exception.type", "value": {"stringValue": "Broken"}}]}
    span = {
        "traceId": f"{number:032x}",
        "spanId": f"{number:016x}",
        "name": "GET /a",
        "kind": 2,
        "startTimeUnixNano": str(now - 10**8),
        "endTimeUnixNano": str(now),
        "status": {"code": 2},
        "events": [event],
    }
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{sidecar.otlp_url}/v1/traces", json=body) as answer,
    ):
        assert answer.status == 200


def has_calls(count: int) -> Callable[[Mapping[str, float]], bool]:
    """Return whether metrics say that so many requests were counted."""
    name = "traces_span_metrics_calls_total{"
    return lambda metrics: sum(value for series, value in metrics.items() if series.startswith(name)) == count


async def test_steps_of_the_clock_are_told_once_each_and_change_nothing(tmp_path: Path, peers: Peers) -> None:
    with sidecar_with(tmp_path, peers) as sidecar:
        await fail(sidecar, 1)
        await eventually(sidecar.metrics, has_calls(1))
        await eventually(lambda: asyncio.sleep(0, peers.alerts))
        settled = time.monotonic()
        for number, offset in enumerate((DAY, 0, MONTH, 0, -MONTH, 0, -1), 1):
            before = await sidecar.metrics()
            sidecar.set_to(offset)
            await eventually(sidecar.steps, partial(operator.eq, number))
            await fail(sidecar, number + 1)
            peers.alerts.clear()
            await peers.scraped(4)
            await eventually(lambda: asyncio.sleep(0, peers.alerts), seconds=10)
            after = await eventually(sidecar.metrics, has_calls(number + 1))
            assert_went_on(before, after)
            assert_alerts_of(peers.alerts, time.time() + offset, time.monotonic() - settled)
            assert (await get_text(f"{sidecar.url}/livez"))[0] == 200
        await every_error_is_grouped(sidecar, 8)
    assert sidecar.log.count("The clock was set") == 7
    assert "Traceback" not in sidecar.log


def assert_went_on(before: Mapping[str, float], after: Mapping[str, float]) -> None:
    """Check that no counter went back, and that nothing was refused or cut but what was on its way."""
    gone = [name for name, value in before.items() if "_total" in name and after.get(name, -1) < value]
    assert gone == []
    assert after["sidecar_head_refused_samples_total"] == before["sidecar_head_refused_samples_total"]
    assert after["sidecar_head_cut_columns_total"] - before["sidecar_head_cut_columns_total"] <= 2


def assert_alerts_of(alerts: list[Mapping[str, Any]], now: float, settled_seconds: float) -> None:
    """Check that since things settled one alert fires, from then on; those of the start are told as resolved."""
    for alert in alerts:
        begun, ends = (datetime.fromisoformat(alert[key]).timestamp() for key in ("startsAt", "endsAt"))
        assert 0 < now - begun < settled_seconds + 60, "it began at a time that was not"
        if alert["labels"]["alertname"] == "Down":
            assert ends > now - 60, "it fires, and is told as if it were over"
        else:
            assert ends - 1 <= now - settled_seconds, f"nothing is amiss, and {alert} says so"


async def every_error_is_grouped(sidecar: Faked, count: int) -> None:
    """Check that each failed request is judged some seconds after it came."""

    async def grouped() -> float:
        errors = (await get_json(f"{sidecar.page_url}api/v1/errors"))["items"]
        return sum(float(group["count"]) for group in errors)

    assert await eventually(grouped, lambda found: found == count) == count


async def test_a_machine_that_slept_for_a_day_goes_on(tmp_path: Path, peers: Peers) -> None:
    with sidecar_with(tmp_path, peers) as sidecar:
        await eventually(lambda: asyncio.sleep(0, peers.alerts))
        settled = time.monotonic()
        assert sidecar.process is not None
        sidecar.process.send_signal(signal.SIGSTOP)
        sidecar.set_to(DAY)
        await asyncio.sleep(1.0)
        sidecar.process.send_signal(signal.SIGCONT)
        await eventually(sidecar.steps, lambda steps: steps == 1)
        await peers.scraped(4)
        peers.alerts.clear()
        await eventually(lambda: asyncio.sleep(0, peers.alerts), seconds=10)
        assert_alerts_of(peers.alerts, time.time() + DAY, time.monotonic() - settled)
    assert sidecar.log.count("The clock was set") == 1
