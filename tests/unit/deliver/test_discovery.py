"""Alertmanagers that come and go by DNS, with a server of names on loopback."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import dns.rcode
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry

from sidecar.deliver.alertmanager.config import AlertmanagerConfig
from sidecar.deliver.alertmanager.discovery import AlertmanagersFound, AlertmanagersNotFound
from sidecar.deliver.alertmanager.lookup import Lookup
from sidecar.deliver.alertmanager.runner import AlertmanagerRunner
from sidecar.deliver.sender import SenderContext
from sidecar.model.alert import Alert
from sidecar.model.errors import TargetError
from sidecar.runtime.lifecycle import Tier, open_tier
from sidecar.runtime.meter import Meter
from tests.fakes import FakeClock, RecordedEvents, until
from tests.integration.topologies.tls import Authority
from tests.unit.deliver.dns_server import NameServer, open_name_server

Serve = Callable[[web.Application], Awaitable[TestServer]]
SRV, A = ("_am._tcp.test", "SRV"), ("am.test", "A")
ALERT = Alert({"alertname": "A"}, {}, 0, 1, "")
REFRESH_SECONDS = 30.0


@pytest.fixture
async def names() -> AsyncIterator[NameServer]:
    async with open_name_server() as server:
        yield server


class World:
    """A sender of one configuration, with its meters and events, and the hosts that were asked."""

    def __init__(self, names: NameServer, tls: dict[str, str] | None = None, **settings: Any) -> None:
        self.clock, self.events, self.registry = FakeClock(), RecordedEvents(), CollectorRegistry()
        dns = {"name": SRV[0], "resolver": names.address, "refresh_seconds": REFRESH_SECONDS, "timeout_seconds": 1}
        self.config = AlertmanagerConfig.model_validate({"name": "am", "dns": dns | settings, "tls": tls or {}})
        self.runner = AlertmanagerRunner(self.config, SenderContext(self.clock, Meter(self.registry), self.events))

    async def start(self, tier: Tier) -> None:
        await tier.start(self.runner)
        await self.clock.until_somebody_sleeps()

    async def refresh(self, lookups: int) -> None:
        await self.clock.advance(REFRESH_SECONDS)
        await until(lambda: self.count("sidecar_alertmanager_lookups_total") == lookups)
        await self.clock.until_somebody_sleeps()

    def count(self, name: str, of: str = "am") -> float | None:
        return self.registry.get_sample_value(name, {"alertmanager": of})

    @property
    def receivers(self) -> Sequence[str]:
        return sorted(status.receiver for status in self.runner.statuses)


@pytest.fixture
async def hosts(aiohttp_server: Serve) -> tuple[int, list[str]]:
    """Port of an Alertmanager, and the Host of each request to it."""
    asked: list[str] = []

    async def post(request: web.Request) -> web.Response:
        asked.append(request.headers["Host"])
        return web.Response()

    app = web.Application()
    app.router.add_post("/api/v2/alerts", post)
    server = await aiohttp_server(app)
    assert server.port is not None
    return server.port, asked


async def test_each_address_has_a_queue_which_comes_and_goes_with_it(
    names: NameServer, hosts: tuple[int, list[str]]
) -> None:
    port, asked = hosts
    names.records = {SRV: [f"0 0 {port} a.test.", f"0 0 {port} b.test."], ("a.test", "A"): ["127.0.0.1"],
                     ("b.test", "A"): ["127.0.0.2"]}  # fmt: skip
    world = World(names)
    async with open_tier(world.clock, world.events) as tier:
        await world.start(tier)
        a, b = f"am/127.0.0.1:{port}", f"am/127.0.0.2:{port}"
        assert world.receivers == [a, b]
        world.runner.accept([ALERT])
        await until(lambda: world.count("prometheus_notifications_sent_total", a) == 1)
        assert asked == [f"a.test:{port}"]
        names.records[SRV] = [f"0 0 {port} a.test."]
        await world.refresh(2)
        assert world.receivers == [a]
        assert world.count("prometheus_notifications_sent_total", b) is None
        assert world.count("prometheus_notifications_sent_total", a) == 1, "the other one's queue was not touched"
        names.records[SRV] = [f"0 0 {port} a.test.", f"0 0 {port} b.test."]
        await world.refresh(3)
        assert world.receivers == [a, b]
    assert world.events.seen[0].alertmanager == b  # type: ignore[attr-defined] # nobody listens there


@pytest.mark.parametrize("harm", ["silent", "servfail"])
async def test_the_last_addresses_stay_while_nobody_answers_and_that_is_told_once(names: NameServer, harm: str) -> None:
    names.records = {A: ["127.0.0.1"]}
    world = World(names, name=A[0], type="A", port=1, timeout_seconds=0.2)
    async with open_tier(world.clock, world.events) as tier:
        await world.start(tier)
        names.silent, names.rcode = harm == "silent", dns.rcode.SERVFAIL
        await world.refresh(2)
        await world.refresh(3)
        assert world.receivers == ["am/127.0.0.1:1"]
        assert world.count("sidecar_alertmanager_lookup_failures_total") == 2
        names.silent, names.rcode = False, dns.rcode.NOERROR
        await world.refresh(4)
    failed, found = world.events.seen
    assert isinstance(failed, AlertmanagersNotFound)
    assert failed.known == 1
    assert isinstance(found, AlertmanagersFound)


@pytest.mark.parametrize("left", [{}, {("am.test", "AAAA"): ["::1"]}], ids=["no such name", "no such record"])
async def test_an_answer_of_none_closes_the_queues_and_alerts_are_counted_as_dropped(
    names: NameServer, left: dict[tuple[str, str], list[str]]
) -> None:
    names.records = {A: ["127.0.0.1"]}
    world = World(names, name=A[0], type="A", port=1)
    async with open_tier(world.clock, world.events) as tier:
        await world.start(tier)
        names.records = left
        await world.refresh(2)
        (status,) = world.runner.statuses
        assert (status.receiver, status.failing) == ("am", "there is no address")
        world.runner.accept([ALERT, ALERT])
    assert world.count("prometheus_notifications_dropped_total") == 2
    assert world.count("sidecar_alertmanager_lookup_failures_total") == 0


async def test_addresses_of_ipv6_are_in_brackets_and_many_are_cut(names: NameServer) -> None:
    names.records = {("am.test", "AAAA"): ["::1"], A: [f"127.0.1.{number}" for number in range(100)]}
    six = World(names, name="am.test", type="AAAA", port=9).config.dns
    four = World(names, name="am.test.", type="A", port=9).config.dns
    assert six is not None
    assert four is not None
    assert [str(found.address) for found in await Lookup(six)()] == ["[::1]:9"]
    assert len(await Lookup(four)()) == 64


async def test_nobody_who_answers_is_an_error_of_the_target(names: NameServer) -> None:
    names.silent = True
    config = World(names, timeout_seconds=0.05).config.dns
    assert config is not None
    with pytest.raises(TargetError):
        await Lookup(config)()


@pytest.mark.parametrize(("named", "failing"), [({}, ""), ({"server_name": "other.test"}, "Hostname mismatch")])
async def test_https_is_checked_for_the_name_that_was_looked_up_and_shows_our_certificate(
    names: NameServer, tmp_path: Path, aiohttp_server: Callable[..., Awaitable[TestServer]], named: dict[str, str],
    failing: str,
) -> None:  # fmt: skip
    authority = Authority(tmp_path)
    authority._certify("named", "am.test", "subjectAltName=DNS:am.test")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.ca)
    context.load_cert_chain(tmp_path / "named.crt", tmp_path / "named.key")
    context.verify_mode = ssl.CERT_REQUIRED

    async def take(_: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_post("/api/v2/alerts", take)
    server = await aiohttp_server(app, ssl=context)
    names.records = {A: ["127.0.0.1"]}
    files = {"ca_file": authority.ca, "certificate_file": authority.client, "key_file": authority.client_key}
    tls = {key: str(path) for key, path in files.items()} | named
    world = World(names, tls=tls, name=A[0], type="A", port=server.port, scheme="https")
    async with open_tier(world.clock, world.events) as tier:
        await world.start(tier)
        world.runner.accept([ALERT])
        (status,) = world.runner.statuses
        await until(lambda: world.count("prometheus_notifications_sent_total", status.receiver) == 1)
        (status,) = world.runner.statuses
        assert failing in status.failing
        assert bool(status.failing) is bool(failing)
