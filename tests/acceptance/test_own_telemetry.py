"""The sidecar's own traces arrive in a second sidecar: scrapes, rule groups and deliveries, errors marked."""

import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sidecar.demo.servers import ValkeyServer
from tests.integration.servers import full_backlog
from tests.servers import Sidecar, eventually, free_port, get_text, samples_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

CANARY = "c4n@ry-t0ken"

OBSERVED = f"""\
scrape_interval_seconds: 0.5
log: {{level: debug}}
redis:
  - {{name: up, url: "${{REDIS}}", timeout_seconds: 1}}
  - {{name: dead, url: "redis://:c4n%40ry-t0ken@127.0.0.1:${{NOWHERE}}/0", timeout_seconds: 1}}
rules: {{files: [rules.yml], resend_delay_seconds: 0.5}}
alertmanagers: [{{url: "${{ALERTMANAGER}}", bearer_token: "{CANARY}"}}]
telemetry:
  endpoint: "${{SECOND}}"
  headers: {{Authorization: "Bearer {CANARY}"}}
  metrics: false
  export_interval_seconds: 0.2
"""
OBSERVER = """\
scrape_interval_seconds: 0.5
log: {level: debug}
spans: {kinds: [client, internal]}
"""
RULES = """\
groups:
  - name: good
    interval: 500ms
    rules: [{alert: RedisDown, expr: 'redis_up{target="dead"} == 0', labels: {n: "{{ $value }}"}}]
  - name: bad
    interval: 500ms
    rules: [{record: twice, expr: 'label_replace(redis_up, "target", "same", "", "")'}]
"""


@asynccontextmanager
async def alertmanager_that_fails_once() -> AsyncIterator[str]:
    """Answer 503 to the first batch and 200 to the others."""
    batches = 0

    async def post(request: web.Request) -> web.Response:
        nonlocal batches
        batches += 1
        await request.read()
        return web.Response(status=503 if batches == 1 else 200)

    app = web.Application()
    app.router.add_post("/api/v2/alerts", post)
    async with TestServer(app) as server:
        yield str(server.make_url("/")).rstrip("/")


async def test_spans_of_scrapes_rule_groups_and_deliveries_arrive_with_errors_marked(
    valkey: ValkeyServer, tmp_path: Path
) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    (tmp_path / "first/rules.yml").write_text(RULES)
    async with alertmanager_that_fails_once() as alertmanager:
        with Sidecar(tmp_path / "second", OBSERVER) as second:
            env = {
                "REDIS": valkey.url,
                "NOWHERE": str(free_port()),
                "ALERTMANAGER": alertmanager,
                "SECOND": second.otlp_url,
            }
            with Sidecar(tmp_path / "first", OBSERVED, env) as first:

                async def spans() -> set[tuple[str, str, str]]:
                    return spans_in((await get_text(f"{second.url}/metrics"))[1])

                await eventually(spans, lambda found: found == EXPECTED)
                shown = "".join([(await get_text(f"{sidecar.url}/metrics"))[1] for sidecar in (first, second)])
        log = first.log + second.log
    assert CANARY not in shown + log
    assert "c4n" not in shown + log
    assert samples_of(shown)['sidecar_telemetry_dropped_total{reason="not_taken",signal="traces"}'] == 0


async def test_a_reload_turns_it_on_and_one_that_would_feed_itself_is_refused(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    with Sidecar(tmp_path / "second", OBSERVER) as second:
        base = f'scrape_interval_seconds: 0.5\napp_metrics: [{{url: "http://127.0.0.1:{free_port()}/"}}]\n'
        with Sidecar(tmp_path / "first", base) as first:
            without = first.config_path.read_text()

            async def reload(endpoint: str) -> None:
                settings = f'{{endpoint: "{endpoint}", metrics: false, export_interval_seconds: 0.2}}'
                first.config_path.write_text(f"{without}telemetry: {settings}\n")
                os.kill(first.pid, signal.SIGHUP)

            async def spans() -> set[tuple[str, str, str]]:
                return spans_in((await get_text(f"{second.url}/metrics"))[1])

            async def sent() -> float:
                shown = samples_of((await get_text(f"{first.url}/metrics"))[1])
                return shown['sidecar_telemetry_sent_total{signal="traces"}']

            async def log() -> str:
                return first.log

            await reload(second.otlp_url)
            await eventually(spans, lambda found: ("scrape app", "CLIENT", "ERROR") in found)
            await reload(first.otlp_url)
            told = "is the sidecar itself, it listens there by `otlp.http.listen`"
            await eventually(log, lambda text: told in text)
            before = await sent()
            await eventually(sent, lambda now: now > before)


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
async def test_an_endpoint_that_never_answers_is_told_once_and_holds_up_neither_probes_nor_the_end(
    protocol: str, tmp_path: Path
) -> None:
    with full_backlog() as nowhere:
        settings = f'{{endpoint: "http://127.0.0.1:{nowhere}", protocol: {protocol}, timeout_seconds: 0.5}}'
        with Sidecar(tmp_path, f"telemetry: {settings}\n") as sidecar:

            async def lost() -> float:
                shown = samples_of((await get_text(f"{sidecar.url}/metrics"))[1])
                return shown['sidecar_telemetry_dropped_total{reason="not_taken",signal="metrics"}']

            await eventually(lost)
            assert (await get_text(f"{sidecar.url}/livez"))[0] == 200
            assert sidecar.stop() == 0
        lines = [json.loads(line) for line in sidecar.log.splitlines()]
    assert [line["event"] for line in lines if line["level"] != "info"] == ["TelemetryFailing"]


EXPECTED = {
    ("scrape redis", "CLIENT", "UNSET"),
    ("scrape redis", "CLIENT", "ERROR"),
    ("evaluate rule group", "INTERNAL", "UNSET"),
    ("evaluate rule group", "INTERNAL", "ERROR"),
    ("deliver alerts", "CLIENT", "UNSET"),
    ("deliver alerts", "CLIENT", "ERROR"),
}


def spans_in(text: str) -> set[tuple[str, str, str]]:
    """Return name, kind and status of the sidecar's spans that are counted."""
    found = set()
    for name, value in samples_of(text).items():
        if name.startswith("traces_span_metrics_calls_total{") and 'service_name="sidecar"' in name and value:
            labels = dict(part.split("=") for part in name.partition("{")[2].rstrip("}").replace('"', "").split(","))
            kind, status = labels["span_kind"], labels["status_code"]
            found.add((labels["span_name"], kind.removeprefix("SPAN_KIND_"), status.removeprefix("STATUS_CODE_")))
    return found
