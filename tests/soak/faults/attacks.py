"""What is done to the sidecar and to whatever it works with; each is over, and put right, when its block ends."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from random import Random

from tests.conftest import ROOT
from tests.servers import HOST
from tests.soak.faults.world import World, family

Attack = Callable[[World, Random], AbstractAsyncContextManager[None]]

DAY_SECONDS = 86_400
STEPS_SECONDS = (DAY_SECONDS, -DAY_SECONDS, 30 * DAY_SECONDS, -30 * DAY_SECONDS, 3600, -3600, 1, -1)
"""How far a clock goes; a leap second is the least."""
IDLE_CONNECTIONS = 300
"""To each listener: more than some of them take."""
REFUSED_TARGETS = 2000
MALFORMED = b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: hunter2\r\nBad Header: x\r\n\r\n"


@asynccontextmanager
async def during(*endless: Callable[[], Coroutine[None, None, None]]) -> AsyncIterator[None]:
    """Do all of them until the block ends."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each()) for each in endless]
        yield
        for task in tasks:
            task.cancel()


@asynccontextmanager
async def hung_files(world: World, _: Random) -> AsyncIterator[None]:
    """The mount with a secret and the rules hangs, a new connection needs the secret, a reload both."""
    world.mount.hang()
    try:
        end_sessions(world)
        world.sidecar.send(signal.SIGHUP)
        yield
    finally:
        world.mount.answer()
        world.sidecar.send(signal.SIGHUP)


def end_sessions(world: World) -> None:
    """End the connections to Postgres."""
    for pid in family(world.postgres.pid):
        with suppress(OSError):
            if f" {HOST}(" in Path(f"/proc/{pid}/cmdline").read_text():
                os.kill(pid, signal.SIGTERM)


async def end_clients(world: World) -> None:
    """End the connections to Redis."""
    writer = (await asyncio.open_connection(HOST, world.redis.port))[1]
    writer.write(b"CLIENT KILL TYPE normal SKIPME yes\r\nQUIT\r\n")  # one that is frozen does so later
    writer.close()


@asynccontextmanager
async def silent_names(world: World, _: Random) -> AsyncIterator[None]:
    """The server of names answers nothing, while connections to names begin."""
    world.names.silent = True
    try:
        await end_clients(world)
        yield
    finally:
        world.names.silent = False


@asynccontextmanager
async def silent_upstream(world: World, _: Random) -> AsyncIterator[None]:
    """The upstream accepts, reads and answers nothing."""
    world.upstream.speaks.clear()
    try:
        yield
    finally:
        world.upstream.speaks.set()


def frozen(pid_of: Callable[[World], int]) -> Attack:
    """Return: a server is stopped by SIGSTOP: it accepts, and answers nothing."""

    @asynccontextmanager
    async def attack(world: World, _: Random) -> AsyncIterator[None]:
        stopped = [*family(pid_of(world))]
        for pid in stopped:
            _signal(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in stopped:
                _signal(pid, signal.SIGCONT)

    return attack


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


@asynccontextmanager
async def unread_log(world: World, random: Random) -> AsyncIterator[None]:
    """Nobody reads standard error, while there is much to say."""
    world.sidecar.unread.pause()
    try:
        async with reload_storm(world, random), malformed_requests(world, random):
            yield
    finally:
        world.sidecar.unread.resume()


@asynccontextmanager
async def stopped_sidecar(world: World, _: Random) -> AsyncIterator[None]:
    """The sidecar itself is stopped."""
    world.sidecar.send(signal.SIGSTOP)
    try:
        yield
    finally:
        world.sidecar.send(signal.SIGCONT)


@asynccontextmanager
async def clock_steps(world: World, random: Random) -> AsyncIterator[None]:
    """The clock is set ahead and back, every few seconds."""

    async def step() -> None:
        while True:
            world.sidecar.clock.step(random.choice(STEPS_SECONDS))
            await asyncio.sleep(random.uniform(1, 7))

    try:
        async with during(step):
            yield
    finally:
        world.sidecar.clock.step(0)


@asynccontextmanager
async def clock_a_day_ahead(world: World, _: Random) -> AsyncIterator[None]:
    """The clock is a day ahead."""
    world.sidecar.clock.step(DAY_SECONDS)
    try:
        yield
    finally:
        world.sidecar.clock.step(0)


@asynccontextmanager
async def floods(world: World, random: Random) -> AsyncIterator[None]:
    """Bodies that are built to hurt arrive over OTLP, from another process."""
    words = [sys.executable, "-m", "tests.soak.faults.flood", str(world.sidecar.otlp_port), str(random.randrange(1000))]
    flooding = await asyncio.create_subprocess_exec(*words, cwd=ROOT, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        flooding.kill()
        await flooding.wait()


@asynccontextmanager
async def connections(world: World, _: Random) -> AsyncIterator[None]:
    """Connections that say nothing, or half of a request, to every listener but the pod's."""
    ports = (world.sidecar.api_port, world.sidecar.otlp_port, world.sidecar.otlp_grpc_port)
    async with AsyncExitStack() as stack:
        for number in range(IDLE_CONNECTIONS):
            for port in ports:
                with suppress(OSError):
                    writer = (await asyncio.open_connection(HOST, port))[1]
                    stack.callback(writer.transport.abort)
                    if number % 2:
                        writer.write(b"POST /v1/traces HTTP/1.1\r\nHost: ")
        yield


@asynccontextmanager
async def malformed_requests(world: World, _: Random) -> AsyncIterator[None]:
    """Requests that are none, as fast as they are refused, at every HTTP port."""

    def asking(port: int) -> Callable[[], Coroutine[None, None, None]]:
        async def ask() -> None:
            while True:
                with suppress(OSError, TimeoutError):
                    async with asyncio.timeout(5):
                        reader, writer = await asyncio.open_connection(HOST, port)
                        try:
                            writer.write(MALFORMED)
                            await reader.read()
                        finally:
                            writer.transport.abort()
                await asyncio.sleep(0.005)

        return ask

    async with during(*map(asking, (world.sidecar.port, world.sidecar.api_port, world.sidecar.otlp_port))):
        yield


@asynccontextmanager
async def reload_storm(world: World, random: Random) -> AsyncIterator[None]:
    """The configuration changes, and is bad now and then, and SIGHUP comes all the time."""

    async def storm() -> None:
        for number in count():
            changed = f"\nhead: {{max_series: {50_000 + number}}}\n" if random.random() < 0.8 else "\nhead: [\n"
            world.sidecar.configure(changed)
            world.sidecar.send(signal.SIGHUP)
            await asyncio.sleep(random.uniform(0.05, 0.5))

    try:
        async with during(storm):
            yield
    finally:
        world.sidecar.configure("")
        world.sidecar.send(signal.SIGHUP)


@asynccontextmanager
async def refused_targets(world: World, _: Random) -> AsyncIterator[None]:
    """Very many targets that refuse connections are configured."""
    config = world.sidecar.config
    more = "".join(f"  - {{name: refused{n}, url: 'redis://127.0.0.1:1/0'}}\n" for n in range(REFUSED_TARGETS))
    world.sidecar.configure("", config.replace("redis:\n", f"redis:\n{more}"))
    world.sidecar.send(signal.SIGHUP)
    try:
        yield
    finally:
        world.sidecar.configure("")
        world.sidecar.send(signal.SIGHUP)


@asynccontextmanager
async def absurd_configuration(world: World, _: Random) -> AsyncIterator[None]:
    """The configuration asks for a thousand scrapes a second."""
    config = world.sidecar.config
    world.sidecar.configure("", config.replace("scrape_interval_seconds: 2\n", "scrape_interval_seconds: 0.001\n"))
    world.sidecar.send(signal.SIGHUP)
    try:
        yield
    finally:
        world.sidecar.configure("")
        world.sidecar.send(signal.SIGHUP)


RANDOM_ATTACKS: Mapping[str, Attack] = {
    "hung files": hung_files,
    "silent names": silent_names,
    "black hole upstream": silent_upstream,
    "frozen Postgres": frozen(lambda world: world.postgres.pid),
    "frozen Redis": frozen(lambda world: world.redis.pid),
    "frozen Alertmanager": frozen(lambda world: world.alertmanager.pid),
    "unread log": unread_log,
    "clock steps": clock_steps,
    "OTLP floods": floods,
    "idle connections": connections,
    "malformed requests": malformed_requests,
    "reload storm": reload_storm,
}
