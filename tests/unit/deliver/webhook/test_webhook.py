"""Webhooks that are well, ask to wait, fail, refuse, and are away; and that no word of their URL gets out."""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import ValidationError

from sidecar.deliver.sender import SenderContext
from sidecar.deliver.webhook.config import WebhookConfig
from sidecar.deliver.webhook.runner import WebhookRunner
from sidecar.deliver.webhook.sender import WebhookFailing, WebhookRecovered
from sidecar.model.alert import Alert
from sidecar.runtime.lifecycle import open_tier
from sidecar.runtime.meter import Meter
from tests.fakes import FakeClock, RecordedEvents, RecordedTracing, until
from tests.unit.deliver.webhook.alerts import alert, nothing_muted

Serve = Callable[[web.Application], Awaitable[TestServer]]
PATH = "/services/T00SECRET/B00SECRET/canary%2Btoken"
WORDS = ("T00SECRET", "B00SECRET", "canary")


class Hook:
    """A service that keeps what it gets; answers as the test wishes, then well."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[web.Response] = []
        self.url = ""

    async def post(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
        self.headers.append(dict(request.headers))
        return self.answers.pop(0) if self.answers else web.Response()

    @property
    def told(self) -> list[tuple[str, int]]:
        return [(body["status"], len(body["alerts"])) for body in self.bodies]


@pytest.fixture
async def hook(aiohttp_server: Serve) -> Hook:
    hook, app = Hook(), web.Application()
    app.router.add_post("/{path:.*}", hook.post)
    hook.url = str((await aiohttp_server(app)).make_url("/")).rstrip("/") + PATH
    return hook


class Running:
    """A webhook that runs, with its time, meters, events and spans in view."""

    def __init__(self, **settings: Any) -> None:
        given = {"name": "chat", "kind": "alertmanager", "group_wait_seconds": 0, "group_interval_seconds": 300}
        self.config = WebhookConfig.model_validate(given | settings)
        self.clock, self.tracing, self.registry = FakeClock(), RecordedTracing(), CollectorRegistry()
        self.events = RecordedEvents(self.clock)
        context = SenderContext(self.clock, Meter(self.registry), self.events, self.tracing)
        self.runner = WebhookRunner(self.config, "http://sidecar.example", nothing_muted, context)

    def count(self, name: str) -> float | None:
        return self.registry.get_sample_value(name, {"webhook": "chat"})

    async def until_sent(self, number: int) -> None:
        """Let a second pass again and again until so many notifications were sent, failed ones included."""
        for _ in range(3000):
            if self.count("prometheus_webhooks_sent_total") == number:
                return
            await self.clock.advance(1.0)
        raise TimeoutError

    @property
    def output(self) -> str:
        """Everything that anybody could read about it."""
        return "\n".join(
            [
                generate_latest(self.registry).decode(),
                *(str(event) for event in self.events.seen),
                *(str(span) for span in self.tracing.spans),
                repr(self.config),
                self.config.model_dump_json(),
            ]
        )


@asynccontextmanager
async def running(**settings: Any) -> AsyncIterator[Running]:
    made = Running(**settings)
    async with open_tier(made.clock, made.events) as tier:
        await tier.start(made.runner)
        yield made


async def test_a_group_is_told_and_its_end_when_the_interval_has_passed(hook: Hook) -> None:
    async with running(url=hook.url) as hooked:
        hooked.runner.accept([alert(n="1"), alert(n="2")])
        await hooked.until_sent(1)
        hooked.runner.accept([alert(n="1", ends=1), alert(n="2", ends=1)])
        await hooked.clock.advance(290.0)
        assert hook.told == [("firing", 2)]
        await hooked.until_sent(2)
        assert hook.told == [("firing", 2), ("resolved", 2)]
        assert hooked.count("prometheus_webhooks_errors_total") == 0
        assert hooked.count("sidecar_webhook_groups") == hooked.count("sidecar_webhook_alerts") == 0
    assert hook.headers[0]["Content-Type"] == "application/json"


async def test_one_that_asks_to_wait_is_asked_again_after_that(hook: Hook) -> None:
    hook.answers = [web.Response(status=429, headers={"Retry-After": "20"})]
    async with running(url=hook.url) as hooked:
        hooked.runner.accept([alert()])
        await until(lambda: bool(hook.bodies))
        await hooked.clock.advance(19.0)
        assert len(hook.bodies) == 1
        await hooked.until_sent(1)
        assert len(hook.bodies) == 2
        assert hooked.count("prometheus_webhooks_errors_total") == 0


async def test_one_that_asks_for_longer_than_the_deadline_is_told_again_when_the_group_is_due_next(hook: Hook) -> None:
    hook.answers = [web.Response(status=429, headers={"Retry-After": "61"})]
    async with running(url=hook.url, retry_seconds=60) as hooked:
        hooked.runner.accept([alert()])
        await hooked.until_sent(1)
        assert hooked.count("prometheus_webhooks_dropped_total") == 1
        await hooked.until_sent(2)
        assert hook.told == [("firing", 1)] * 2
        assert [event.lost for event in hooked.events.seen if isinstance(event, WebhookRecovered)] == [1]


async def test_one_that_fails_is_tried_until_the_deadline_and_that_is_told_once(hook: Hook) -> None:
    hook.answers = [web.Response(status=503) for _ in range(1000)]
    async with running(url=hook.url, retry_seconds=60) as hooked:
        hooked.runner.accept([alert()])
        began = hooked.clock.monotonic()
        await hooked.until_sent(1)
        assert hooked.clock.monotonic() - began <= 61
        assert len(hook.bodies) >= 3
        await hooked.until_sent(2)
        assert [event.reason for event in hooked.events.seen if isinstance(event, WebhookFailing)] == ["status 503"]


async def test_one_that_refuses_is_not_asked_again_for_the_same_and_that_is_told_once(hook: Hook) -> None:
    hook.answers = [web.Response(status=400, text="no such channel") for _ in range(2)]
    async with running(url=hook.url) as hooked:
        hooked.runner.accept([alert()])
        await hooked.until_sent(1)
        assert len(hook.bodies) == 1
        await hooked.until_sent(2)
        assert hooked.count("prometheus_webhooks_dropped_total") == 2
        failing = [event for event in hooked.events.seen if isinstance(event, WebhookFailing)]
        assert [event.reason for event in failing] == ["status 400, `no such channel`"]


@pytest.mark.parametrize("by_file", [False, True])
async def test_no_word_of_the_url_is_in_any_output(
    hook: Hook, tmp_path: Path, caplog: pytest.LogCaptureFixture, by_file: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = f"nothing at {PATH} nor {hook.url}, canary+token is wrong, ask B00SECRET"
    elsewhere = web.Response(status=302, headers={"Location": f"http://elsewhere{PATH}"})
    hook.answers = [elsewhere, web.Response(status=500, text=echo), web.Response(status=404, text=echo)]
    (tmp_path / "url").write_text(f"{hook.url}\n")
    where = {"url_file": str(tmp_path / "url")} if by_file else {"url": hook.url}
    async with running(**where) as hooked:
        hooked.runner.accept([alert()])
        await hooked.until_sent(1)
        await hooked.until_sent(2)
    assert len(hook.bodies) == 4
    # the log of requests is that of the service
    logged = [record.getMessage() for record in caplog.records if record.name != "aiohttp.access"]
    shown = "\n".join([hooked.output, *logged])
    assert [word for word in WORDS if word in shown] == []


async def test_one_that_is_away_is_named_without_its_url(unused_tcp_port: int) -> None:
    async with running(url=f"http://127.0.0.1:{unused_tcp_port}{PATH}", retry_seconds=0) as hooked:
        hooked.runner.accept([alert()])
        await hooked.until_sent(1)
        assert [word for word in WORDS if word in hooked.output] == []


async def test_texts_are_masked(hook: Hook) -> None:
    async with running(url=hook.url) as hooked:
        secret = Alert({"alertname": "A"}, {"summary": "postgresql://u:hunter2@h/db"}, 0, 10**15, "")
        hooked.runner.accept([secret])
        await hooked.until_sent(1)
    assert "hunter2" not in json.dumps(hook.bodies)


async def test_topic_and_token_of_ntfy(hook: Hook) -> None:
    async with running(kind="ntfy", url=f"{hook.url}/my-topic", bearer_token="tk_1") as hooked:
        hooked.runner.accept([alert()])
        await hooked.until_sent(1)
    assert hook.bodies[0]["topic"] == "my-topic"
    assert hook.headers[0]["Authorization"] == "Bearer tk_1"


async def test_the_routing_key_of_pagerduty_comes_from_its_file(hook: Hook, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("R0UTING\n")
    async with running(kind="pagerduty", url=hook.url, routing_key_file=str(tmp_path / "key")) as hooked:
        hook.answers = [web.Response(status=400, text="bad R0UTING")]
        hooked.runner.accept([alert()])
        await hooked.until_sent(1)
        assert "R0UTING" not in hooked.output
    assert hook.bodies[0]["routing_key"] == "R0UTING"


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "slack"},
        {"kind": "slack", "url": "http://a", "url_file": "b"},
        {"kind": "slack", "url": "canary"},
        {"kind": "slack", "url": "ftp://h/canary"},
        {"kind": "slack", "url": "http://u:canary@h"},
        {"kind": "slack", "url": "http://a", "routing_key": "canary"},
        {"kind": "pagerduty"},
        {"kind": "pagerduty", "routing_key": "canary", "routing_key_file": "b"},
        {"kind": "ntfy", "url": "https://ntfy.sh"},
        {"kind": "ntfy", "url": "https://ntfy.sh/"},
        {"kind": "ntfy", "url": "https://ntfy.sh/a", "bearer_token": "canary", "bearer_token_file": "b"},
    ],
)
def test_what_does_not_fit_is_refused_without_repeating_a_secret(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as caught:
        WebhookConfig.model_validate({"name": "chat", **given})
    assert "canary" not in str(caught.value)
