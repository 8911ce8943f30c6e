"""Restarting a sidecar whose alert fires, under the eyes of a real Alertmanager."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers import Alertmanager, Sidecar, eventually, get_text, samples_of

CONFIG = """\
scrape_interval_seconds: 0.5
redis: [{{url: "${{REDIS_URL}}", timeout_seconds: 1}}]
rules: {{files: [rules.yml], resend_delay_seconds: {resend}}}
alertmanagers: [{{url: "${{ALERTMANAGER}}"}}]
state: {{path: "{state}"}}
"""
RULES = """\
groups:
  - name: always
    interval: {interval}s
    rules:
      - {{record: redis:commands:rate10s, expr: "rate(redis_commands_processed_total[10s])"}}
      - {{alert: Busy, expr: "rate(redis_commands_processed_total[10s]) > 0", for: {hold}s}}
"""


@dataclass(frozen=True)
class Manner:
    """How often rules are evaluated and told again, how long they must hold, all in seconds, and how many restarts."""

    interval: int = 2
    resend: int = 1
    hold: int = 10
    restarts: int = 20


def sidecar_of(folder: Path, redis_url: str, alertmanager_url: str, manner: Manner) -> Sidecar:
    """Return a sidecar with a rule that always holds, and one that records a series."""
    (folder / "rules.yml").write_text(RULES.format(interval=manner.interval, hold=manner.hold))
    config = CONFIG.format(resend=manner.resend, state=folder / "state.db")
    return Sidecar(folder, config, {"REDIS_URL": redis_url, "ALERTMANAGER": alertmanager_url})


async def beginnings(
    folder: Path, redis_url: str, manner: Manner, tell: Callable[[str], None] = lambda line: None
) -> set[frozenset[str]]:
    """Restart a sidecar, by `kill -9` and by SIGTERM in turn; return since when its alert fires, as it was ever seen.

    One set with one time in it is an unbroken alert; an empty set is a moment in which it did not fire.
    """
    with Alertmanager(folder) as alertmanager:
        sidecar = sidecar_of(folder, redis_url, alertmanager.url, manner)
        with sidecar:
            await eventually(lambda: _told(alertmanager), bool, 60 + 2 * manner.hold)
            await asyncio.sleep(1)  # what is promised of the file is all but the last second
        async with _watched(alertmanager) as seen:
            for number in range(manner.restarts):
                with sidecar:
                    await eventually(lambda: _fires(sidecar))
                    sidecar.stop(signal.SIGKILL if number % 2 else signal.SIGTERM)
                tell(f"restart {number + 1} of {manner.restarts}: {sorted(map(sorted, {*map(frozenset, seen)}))}")
        return {*map(frozenset, seen)}


async def _told(alertmanager: Alertmanager) -> set[str]:
    alert = (await alertmanager.active()).get("Busy")
    return {alert["startsAt"]} if alert else set()


async def _fires(sidecar: Sidecar) -> bool:
    samples = samples_of((await get_text(f"{sidecar.url}/metrics"))[1])
    return any(name.startswith("ALERTS{") and 'alertstate="firing"' in name for name in samples)


@asynccontextmanager
async def _watched(alertmanager: Alertmanager) -> AsyncIterator[list[set[str]]]:
    """Look at what Alertmanager has all the time."""
    seen: list[set[str]] = []

    async def look() -> None:
        while True:
            seen.append(await _told(alertmanager))
            await asyncio.sleep(0.05)

    looking = asyncio.create_task(look())
    try:
        yield seen
    finally:
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking
