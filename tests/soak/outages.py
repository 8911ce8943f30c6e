"""Servers and the shop go and come back for minutes; the sidecar must not notice more than it reports.

    scripts/soak outages [--minutes 10] [--seed 1]

Every few seconds a random one of Postgres, Valkey and the shop is killed and started again, under traffic. All along
the probes must answer and /metrics must parse; at the end every target must be up again, no error may be in the log,
and memory must not have grown since the first minute. Ends with `N passed, M failed`, exit code 1 on a failure.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from random import Random

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from sidecar.app.shipped import shipped
from sidecar.demo.binaries import postgres_18_bin_dir
from sidecar.demo.servers import PostgresServer, ValkeyServer
from sidecar.demo.shop.process import ShopProcess, ShopSettings
from sidecar.demo.traffic import Sent, run_traffic
from tests.servers import Sidecar, eventually, free_port, get_text, samples_of

CONFIG = """\
scrape_interval_seconds: 1
postgres: [{dsn: "${DATABASE_URL}", timeout_seconds: 2}]
redis: [{url: "${REDIS_URL}", timeout_seconds: 2}]
probes: {checks: [{kind: http, url: "${APP}/healthz"}]}
rules: {files: ["${RULES}/*.rules.yml"], evaluation_interval_seconds: 1}
"""
WARM_UP_SECONDS = 60.0
GROWTH_MB = 20.0


class Soak:
    """What was asked and what came of it."""

    def __init__(self) -> None:
        self.outcomes: Counter[bool] = Counter()

    def expect(self, good: bool, what: str) -> None:
        """Count one expectation and say so when it fails."""
        self.outcomes[good] += 1
        if not good:
            print(f"FAILED: {what}")


async def soak(seconds: float, random: Random) -> Soak:
    """Run for `seconds` and return the outcome."""
    result = Soak()
    with ExitStack() as stack:
        postgres = stack.enter_context(PostgresServer(postgres_18_bin_dir()))
        valkey = stack.enter_context(ValkeyServer())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        shop_port = free_port()
        env = {
            "DATABASE_URL": postgres.dsn,
            "REDIS_URL": valkey.url,
            "APP": f"http://127.0.0.1:{shop_port}",
            "RULES": str(shipped("alerts")),
        }
        sidecar = stack.enter_context(Sidecar(folder, CONFIG, env))
        shop = ShopProcess(ShopSettings(shop_port, postgres.dsn, valkey.url, sidecar.otlp_url))
        await shop.start()
        try:
            async with asyncio.TaskGroup() as group:
                traffic = group.create_task(run_traffic(shop.settings.url, 20, Sent()))
                watching = group.create_task(watch(sidecar, result))
                await outages(postgres, valkey, shop, sidecar, random, seconds, result)
                watching.cancel()
                traffic.cancel()
        finally:
            await shop.stop()
        result.expect("Traceback" not in sidecar.log, f"a traceback in the log:\n{sidecar.log[-2000:]}")
    return result


async def outages(
    postgres: PostgresServer,
    valkey: ValkeyServer,
    shop: ShopProcess,
    sidecar: Sidecar,
    random: Random,
    seconds: float,
    result: Soak,
) -> None:
    """Kill and start at random until the time is over, then see that all is well again."""
    began = time.monotonic()
    early_mb = 0.0
    while time.monotonic() - began < seconds:
        victim = random.choice(["postgres", "valkey", "shop"])
        print(f"{time.monotonic() - began:6.0f} s  {victim} goes; RSS {sidecar.rss_mb:.0f} MB", flush=True)
        if victim == "shop":
            await shop.kill()
            await asyncio.sleep(random.uniform(1, 5))
            await shop.start()
        else:
            server = postgres if victim == "postgres" else valkey
            await asyncio.to_thread(server.kill)
            await asyncio.sleep(random.uniform(1, 5))
            await asyncio.to_thread(server.start)
        await asyncio.sleep(random.uniform(1, 5))
        if not early_mb and time.monotonic() - began > min(WARM_UP_SECONDS, seconds / 2):
            early_mb = sidecar.rss_mb
    grown_mb = sidecar.rss_mb - early_mb
    result.expect(grown_mb < GROWTH_MB, f"memory grew by {grown_mb:.0f} MB")
    for name in ("pg_up", "redis_up"):
        await eventually(partial(metric, sidecar, name), lambda up: up == 1)
        result.expect(True, name)
    await eventually(lambda: get_text(f"{sidecar.url}/readyz"), lambda answer: answer[0] == 200)


async def watch(sidecar: Sidecar, result: Soak) -> None:
    """Ask the probes and /metrics all the time."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1)) as session:
        while True:
            for path, expected in (("livez", {200}), ("readyz", {200, 503}), ("metrics", {200})):
                try:
                    async with session.get(f"{sidecar.url}/{path}") as response:
                        text = await response.text()
                        result.expect(response.status in expected, f"/{path} answered {response.status}")
                except (aiohttp.ClientError, TimeoutError) as error:
                    result.expect(False, f"/{path}: {error!r}")
                    continue
                if path == "metrics":
                    result.expect(any(text_string_to_metric_families(text)), "an exposition without metrics")
            await asyncio.sleep(0.5)


async def metric(sidecar: Sidecar, name: str) -> float:
    """Return the sample `name` of /metrics."""
    return samples_of((await get_text(f"{sidecar.url}/metrics"))[1])[name]


def main() -> None:
    """Run the soak from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    words = parser.parse_args()
    result = asyncio.run(soak(60 * words.minutes, Random(words.seed)))
    print(f"{result.outcomes[True]} passed, {result.outcomes[False]} failed")
    sys.exit(1 if result.outcomes[False] else 0)


if __name__ == "__main__":
    main()
