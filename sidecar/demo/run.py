"""The whole demonstration: two servers, the sidecar, the shop and its customers; everything ends with it."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import NoReturn, TypeVar

import asyncpg

from sidecar.demo.beside import SidecarProcess, SidecarSettings
from sidecar.demo.binaries import postgres_18_bin_dir
from sidecar.demo.ports import free_port, is_free
from sidecar.demo.servers import PostgresServer, Server
from sidecar.demo.shard import ClusterNode, make_shard
from sidecar.demo.shop.process import ShopProcess, ShopSettings
from sidecar.demo.traffic import Sent, run_traffic
from sidecar.model.address import Address
from sidecar.model.errors import OperatorError
from sidecar.model.health import Cause
from sidecar.probe.checks.tcp.check import TcpCheck
from sidecar.probe.checks.tcp.config import TcpCheckConfig

REQUESTS_PER_SECOND = 10.0
SHOP_CHECK_SECONDS = 0.5
MONITOR_PASSWORD = "monitor"  # noqa: S105 - of a server on loopback that lives as long as the demonstration
Say = Callable[[str], None]
ServerT = TypeVar("ServerT", bound=Server)


async def run_demo(say: Say, seconds: float | None) -> None:
    """Run until `seconds` have passed, or SIGINT, SIGTERM or SIGHUP comes; `say` gets lines for people to read.

    Raises OperatorError, in a group, when the sidecar or the shop does not start or ends by itself.
    """
    stop = _stop_on_signals()
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        shop, sidecar = await _start_all(stack, say)
        sent = Sent()
        tasks = [
            group.create_task(run_traffic(shop.url, REQUESTS_PER_SECOND, sent)),
            group.create_task(sidecar.fail_when_it_ends()),
            group.create_task(_fail_when_shop_is_gone(shop)),
        ]
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stop.wait()
        for task in tasks:
            task.cancel()
        say(
            f"Stopping after {sent.total} requests: "
            + ", ".join(f"{k}: {n}" for k, n in sorted(sent.by_status.items()))
        )


def _stop_on_signals() -> asyncio.Event:
    """Return what Ctrl-C, SIGTERM and a terminal that closes set; started by `nohup` it outlives its terminal."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stop.set)
    return stop


async def _start_all(stack: AsyncExitStack, say: Say) -> tuple[ShopSettings, SidecarProcess]:
    postgres = await stack.enter_async_context(_serving(PostgresServer(postgres_18_bin_dir())))
    valkey = await stack.enter_async_context(_serving(ClusterNode()))
    replica = await stack.enter_async_context(_serving(ClusterNode()))
    await asyncio.to_thread(make_shard, valkey, replica)
    say(f"Postgres on port {postgres.port}, Valkey on port {valkey.port}, its replica on port {replica.port}.")
    await _prepare(postgres.dsn)
    shop = ShopSettings(_port(8080), postgres.dsn, valkey.url, f"http://127.0.0.1:{(otlp := _port(4318))}")
    beside = SidecarSettings(
        pod_port=_port(9464),
        api_port=_port(9465),
        otlp_port=otlp,
        otlp_grpc_port=_port(4317),
        app_url=f"{shop.url}/healthz",
        database_url=postgres.dsn_of("sidecar", MONITOR_PASSWORD),
        redis_url=valkey.url,
        redis_replica_url=replica.url,
    )
    sidecar = SidecarProcess(beside)
    stack.push_async_callback(sidecar.stop)
    await sidecar.start()
    shop_process = ShopProcess(shop)
    stack.push_async_callback(shop_process.stop)
    await _start_shop(shop_process)
    for line in what_to_look_at(shop, beside):
        say(line)
    return shop, sidecar


async def _start_shop(process: ShopProcess) -> None:
    try:
        await process.start()
    except TimeoutError:
        raise OperatorError("the shop did not answer in time") from None
    except RuntimeError as error:
        raise OperatorError(str(error)) from error


async def _fail_when_shop_is_gone(shop: ShopSettings) -> NoReturn:
    """Raise OperatorError once nobody listens on the shop's port; a shop that is merely slow goes on."""
    check = TcpCheck(TcpCheckConfig(kind="tcp", address=Address("127.0.0.1", shop.port)))
    while (await check.check()).cause is not Cause.REFUSED:  # noqa: ASYNC110 - another process cannot set an Event
        await asyncio.sleep(SHOP_CHECK_SECONDS)
    raise OperatorError(f"the shop ended: nobody listens on port {shop.port}")


def what_to_look_at(shop: ShopSettings, beside: SidecarSettings) -> list[str]:
    """Return the lines that tell people where to look."""
    pod, page = f"http://127.0.0.1:{beside.pod_port}", f"http://127.0.0.1:{beside.api_port}"
    return [
        "",
        f"  {page}/          what runs here, and where",
        f"  {pod}/metrics   pg_*, redis_* and the shop's request rates, errors and durations",
        f"  {pod}/readyz?verbose   may the pod take traffic",
        f"  {shop.url}/orders/1   an N+1: one query a line of the order",
        f"  OTLP goes to http://127.0.0.1:{beside.otlp_port}; Ctrl-C stops everything.",
        "",
    ]


async def _prepare(dsn: str) -> None:
    """Create the role that the sidecar scrapes with, pg_monitor and nothing else, and a slot that holds nothing."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        await connection.execute("SELECT pg_create_physical_replication_slot('demo')")
        await connection.execute(f"CREATE ROLE sidecar LOGIN PASSWORD '{MONITOR_PASSWORD}' IN ROLE pg_monitor")
    finally:
        await connection.close()


@asynccontextmanager
async def _serving(server: ServerT) -> AsyncIterator[ServerT]:
    await asyncio.to_thread(server.start)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.close)


def _port(preferred: int) -> int:
    """Return `preferred`, or a free port when it is taken."""
    return preferred if is_free(preferred) else free_port()
