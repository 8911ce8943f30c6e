"""Sending alerts to an Alertmanager that is well, slow, silent, wrong or away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry
from pydantic import SecretStr, ValidationError

from sidecar.deliver.alertmanager.config import AlertmanagerConfig
from sidecar.deliver.alertmanager.runner import AlertmanagerRunner
from sidecar.deliver.alertmanager.sender import AlertmanagerFailing, AlertmanagerRecovered, AlertmanagerSender
from sidecar.deliver.config import BasicAuthConfig
from sidecar.deliver.outcome import Delivered, Outcome, Rejected, Retry
from sidecar.deliver.sender import Attempt, SenderContext, SenderRunner
from sidecar.deliver.status import SenderStatus
from sidecar.model.alert import Alert
from sidecar.model.span import SpanKind
from sidecar.runtime.http import open_http_client
from sidecar.runtime.lifecycle import open_tier
from sidecar.runtime.meter import Meter
from tests.fakes import FakeClock, RecordedEvents, RecordedTracing, until

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[web.Application], Awaitable[TestServer]]


def alerts(count: int, first: int = 0) -> list[Alert]:
    return [Alert({"alertname": "A", "n": str(first + number)}, {}, 0, 1, "") for number in range(count)]


class FakeAlertmanager:
    """Keeps what it gets; answers as the test wishes."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.headers: list[dict[str, str]] = []
        self.answer: Answer | None = None

    async def post(self, request: web.Request) -> web.StreamResponse:
        self.batches.append([alert["labels"]["n"] for alert in await request.json()])
        self.headers.append(dict(request.headers))
        return await self.answer(request) if self.answer else web.Response()

    @property
    def received(self) -> list[str]:
        return [number for batch in self.batches for number in batch]


@pytest.fixture
def alertmanager() -> FakeAlertmanager:
    return FakeAlertmanager()


@pytest.fixture
async def url(alertmanager: FakeAlertmanager, aiohttp_server: Serve) -> str:
    app = web.Application()
    app.router.add_post("/am/api/v2/alerts", alertmanager.post)
    server = await aiohttp_server(app)
    return str(server.make_url("/am"))


class Sending:
    """A sender with its meters and events in view."""

    def __init__(self, config: AlertmanagerConfig) -> None:
        self.registry = CollectorRegistry()
        self.events = RecordedEvents()
        self.config = config
        self.tracing = RecordedTracing()
        self.alertmanager = AlertmanagerSender(config)
        context = SenderContext(FakeClock(), Meter(self.registry), self.events, self.tracing)
        self.sender = SenderRunner(self.alertmanager, context)

    async def send(self, count: int = 1) -> Outcome:
        """Send one batch, past the queue."""
        span = self.tracing.span("test", SpanKind.CLIENT, {})
        async with open_http_client() as client:
            attempt = Attempt(client, self.config.timeout_seconds, span)
            return await self.alertmanager.send(alerts(count), attempt)

    def count(self, name: str) -> float | None:
        return self.registry.get_sample_value(f"prometheus_notifications_{name}", {"alertmanager": self.config.name})

    async def until(self, name: str, value: float) -> None:
        await until(lambda: self.count(name) == value)


@asynccontextmanager
async def running(sending: Sending) -> AsyncIterator[Sending]:
    async with open_tier(FakeClock(), sending.events) as tier:
        await tier.start(sending.sender)
        yield sending


def answering(status: int, text: str = "", **headers: str) -> Answer:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=text, headers=headers)

    return answer


async def never(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(3600)
    raise AssertionError


async def test_alerts_arrive_in_order_and_in_batches(alertmanager: FakeAlertmanager, url: str) -> None:
    async with running(Sending(AlertmanagerConfig(url=url, batch_size=2))) as sending:
        assert sending.sender.accept(alerts(5)) == 0
        await sending.until("sent_total", 5)
    assert alertmanager.batches == [["0", "1"], ["2", "3"], ["4"]]
    assert alertmanager.headers[0]["Content-Type"] == "application/json"
    assert (sending.count("errors_total"), sending.count("dropped_total")) == (0, 0)


async def test_a_batch_that_cannot_be_written_is_counted_and_the_next_one_goes_on(
    alertmanager: FakeAlertmanager, url: str
) -> None:
    unwritable = Alert({"n": "?"}, {}, 10**18, 1, "")
    async with running(Sending(AlertmanagerConfig(url=url, batch_size=1))) as sending:
        sending.sender.accept([unwritable, *alerts(1)])
        await sending.until("sent_total", 2)
    assert alertmanager.received == ["0"]
    assert (sending.count("errors_total"), sending.count("dropped_total")) == (1, 1)
    assert [type(event) for event in sending.events.seen] == [AlertmanagerFailing, AlertmanagerRecovered]


@pytest.mark.parametrize(
    ("status", "outcome"), [(200, Delivered), (202, Delivered), (400, Rejected), (429, Retry), (500, Retry)]
)
async def test_an_answer_decides_what_became_of_the_batch(
    alertmanager: FakeAlertmanager, url: str, status: int, outcome: type[object]
) -> None:
    alertmanager.answer = answering(status, "said so")
    result = await Sending(AlertmanagerConfig(url=url)).send()
    assert isinstance(result, outcome)
    assert isinstance(result, Delivered) or result.reason == f"status {status}, `said so`"


async def test_a_batch_that_fails_is_counted_and_the_next_one_is_sent(alertmanager: FakeAlertmanager, url: str) -> None:
    async with running(Sending(AlertmanagerConfig(url=url, batch_size=1))) as sending:
        for sent, answer in enumerate((answering(500), answering(400), None), start=1):
            alertmanager.answer = answer
            sending.sender.accept(alerts(1))
            await sending.until("sent_total", sent)
    assert (sending.count("sent_total"), sending.count("errors_total"), sending.count("dropped_total")) == (3, 2, 2)


async def test_failing_and_recovering_are_told_once_each(alertmanager: FakeAlertmanager, url: str) -> None:
    async with running(Sending(AlertmanagerConfig(url=url, batch_size=1))) as sending:
        alertmanager.answer = answering(503, "starting")
        sending.sender.accept(alerts(3))
        await sending.until("errors_total", 3)
        alertmanager.answer = None
        sending.sender.accept(alerts(2))
        await sending.until("sent_total", 5)
    name = sending.config.name
    assert sending.events.seen == [
        AlertmanagerFailing(name, "status 503, `starting`"),
        AlertmanagerRecovered(name, 3),
    ]


async def test_one_that_never_answers_costs_a_deadline_and_a_bounded_queue(
    alertmanager: FakeAlertmanager, url: str
) -> None:
    alertmanager.answer = never
    config = AlertmanagerConfig(url=url, timeout_seconds=0.05, batch_size=1, queue_capacity=3)
    async with running(Sending(config)) as sending:
        sending.sender.accept(alerts(1))
        await until(lambda: bool(alertmanager.batches))
        sending.sender.accept(alerts(10, first=1))
        assert sending.count("queue_length") == 3
        assert sending.count("dropped_total") == 7
        await sending.until("errors_total", 4)
        assert "no answer within 0.05 s" in str(sending.events.seen[0])
        alertmanager.answer = None
        sending.sender.accept(alerts(1, first=11))
        await sending.until("sent_total", 5)
    assert alertmanager.received == ["0", "8", "9", "10", "11"]


async def test_one_that_is_away_is_reported_by_name_and_the_sender_lives_on(unused_tcp_port: int) -> None:
    config = AlertmanagerConfig(url=f"http://127.0.0.1:{unused_tcp_port}")
    async with running(Sending(config)) as sending:
        sending.sender.accept(alerts(1))
        await sending.until("errors_total", 1)
        sending.sender.accept(alerts(1))
        await sending.until("errors_total", 2)
    assert [type(event) for event in sending.events.seen] == [AlertmanagerFailing]


async def test_a_slow_body_takes_nothing_back_and_no_longer_than_the_deadline(
    alertmanager: FakeAlertmanager, url: str
) -> None:
    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(200):
            await response.write(b".")
            await asyncio.sleep(0.02)
        return response

    alertmanager.answer = trickle
    async with asyncio.timeout(2), running(Sending(AlertmanagerConfig(url=url, timeout_seconds=0.1))) as sending:
        sending.sender.accept(alerts(1))
        await sending.until("sent_total", 1)
    assert sending.count("errors_total") == 0


async def test_an_endless_body_is_read_up_to_a_limit(alertmanager: FakeAlertmanager, url: str) -> None:
    written = 0

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse(status=500)
        await response.prepare(request)
        while True:
            await response.write(b"x" * 65536)
            written += 65536

    alertmanager.answer = flood
    outcome = await Sending(AlertmanagerConfig(url=url, timeout_seconds=5)).send()
    assert isinstance(outcome, Retry)
    assert len(outcome.reason) < 300
    assert written < 16 * 2**20


async def test_a_redirect_is_a_failure_and_takes_no_credentials_elsewhere(
    alertmanager: FakeAlertmanager, url: str, aiohttp_server: Serve
) -> None:
    stolen: list[dict[str, str]] = []

    async def steal(request: web.Request) -> web.Response:
        stolen.append(dict(request.headers))
        return web.Response()

    thief = web.Application()
    thief.router.add_route("*", "/{path:.*}", steal)
    target = await aiohttp_server(thief)
    alertmanager.answer = answering(307, Location=str(target.make_url("/api/v2/alerts")))
    config = AlertmanagerConfig(url=url, bearer_token=SecretStr("canary"))
    outcome = await Sending(config).send()
    assert isinstance(outcome, Retry)
    assert f"`{target.make_url('').origin()}`" in outcome.reason
    assert alertmanager.headers[0]["Authorization"] == "Bearer canary"
    assert stolen == []


@pytest.mark.parametrize("before", ["no such token: ", "x" * 195], ids=["in a message", "cut in the middle"])
async def test_what_an_answer_repeats_of_our_credentials_is_not_told(
    alertmanager: FakeAlertmanager, url: str, before: str
) -> None:
    async def repeat(request: web.Request) -> web.StreamResponse:
        return web.Response(status=401, text=before + request.headers["Authorization"].partition(" ")[2])

    alertmanager.answer = repeat
    for config in (
        AlertmanagerConfig(url=url, bearer_token=SecretStr("canary")),
        AlertmanagerConfig(url=url, basic_auth=BasicAuthConfig(username="u", password=SecretStr("canary"))),
    ):
        async with running(Sending(config)) as sending:
            sending.sender.accept(alerts(1))
            await sending.until("sent_total", 1)
        told = f"{sending.events.seen} {sending.tracing.spans}"
        assert "status 401" in told
        assert "cana" not in told
        assert "dTpj" not in told


async def test_what_an_answer_repeats_of_alerts_is_masked_as_everything_that_is_kept(
    alertmanager: FakeAlertmanager, url: str
) -> None:
    alertmanager.answer = answering(400, "label pwd: password=canary")
    async with running(Sending(AlertmanagerConfig(url=url))) as sending:
        sending.sender.accept(alerts(1))
        await sending.until("sent_total", 1)
    (told,) = sending.events.seen
    assert isinstance(told, AlertmanagerFailing)
    assert told.reason.startswith("status 400, `label")
    assert "canary" not in told.reason


async def test_a_password_is_read_from_its_file_at_each_request(
    alertmanager: FakeAlertmanager, url: str, tmp_path: Path
) -> None:
    file = tmp_path / "password"
    config = AlertmanagerConfig(url=url, basic_auth=BasicAuthConfig(username="u", password_file=str(file)))
    sending = Sending(config)
    assert "cannot read" in str(await sending.send())
    for password in ("one", "two"):
        file.write_text(f"{password}\n")
        await sending.send()
    assert [headers["Authorization"] for headers in alertmanager.headers] == ["Basic dTpvbmU=", "Basic dTp0d28="]


async def test_what_waits_at_shutdown_is_still_sent_the_batch_on_its_way_included(
    alertmanager: FakeAlertmanager, url: str
) -> None:
    alertmanager.answer = never
    sending = Sending(AlertmanagerConfig(url=url, batch_size=2))
    async with running(sending):
        sending.sender.accept(alerts(5))
        await until(lambda: bool(alertmanager.batches))
        alertmanager.answer = None
    assert alertmanager.batches == [["0", "1"], ["0", "1"], ["2", "3"], ["4"]]


async def test_shutdown_does_not_wait_longer_than_its_budget(
    alertmanager: FakeAlertmanager, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.deliver.sender.DRAIN_SECONDS", 0.1)
    alertmanager.answer = never
    sending = Sending(AlertmanagerConfig(url=url))
    async with asyncio.timeout(3), running(sending):
        sending.sender.accept(alerts(5))
        await until(lambda: bool(alertmanager.batches))
    assert sending.count("dropped_total") == 5


def test_the_name_is_the_host_by_default_and_never_holds_credentials() -> None:
    assert AlertmanagerConfig(url="https://am.example:9093/x/").name == "am.example:9093"
    assert AlertmanagerConfig(url="http://am:9093", name="main").name == "main"


@pytest.mark.parametrize("url", ["am:9093", "ftp://am", "http://", "http://u:canary@am", "http://am/?a=b"])
def test_a_url_that_is_no_base_of_an_http_api_is_refused_without_repeating_a_password(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        AlertmanagerConfig(url=url)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "given",
    [
        {"bearer_token": "x", "bearer_token_file": "y"},
        {"bearer_token": "x", "basic_auth": {"username": "u", "password": "p"}},
        {"basic_auth": {"username": "u"}},
        {"basic_auth": {"username": "u", "password": "p", "password_file": "f"}},
    ],
)
def test_credentials_are_given_once(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=r"exactly one|at most one"):
        AlertmanagerConfig.model_validate({"url": "http://a", **given})


async def test_each_delivery_is_a_span_and_one_that_is_not_taken_marks_it(
    alertmanager: FakeAlertmanager, url: str
) -> None:
    async with running(Sending(AlertmanagerConfig(url=url, name="am"))) as sending:
        sending.sender.accept(alerts(2))
        await sending.until("sent_total", 2)
        alertmanager.answer = answering(503, "later")
        sending.sender.accept(alerts(1))
        await sending.until("sent_total", 3)
    first, second = sending.tracing.spans
    assert (first.name, first.kind, first.error, first.ended) == ("deliver alerts", SpanKind.CLIENT, None, True)
    assert first.attributes == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "server.address": "127.0.0.1",
        "server.port": int(url.rpartition(":")[2].removesuffix("/am")),
        "sidecar.alertmanager": "am",
        "sidecar.alerts": 2,
    }
    assert (second.attributes["http.response.status_code"], second.error) == (503, ("retry", "status 503, `later`"))


@pytest.mark.parametrize("prefix", ["am", "/am", "/am/"])
async def test_a_path_prefix_stands_before_the_path(alertmanager: FakeAlertmanager, url: str, prefix: str) -> None:
    config = AlertmanagerConfig(url=url.removesuffix("/am"), path_prefix=prefix)
    assert await Sending(config).send() == Delivered()
    assert alertmanager.received == ["0"]


async def test_relabelling_comes_before_the_queue(alertmanager: FakeAlertmanager, url: str) -> None:
    drop = {"source_labels": ["n"], "regex": "[02]", "action": "drop"}
    rename = {"source_labels": ["n"], "target_label": "n", "replacement": "number $1"}
    config = AlertmanagerConfig.model_validate({"url": url, "alert_relabel_configs": [drop, rename]})
    registry = CollectorRegistry()
    runner = AlertmanagerRunner(config, SenderContext(FakeClock(), Meter(registry), RecordedEvents()))
    async with open_tier(FakeClock(), RecordedEvents()) as tier:
        await tier.start(runner)
        runner.accept(alerts(4))
        await until(lambda: bool(alertmanager.batches))
    assert alertmanager.received == ["number 1", "number 3"]
    assert registry.get_sample_value("prometheus_notifications_sent_total", {"alertmanager": config.name}) == 2


async def test_how_it_does_is_told_and_how_long_a_request_took_is_counted(
    alertmanager: FakeAlertmanager, url: str
) -> None:
    async with running(Sending(AlertmanagerConfig(url=url))) as sending:
        name = sending.config.name
        assert sending.sender.statuses == [SenderStatus(name, 0, None, "")]
        alertmanager.answer = answering(500)
        sending.sender.accept(alerts(1))
        await sending.until("sent_total", 1)
        assert sending.sender.statuses == [SenderStatus(name, 0, None, "status 500")]
        alertmanager.answer = None
        sending.sender.accept(alerts(1))
        await sending.until("sent_total", 2)
        assert sending.sender.statuses == [SenderStatus(name, 0, 0, "")]
        assert sending.count("latency_seconds_count") == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "set one of `url` and `dns`"),
        ({"url": "http://h", "dns": {"name": "n"}}, "set one of `url` and `dns`"),
        ({"dns": {"name": "n", "type": "A"}}, "need a `port`"),
        ({"dns": {"name": "n", "port": 9093}}, "have their own"),
        ({"dns": {"name": "n", "resolver": "ns.example:53"}}, "is given by its address"),
        ({"url": "http://h", "path_prefix": "/a?b"}, "is not a path"),
        ({"url": "https://h", "tls": {"key_file": "k"}}, "needs a `certificate_file`"),
        ({"url": "https://h", "tls": {"ca_file": "c", "insecure_skip_verify": True}}, "means nothing"),
    ],
)
def test_what_does_not_fit_together_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        AlertmanagerConfig.model_validate(settings)
