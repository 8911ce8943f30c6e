"""A process check, a sender of alerts and a log stage that nobody knows but this test, from YAML on."""

import asyncio
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sidecar.app.config import SidecarConfig
from sidecar.app.registry import CHECKS, LOG_STAGES, SENDERS
from sidecar.deliver.outcome import Delivered, Outcome, Retry
from sidecar.deliver.sender import Attempt, SenderKind, SenderLimits
from sidecar.logs.config import OtlpLogsConfig
from sidecar.logs.observe import ObservedLogs
from sidecar.model.alert import Alert
from sidecar.model.config import Config
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.health import Cause, Health, Status
from sidecar.probe.check import CheckContext
from sidecar.probe.checks.config import CheckConfig
from sidecar.probe.config import ProbesConfig
from sidecar.runtime.events import Event
from sidecar.runtime.http import Request
from tests.fakes import until
from tests.unit.app.root import CONFIG, Root, get, metrics_of, post_otlp

LOG = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"severityNumber": 9, "body": {"stringValue": "hello"}}]}]}]}
NOBODY = 1 << 22
"""One more than the highest number that a process has on Linux."""


class ProcessCheckConfig(CheckConfig):
    kind: Literal["process"]
    pid: int


class ProcessCheck:
    """Passes while there is a process with the number."""

    def __init__(self, config: ProcessCheckConfig, _: CheckContext) -> None:
        self._pid = config.pid

    async def check(self) -> Health:
        try:
            os.kill(self._pid, 0)
        except ProcessLookupError:
            return Health(Status.FAIL, Cause.REFUSED, "no such process")
        return Health(Status.PASS)


class HookConfig(Config):
    name: str = "hook"
    url: str


@dataclass(frozen=True, slots=True)
class HookFailing(Event):
    """A hook does not answer well."""

    message: ClassVar[str] = "Hook `{hook}`: {reason}."
    hook: str
    reason: str


@dataclass(frozen=True, slots=True)
class HookRecovered(Event):
    """It does again."""

    message: ClassVar[str] = "Hook `{hook}` takes alerts again; `{lost}` were lost."
    hook: str
    lost: int


class HookSender:
    """Posts the labels of alerts."""

    kind: ClassVar[SenderKind] = SenderKind("hook", "alerts", "hooks", HookFailing, HookRecovered)

    def __init__(self, config: HookConfig) -> None:
        self.receiver, self._url = config.name, config.url
        self.limits = SenderLimits(queue_capacity=10, batch_size=10, timeout_seconds=5, tries=3)

    async def send(self, batch: Sequence[Alert], attempt: Attempt, /) -> Outcome:
        body = json.dumps([dict(alert.labels) for alert in batch]).encode()
        answer = await attempt.client.send(Request(self._url, "POST", body), attempt.seconds)
        return Delivered() if answer.status == 200 else Retry(f"status {answer.status}")


class LogBatches:
    """Stage that counts batches of log records."""

    family = Family("sidecar_log_batches_total", MetricType.COUNTER, "Batches.")

    def __init__(self, _: OtlpLogsConfig) -> None:
        self._count = 0

    def feed(self, _: ObservedLogs) -> None:
        self._count += 1

    def samples(self, _: float) -> Iterator[FamilySamples]:
        yield FamilySamples(self.family, [Sample(self.family.name, (), self._count)])


class MoreProbesConfig(ProbesConfig):
    checks: tuple[ProcessCheckConfig, ...] = ()  # type: ignore[assignment]


class MoreConfig(SidecarConfig):
    probes: MoreProbesConfig = MoreProbesConfig()
    hooks: tuple[HookConfig, ...] = ()


@pytest.fixture(autouse=True)
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.app.source.SidecarConfig", MoreConfig)
    checks: Mapping[Any, Any] = {**CHECKS, ProcessCheckConfig: ProcessCheck}
    monkeypatch.setattr("sidecar.app.build.CHECKS", checks)
    senders: Mapping[Any, Any] = {**SENDERS, HookConfig: HookSender}
    monkeypatch.setattr("sidecar.app.build.SENDERS", senders)
    monkeypatch.setattr("sidecar.app.stores.LOG_STAGES", (*LOG_STAGES, LogBatches))


async def test_a_process_check_is_asked_by_the_probes(root: Root) -> None:
    checks = f"{{kind: process, name: us, pid: {os.getpid()}}}, {{kind: process, name: nobody, pid: {NOBODY}}}"
    root.config.write_text(f"{CONFIG}probes: {{failure_threshold: 1, checks: [{checks}]}}\n")
    async with root.running() as process:
        await until(lambda: all(process.base.board.last(name) is not None for name in ("us", "nobody")))
        shown = await metrics_of(process)
        assert shown['sidecar_probe_success{check="us"}'] == 1
        assert shown['sidecar_probe_success{check="nobody"}'] == 0
        assert (await get(process, "pod", "/readyz/us"))[0] == 200
        assert "no such process" in (await get(process, "pod", "/readyz/nobody?verbose"))[1]


async def test_a_hook_gets_the_alerts_again_after_an_answer_in_vain_and_is_gone_with_its_line(root: Root) -> None:
    bodies: list[Any] = []

    async def take(request: web.Request) -> web.Response:
        bodies.append(await request.json())
        return web.Response(status=503 if len(bodies) == 1 else 200)

    receiver = web.Application()
    receiver.router.add_post("/hook", take)
    root.rules.write_text("groups: [{name: g, interval: 1s, rules: [{alert: A, expr: vector(1)}]}]\n")
    async with TestServer(receiver) as server:
        root.config.write_text(f"{CONFIG}hooks: [{{name: chat, url: '{server.make_url('/hook')}'}}]\n")
        async with root.running() as process, asyncio.timeout(10):
            while (await metrics_of(process))['prometheus_hooks_sent_total{hook="chat"}'] == 0:
                await root.clock.advance(1.0)
            assert bodies[:2] == [[{"alertname": "A"}]] * 2
            assert [event.reason for event in root.seen(HookFailing)] == ["status 503"]
            assert [event.lost for event in root.seen(HookRecovered)] == [0]
            root.config.write_text(CONFIG)
            await process.reload()
            assert [series for series in await metrics_of(process) if "hook=" in series] == []


async def test_a_log_stage_is_fed_and_shown(root: Root) -> None:
    async with root.running() as process, asyncio.timeout(10):
        await post_otlp(process, "logs", json.dumps(LOG))
        while (await metrics_of(process)).get("sidecar_log_batches_total") != 1:
            await root.clock.advance(15.0)
