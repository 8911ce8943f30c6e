"""Real Alertmanagers, by DNS and behind TLS and a password, beside others that are down, slow, wrong or elsewhere."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from typing_extensions import override

from tests.integration.topologies.tls import Authority
from tests.servers import HOST, Alertmanager, Sidecar, eventually, free_port, get_json, get_text, samples_of
from tests.unit.deliver.dns_server import NameServer, open_name_server

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

SRV = """\
  - name: found
    dns: {name: _alertmanager._tcp.test, resolver: "${NAMES}", refresh_seconds: 1}
    alert_relabel_configs:
      - {source_labels: [secret], regex: .+, action: drop}
      - {regex: pod, action: labeldrop}
"""
OTHERS = """\
  - name: guarded
    url: ${GUARDED}
    basic_auth: {username: admin, password: test}
    tls: {ca_file: "${CA}"}
  - {name: anonymous, url: "${GUARDED}", tls: {ca_file: "${CA}"}}
  - {name: untrusted, url: "${GUARDED}", basic_auth: {username: admin, password: test}}
  - {name: down, url: "${DOWN}"}
  - {name: slow, url: "${FAKE}", path_prefix: slow, timeout_seconds: 60, batch_size: 1, queue_capacity: 1}
  - {name: refusing, url: "${FAKE}", path_prefix: refusing}
  - {name: broken, url: "${FAKE}", path_prefix: broken}
  - {name: elsewhere, url: "${FAKE}", path_prefix: elsewhere}
"""
CONFIG = """\
scrape_interval_seconds: 0.5
app_metrics: [{url: "${FAKE}/metrics"}]
rules:
  files: [rules.yml]
  external_labels: {pod: "${POD}"}
  external_url: http://127.0.0.1:${API}
  runbook_base_url: http://runbooks
  resend_delay_seconds: 1
alertmanagers:
"""
RULES = """\
groups:
  - name: test
    interval: 1s
    rules:
      - {alert: Toggled, expr: "sum(toggle) == 1"}
      - {alert: Secret, expr: vector(1), labels: {secret: "yes"}}
      - {alert: Third, expr: vector(1)}
"""
FAILING = ("anonymous", "untrusted", "down", "refusing", "broken", "elsewhere")
PASSWORD_TEST = "$2b$12$hNf2lSsxfm0.i4a.1kVpSOVyBCfIB51VRjgBUyv6kdnyTlgWj81Ay"


class GuardedAlertmanager(Alertmanager):
    """One that speaks TLS and asks for the password `test` of `admin`."""

    def __init__(self, directory: Path, authority: Authority) -> None:
        super().__init__(directory)
        self._authority = authority
        (directory / "web.yml").write_text(
            f"tls_server_config: {{cert_file: {authority.server}, key_file: {authority.server_key}}}\n"
            f"basic_auth_users: {{admin: '{PASSWORD_TEST}'}}\n"
        )

    @property
    @override
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"

    @override
    def command(self) -> list[str]:
        return [*super().command(), f"--web.config.file={self.directory / 'web.yml'}"]

    @override
    async def active(self) -> dict[str, dict[str, Any]]:
        context = ssl.create_default_context(cafile=self._authority.ca)
        headers = {"Authorization": aiohttp.encode_basic_auth("admin", "test")}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.get(f"{self.url}/api/v2/alerts", ssl=context) as answer,
        ):
            return {alert["labels"]["alertname"]: alert for alert in await answer.json()}


class Fake:
    """The app, whose metric is switched, and Alertmanagers that are no good, by path."""

    def __init__(self) -> None:
        self.toggle = 0
        self.stolen = 0
        self.over = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        what = request.match_info["what"]
        match what:
            case "metrics":
                return web.Response(text=f"toggle {self.toggle}\n")
            case "slow":
                await self.over.wait()
            case "refusing":
                return web.Response(status=400)
            case "elsewhere":
                port = request.url.port
                return web.Response(status=307, headers={"Location": f"http://localhost:{port}/stolen"})
            case "stolen":
                self.stolen += 1
            case _:
                pass
        return web.Response(status=500)


@asynccontextmanager
async def serving(fake: Fake) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{what}{rest:.*}", fake.answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, HOST, port).start()
    try:
        yield f"http://{HOST}:{port}"
    finally:
        fake.over.set()
        await runner.cleanup()


def folder(path: Path) -> Path:
    path.mkdir()
    (path / "rules.yml").write_text(RULES)
    return path


def seconds_of(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


async def counts(sidecar: Sidecar, what: str) -> dict[str, float]:
    """Return a metric of notifications by the name of the Alertmanager."""
    samples = samples_of((await get_text(f"{sidecar.url}/metrics"))[1])
    start = f'prometheus_notifications_{what}{{alertmanager="'
    return {name.removeprefix(start)[:-2]: value for name, value in samples.items() if name.startswith(start)}


async def test_each_alertmanager_has_its_own_fate(tmp_path: Path) -> None:
    fake, authority = Fake(), Authority(tmp_path)
    with ExitStack() as stack:
        async with open_name_server() as names, serving(fake) as fake_url:
            first, second = (Alertmanager(folder(tmp_path / name)) for name in ("am1", "am2"))
            guarded = GuardedAlertmanager(folder(tmp_path / "am3"), authority)
            env = {"NAMES": names.address, "FAKE": fake_url, "GUARDED": guarded.url, "CA": str(authority.ca)}
            env["DOWN"] = f"http://{HOST}:{free_port()}"
            one = Sidecar(folder(tmp_path / "one"), CONFIG + SRV + OTHERS, env)
            other = Sidecar(folder(tmp_path / "other"), CONFIG + SRV, env)
            for program in (first, second, guarded, one, other):
                program.spawn()
                stack.callback(program.stop)
            await names_both(names, first, second, one)
            await one_alert_from_two(fake, first, second, guarded)
            await what_becomes_of_the_others(fake, one)
            await is_resolved(fake, first, second, guarded)
            await one_that_leaves_is_told_no_more(names, first, second, one)


async def names_both(names: NameServer, first: Alertmanager, second: Alertmanager, one: Sidecar) -> None:
    names.records = {
        ("_alertmanager._tcp.test", "SRV"): [f"0 0 {am.port} am.test." for am in (first, second)],
        ("am.test", "A"): [HOST],
    }
    found = {f"found/{HOST}:{am.port}" for am in (first, second)}
    await eventually(lambda: counts(one, "queue_length"), lambda queues: found <= queues.keys())


async def one_alert_from_two(fake: Fake, *alertmanagers: Alertmanager) -> None:
    switched = datetime.now(UTC).timestamp()
    fake.toggle = 1
    for alertmanager in alertmanagers:
        alert = (await eventually(alertmanager.active, lambda active: "Toggled" in active))["Toggled"]
        assert -0.1 < seconds_of(alert["startsAt"]) - switched < 10
        assert 2 < seconds_of(alert["endsAt"]) - datetime.now(UTC).timestamp() <= 4.5, "4 intervals after it was sent"
        assert alert["annotations"] == {"runbook_url": "http://runbooks/toggled"}
    for alertmanager in alertmanagers[:2]:
        alerts = await get_json(f"{alertmanager.url}/api/v2/alerts")
        by_two = sorted((alert["labels"] for alert in alerts), key=str)
        assert by_two == [{"alertname": "Third"}, {"alertname": "Toggled"}]
        (toggled,) = (alert for alert in alerts if alert["labels"]["alertname"] == "Toggled")
        status, page = await get_text(toggled["generatorURL"])
        assert (status, "<td>{}</td><td>1</td>" in page) == (200, True)
        started = toggled["startsAt"]
        later = await eventually(alertmanager.active, lambda now: now["Toggled"]["updatedAt"] != toggled["updatedAt"])  # noqa: B023
        assert seconds_of(later["Toggled"]["startsAt"]) <= seconds_of(started), "the earlier one of the two"


async def what_becomes_of_the_others(fake: Fake, one: Sidecar) -> None:
    errors = await eventually(lambda: counts(one, "errors_total"), lambda errors: all(errors[name] for name in FAILING))
    assert {name for name, count in errors.items() if count} == set(FAILING)
    assert (await eventually(lambda: counts(one, "dropped_total"), lambda dropped: dropped["slow"] > 1))["guarded"] == 0
    assert (await counts(one, "queue_length"))["slow"] == 1
    assert (await counts(one, "queue_capacity"))["slow"] == 1
    assert (await counts(one, "latency_seconds_count"))["guarded"] > 0
    metrics = samples_of((await get_text(f"{one.url}/metrics"))[1])
    assert metrics["prometheus_notifications_alertmanagers_discovered"] == 10
    assert fake.stolen == 0
    _, page = await get_text(one.page_url)
    assert "<td>refusing</td><td>0 alerts</td><td>never</td><td>status 400</td>" in page
    assert "another server: not followed" in page


async def is_resolved(fake: Fake, *alertmanagers: Alertmanager) -> None:
    fake.toggle = 0
    for alertmanager in alertmanagers:
        await eventually(alertmanager.active, lambda active: "Toggled" not in active)


async def one_that_leaves_is_told_no_more(
    names: NameServer, stays: Alertmanager, leaves: Alertmanager, one: Sidecar
) -> None:
    names.records["_alertmanager._tcp.test", "SRV"] = [f"0 0 {stays.port} am.test."]
    gone, kept = (f"found/{HOST}:{am.port}" for am in (leaves, stays))
    await eventually(lambda: counts(one, "sent_total"), lambda sent: gone not in sent)
    before = (await counts(one, "sent_total"))[kept]
    await eventually(lambda: counts(one, "sent_total"), lambda sent: sent[kept] > before)
    assert (await counts(one, "errors_total"))[kept] == 0
