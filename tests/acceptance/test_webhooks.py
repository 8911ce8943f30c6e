"""A receiver that a real Alertmanager feeds, and a webhook of ours, is told the same."""

import asyncio
import operator
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry
from typing_extensions import override

from sidecar.codec.alertmanager import PATH, encode_alerts
from sidecar.deliver.sender import SenderContext
from sidecar.deliver.webhook.config import WebhookConfig
from sidecar.deliver.webhook.runner import WebhookRunner
from sidecar.model.alert import Alert
from sidecar.runtime.clock import SystemClock
from sidecar.runtime.lifecycle import open_tier
from sidecar.runtime.meter import Meter
from tests.fakes import RecordedEvents, until
from tests.servers import Alertmanager, eventually, get_text, samples_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

JSON = {"Content-Type": "application/json"}
CONFIG = """\
route: {{receiver: other, group_by: [alertname], group_wait: 1s, group_interval: 2s, repeat_interval: 1h}}
receivers: [{{name: other, webhook_configs: [{{url: "{url}"}}]}}]
"""


class FeedingAlertmanager(Alertmanager):
    """Alertmanager that tells a webhook."""

    def __init__(self, directory: Path, url: str) -> None:
        super().__init__(directory)
        (directory / "alertmanager.yml").write_text(CONFIG.format(url=url))

    @override
    def command(self) -> Sequence[str]:
        return [*super().command(), "--web.external-url=http://alerts.example"]


def alerts_at(now_ms: int, over: Sequence[str]) -> list[Alert]:
    """Return three alerts, two of one name; of those that are over only the last, as its end is told only once."""
    return [
        Alert(
            {"alertname": name, "instance": instance, "job": "shop"},
            {"summary": f"{instance} <b>&amp;</b> é", "runbook_url": "http://h/r"},
            now_ms - 500,
            now_ms - 1 if instance in over else now_ms + 60_000,
            "http://sidecar.example/graph?g0.expr=a+%3E+1",
        )
        for name, instance in (("A", "one:1"), ("A", "another:1"), ("B", "one:2"))
        if instance not in over[:-1]
    ]


async def test_bodies_are_equal_but_for_the_receiver(tmp_path: Path) -> None:
    bodies: dict[str, list[Any]] = {"/theirs": [], "/ours": []}

    async def take(request: web.Request) -> web.Response:
        bodies[request.path].append(await request.json())
        return web.Response()

    def have_got(count: int) -> bool:
        return all(len(got) >= count for got in bodies.values())

    app = web.Application()
    app.router.add_post("/{who}", take)
    clock, events = SystemClock(), RecordedEvents()
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        config = WebhookConfig.model_validate(
            {
                "name": "ours",
                "kind": "alertmanager",
                "url": str(server.make_url("/ours")),
                "group_wait_seconds": 1,
                "group_interval_seconds": 2,
            }
        )
        context = SenderContext(clock, Meter(CollectorRegistry()), events)
        runner = WebhookRunner(config, "http://alerts.example", lambda _labels, _at: False, context)
        theirs = FeedingAlertmanager(tmp_path, str(server.make_url("/theirs")))
        await asyncio.to_thread(theirs.start)
        try:
            async with open_tier(clock, events) as tier:
                await tier.start(runner)
                now_ms = round(clock.now() * 1000)
                for told, over in enumerate(((), ("one:1",), ("one:1", "another:1")), start=2):
                    alerts = alerts_at(now_ms, over)
                    runner.accept(alerts)
                    async with session.post(theirs.url + PATH, data=encode_alerts(alerts), headers=JSON) as answer:
                        assert answer.status == 200
                    await until(partial(have_got, told), 20)
                    await eventually(partial(_notified, theirs), partial(operator.le, told))
        finally:
            await asyncio.to_thread(theirs.stop)
    assert _known(bodies["/ours"]) == _known(bodies["/theirs"])


async def _notified(alertmanager: Alertmanager) -> float:
    """Return how many notifications it is done with: of one that is on its way it has not let the ended alerts go."""
    page = samples_of((await get_text(f"{alertmanager.url}/metrics"))[1])
    return sum(n for name, n in page.items() if "notifications_total{" in name and 'integration="webhook"' in name)


def _known(bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what must be equal, group by group: which of two groups is told first is anybody's."""
    ordered = sorted(bodies, key=lambda body: str(body["groupLabels"]["alertname"]))
    return [{name: value for name, value in body.items() if name not in ("receiver", "groupKey")} for body in ordered]
