"""Records what the frameworks of real apps export to tests/frameworks, each recording with what the app did."""

import asyncio
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import click

from scripts.frameworks.collector import Export, collecting
from scripts.frameworks.dump import dump_text
from scripts.frameworks.installation import Installation, install
from scripts.frameworks.scenario import Scenario
from scripts.frameworks.scenarios import SCENARIOS
from scripts.frameworks.shop import Shop, open_shop
from sidecar.demo.ports import HOST, free_port

RECORDINGS = Path(__file__).parent.parent.parent / "tests/frameworks"
START_SECONDS = 60.0
STOP_SECONDS = 30.0
POLL_SECONDS = 0.05
LOG_CHARACTERS = 2000
SETTLE_SECONDS = 0.5
"""Between the last answer and the end of an app: its workers finish."""


@asynccontextmanager
async def running(scenario: Scenario, installation: Installation, environment: Mapping[str, str]) -> AsyncIterator[int]:
    """Run the app of a scenario and yield its port."""
    port, log = free_port(), installation.folder / "log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *installation.command(scenario.program),
            cwd=installation.folder,
            env=os.environ | environment | {"PORT": str(port)} | dict(scenario.environment),
            stdout=output,
            stderr=output,
        )
    try:
        async with asyncio.timeout(START_SECONDS):
            while not _listens(port):
                if process.returncode is not None:
                    said = log.read_text(errors="replace")[-LOG_CHARACTERS:]
                    raise click.ClickException(f"{scenario.name}: {scenario.program} did not start\n{said}")
                await asyncio.sleep(POLL_SECONDS)
        yield port
        await asyncio.sleep(SETTLE_SECONDS)
        process.terminate()
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def ask(port: int, request: str) -> None:
    """Send one request of a scenario; whatever the answer is, it is one."""
    method, path, *body = request.split(" ", 2)
    data = body[0].encode() if body else None
    headers = {"Content-Type": "application/json"} if body else {}
    try:
        with urlopen(Request(f"http://{HOST}:{port}{path}", data, headers, method=method)) as response:
            response.read()
    except HTTPError as error:
        error.close()


async def record(scenario: Scenario, installation: Installation, shop: Shop) -> list[Export]:
    """Return what the app of a scenario exports; raise ClickException if it did something else than is said."""
    await shop.refill()
    async with collecting() as collector:
        environment = {
            "DATABASE_URL": shop.database_url,
            "REDIS_URL": shop.redis_url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_SERVICE_NAME": Path(scenario.program).stem,
            "OTEL_NODE_RESOURCE_DETECTORS": "none",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
        }
        async with running(scenario, installation, environment) as port:
            await shop.count_anew()
            for request in scenario.requests:
                await asyncio.to_thread(ask, port, request)
            served = await shop.served()
    if served != scenario.served:
        raise click.ClickException(f"{scenario.name}: Postgres served {served} statements, not {scenario.served}")
    return collector.exports


async def record_all(scenarios: list[Scenario], folder: Path) -> None:
    """Record `scenarios` with apps that are installed below `folder`."""
    RECORDINGS.mkdir(exist_ok=True)
    async with open_shop() as shop:
        for scenario in scenarios:
            installation = await asyncio.to_thread(install, scenario.app, folder)
            exports = await record(scenario, installation, shop)
            text = dump_text(scenario, exports, installation.folder)
            (RECORDINGS / f"{scenario.name}.json").write_text(text)
            click.echo(f"{scenario.name}: {len(exports)} bodies, {len(text) / 1024:.0f} KB")


@click.command()
@click.argument("names", nargs=-1)
@click.option("--list", "lists", is_flag=True, help="Say what there is to record, and record nothing.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Install the apps in this folder, and leave them there for the next time.",
)
def main(names: tuple[str, ...], lists: bool, keep: Path | None) -> None:
    """Record what real apps export, all scenarios or those with NAMES, to tests/frameworks/NAME.json.

    Installs pinned versions of the frameworks from npm and PyPI, and their OpenTelemetry instrumentation, in a
    temporary folder; starts Postgres and Valkey on random ports of loopback; runs each app, sends it the few requests
    of a scenario, and keeps what its SDK exports, beside what the app did. A scenario and its truth stand in
    scripts/frameworks/scenarios.py, the apps in scripts/frameworks/node and scripts/frameworks/python. The tests of
    tests/unit/frameworks then hold the sidecar to the truth. Needs node and npm.
    """
    known = {scenario.name: scenario for scenario in SCENARIOS}
    if lists:
        for scenario in SCENARIOS:
            click.echo(f"{scenario.name:32}{scenario.about}")
        return
    if unknown := [name for name in names if name not in known]:
        raise click.UsageError(f"no scenario is called {unknown[0]}; --list names them all")
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        asyncio.run(record_all([known[name] for name in names or known], folder.resolve()))


def _listens(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex((HOST, port)) == 0


if __name__ == "__main__":
    main()
