"""A whole process in this one: how it starts, what a part that fails does to it, and how it ends."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from types import ModuleType

import pytest
from aiohttp import ClientError, ClientSession
from aiohttp.test_utils import unused_port
from typing_extensions import override

from sidecar.app import run
from sidecar.app.reload import TierName
from sidecar.app.run import run_until_signalled
from sidecar.app.started import Started
from sidecar.model.errors import OperatorError
from sidecar.runtime.events import ComponentFailed, ComponentFailedToStop
from sidecar.runtime.guardian import Guardian, Orders
from tests.fakes import FakeComponent, settle, until
from tests.unit.app.root import CONFIG, Root, get, metrics_of

DRAIN_SECONDS = 3.0
NOTHING_BUT_PORTS = """
pod: {listen: "127.0.0.1:0"}
api: {listen: "127.0.0.1:0"}
otlp: {http: {listen: "127.0.0.1:0"}, grpc: {listen: "127.0.0.1:0"}}
"""


class InjectedError(Exception):
    """What a part fails with."""


async def answers(port: int) -> bool:
    try:
        async with ClientSession() as session, session.get(f"http://127.0.0.1:{port}/livez"):
            return True
    except ClientError:
        return False


async def test_with_nothing_configured_but_ports_every_listener_answers_and_says_where(root: Root) -> None:
    root.config.write_text(NOTHING_BUT_PORTS)
    async with root.running() as process:
        assert process.addresses.keys() == {"pod", "local", "otlp_http", "otlp_grpc"}
        assert (await get(process, "pod", "/readyz"))[0] == 200
        assert (await get(process, "local", "/"))[0] == 200
        assert (await get(process, "otlp_http", "/v1/traces"))[0] == 405
        assert (await metrics_of(process))["sidecar_config_last_reload_successful"] == 1
        (event,) = root.seen(Started)
        for address in process.addresses.values():
            assert address.port
            assert str(address) in event.listens


async def test_a_port_that_is_taken_ends_the_start_and_leaves_nothing_open(root: Root) -> None:
    pod = unused_port()
    async with root.running() as other:
        taken = other.addresses["local"]
        root.config.write_text(
            CONFIG.replace("127.0.0.1:0", f"127.0.0.1:{pod}", 1).replace("127.0.0.1:0", str(taken), 1)
        )
        with pytest.raises(OperatorError, match=f"local: cannot listen on `{taken}`: the port is taken"):
            async with root.running():
                pytest.fail("it runs")
    assert not await answers(pod)


class HeldImport:
    """The heavy import of a start, which stands still until it is released."""

    def __init__(self) -> None:
        self._reached, self._released = threading.Event(), threading.Event()
        self.release = self._released.set

    def __call__(self, name: str) -> ModuleType:
        self._reached.set()
        self._released.wait(10)
        return import_module(name)

    async def reached(self) -> None:
        await until(self._reached.is_set)


@pytest.fixture
def held_import(monkeypatch: pytest.MonkeyPatch) -> Iterator[HeldImport]:
    held = HeldImport()
    monkeypatch.setattr(run, "import_module", held)
    yield held
    held.release()


async def test_probes_are_answered_while_the_rest_is_imported(root: Root, held_import: HeldImport) -> None:
    port = unused_port()
    root.config.write_text(CONFIG.replace("127.0.0.1:0", f"127.0.0.1:{port}", 1))

    async def status(path: str) -> int:
        async with ClientSession() as session, session.get(f"http://127.0.0.1:{port}{path}") as response:
            return response.status

    async def early() -> list[int]:
        await held_import.reached()
        statuses = [await status(path) for path in paths]
        held_import.release()
        return statuses

    paths = ("/livez", "/readyz", "/startupz", "/metrics")
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(early())
        async with root.running():
            assert [await status(path) for path in paths] == [200, 200, 200, 200]
    assert asking.result() == [200, 503, 503, 503]


async def test_a_stop_while_it_starts_closes_what_is_open(root: Root, held_import: HeldImport) -> None:
    port = unused_port()
    root.config.write_text(CONFIG.replace("127.0.0.1:0", f"127.0.0.1:{port}", 1))
    root.fake("late")

    async def run_on() -> None:
        async with root.running():
            pytest.fail("it runs")

    async with asyncio.TaskGroup() as group:
        start = group.create_task(run_on())
        await held_import.reached()
        assert await answers(port)
        start.cancel()
        held_import.release()
    assert start.cancelled()
    assert not await answers(port)
    assert root.journal == []


@pytest.mark.parametrize("moment", ["while it is made", "before it is ready"])
async def test_a_part_that_fails_ends_the_start_and_what_ran_is_stopped_upstream_first(root: Root, moment: str) -> None:
    def refuse() -> FakeComponent:
        raise InjectedError(moment)

    root.fake("deliver", TierName.DELIVER)
    root.fake("job", TierName.JOBS)
    root.fake("bad", TierName.COLLECT, error_before_ready=InjectedError(moment))
    if moment == "while it is made":
        root.add("bad", refuse, TierName.COLLECT)
    with pytest.raises(InjectedError, match=moment):
        async with root.running():
            pytest.fail("it runs")
    journal = [line for line in root.journal if "bad" not in line]
    assert journal[:4] == ["open deliver", "open job", "close job", "close deliver"]


async def test_a_part_that_fails_at_work_is_told_and_runs_again_and_no_other_one_notices(root: Root) -> None:
    part = root.fake("part")
    async with root.running() as process:
        assert part.error is not None
        part.error.set_exception(InjectedError("at work"))
        await until(lambda: bool(root.seen(ComponentFailed)))
        assert (await get(process, "pod", "/readyz"))[0] == 200
        await root.clock.advance(2.0)
        assert root.journal == ["open part", "close part", "open part"]
    assert [(event.component, event.error) for event in root.seen(ComponentFailed)] == [
        ("part", "InjectedError: at work")
    ]


async def test_a_part_that_fails_while_it_stops_is_told_and_the_others_stop_too(root: Root) -> None:
    class Stubborn(FakeComponent):
        @override
        async def run(self, ready: Callable[[], None]) -> None:
            try:
                await super().run(ready)
            finally:
                raise InjectedError("while stopping")

    root.fake("first", TierName.DELIVER)
    root.add("bad", lambda: Stubborn("bad", root.journal), TierName.JOBS)
    async with root.running():
        root.journal.clear()
    assert root.journal == ["close bad", "close first"]
    assert [event.component for event in root.seen(ComponentFailedToStop)] == ["bad"]


async def test_it_stops_upstream_first_and_the_probes_answer_to_the_end(root: Root) -> None:
    ports: list[int] = []

    class Last(FakeComponent):
        @override
        async def run(self, ready: Callable[[], None]) -> None:
            try:
                await super().run(ready)
            finally:
                self.journal.append(f"answers: {await answers(ports[0])}")

    for tier in (TierName.COLLECT, TierName.JOBS, TierName.DELIVER):
        root.fake(tier.name, tier)
    root.add("API", lambda: Last("API", root.journal), TierName.API)
    async with root.running() as process:
        ports.append(process.addresses["pod"].port)
        root.journal.clear()
    assert root.journal == ["close COLLECT", "close JOBS", "close DELIVER", "close API", "answers: True"]
    assert not await answers(ports[0])


async def test_draining_says_503_at_once_and_goes_on_working_for_the_delay(root: Root) -> None:
    root.config.write_text(f"{CONFIG}shutdown: {{drain_delay_seconds: {DRAIN_SECONDS}}}\n")
    root.fake("part")
    async with root.running() as process, asyncio.TaskGroup() as group:
        drain = group.create_task(process.drain())
        await root.clock.advance(DRAIN_SECONDS - 1)
        assert (await get(process, "pod", "/readyz"))[0] == 503
        assert (await get(process, "pod", "/livez"))[0] == 200
        assert (await get(process, "otlp_http", "/v1/traces"))[0] == 405
        assert (drain.done(), root.journal) == (False, ["open part"])
        await root.clock.advance(1)
        assert drain.done()
    assert root.journal == ["open part", "close part"]


async def test_a_second_stop_ends_the_drain_and_everything_still_stops_in_order(root: Root) -> None:
    root.fake("deliver", TierName.DELIVER)
    root.fake("job", TierName.JOBS)
    draining = asyncio.Event()

    async def drained() -> None:
        async with root.running() as process:
            root.journal.clear()
            draining.set()
            await process.drain()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(drained())
        await draining.wait()
        task.cancel()
    assert root.journal == ["close job", "close deliver"]


class Obeyed(Guardian):
    """Hears no signal, and knows the orders."""

    def __init__(self) -> None:
        super().__init__()
        self.orders: Orders | None = None

    @override
    def obey(self, orders: Orders) -> None:
        self.orders = orders


async def test_a_signal_drains_and_ends_it_within_what_both_may_take(
    root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    alarms: list[float] = []
    monkeypatch.setattr(run, "lay_foundation", lambda config, _clock: root.foundation(config))
    monkeypatch.setattr(run, "configure_logging", lambda _config: None)
    monkeypatch.setattr("sidecar.runtime.garbage.settle", lambda: None)
    monkeypatch.setattr(run, "end_within", alarms.append)
    root.config.write_text(f"{CONFIG}shutdown: {{drain_delay_seconds: 3, timeout_seconds: 7}}\n")
    root.fake("part")
    located = await asyncio.to_thread(root.source.read)
    async with asyncio.TaskGroup() as group:
        guardian = Obeyed()
        ended = group.create_task(run_until_signalled(root.source, located, guardian))
        await until(lambda: guardian.orders is not None)
        assert guardian.orders is not None
        assert guardian.orders.stop_seconds() == 7.0
        await until(lambda: bool(root.seen(Started)))
        await settle()
        assert guardian.orders.stop_seconds() == 10.0
        guardian.orders.stop()
        await settle()
        assert (ended.done(), alarms) == (False, [])
        await root.clock.advance(3)
        await ended
    assert root.journal == ["open part", "close part"]
    assert alarms == [7.0]
