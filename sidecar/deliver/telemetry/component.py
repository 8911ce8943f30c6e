"""Our own traces and metrics, from the moment they are configured until they are not."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.deliver.telemetry.config import TelemetryConfig
from sidecar.deliver.telemetry.sdk_log import SdkLog
from sidecar.deliver.telemetry.tally import Tallies, Tally
from sidecar.runtime.clock import Clock
from sidecar.runtime.events import Events
from sidecar.runtime.meter import Meter
from sidecar.runtime.threads.purposes import RELOAD, TELEMETRY
from sidecar.runtime.tracing import NO_TRACING, SwitchedTracing
from sidecar.runtime.turns import in_turns

if TYPE_CHECKING:
    from sidecar.deliver.telemetry.sdk import Metrics, Sdk

FLUSH_SECONDS = 2.0
"""Budget for what still waits at shutdown; the process may have no more than that."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What telemetry is about and where it is told how it fares."""

    clock: Clock
    meter: Meter
    events: Events
    tracing: SwitchedTracing
    started_at: float
    """When the counters of `meter` began, Unix time."""


class OwnTelemetry:
    """Component that turns `tracing` on, and sends what the meter holds on an interval.

    `config` has an endpoint, `attributes` are those of the resource. Whatever the endpoint does costs threads of the
    SDK and a bounded queue, and never the event loop. Sending is not traced itself, so telemetry does not feed itself.
    """

    name = "telemetry"

    def __init__(self, config: TelemetryConfig, attributes: Mapping[str, str], surroundings: Surroundings) -> None:
        self._config = config
        self._attributes = attributes
        self._around = surroundings
        self._log = SdkLog(surroundings.events, _secrets(config))
        facts = surroundings.meter, surroundings.clock, surroundings.events, self._log
        self._tallies = Tallies(
            Tally("traces", *facts) if config.traces else None, Tally("metrics", *facts) if config.metrics else None
        )

    async def run(self, ready: Callable[[], None]) -> None:
        """Send until cancelled, then spend up to FLUSH_SECONDS on what still waits."""
        with self._log.listening():
            sdk = await RELOAD.run(self._open)
            if sdk.traces is not None:
                self._around.tracing.use(sdk.traces.tracing(self._around.clock))
            try:
                ready()
                await self._work(sdk)
            finally:
                self._around.tracing.use(NO_TRACING)
                await self._flush(sdk)

    def _open(self) -> "Sdk":
        from sidecar.deliver.telemetry.sdk import open_sdk  # only here: it is heavy

        return open_sdk(self._config, self._attributes, self._around.started_at, self._tallies)

    async def _work(self, sdk: "Sdk") -> None:
        """Export metrics at once and then on the interval, each export after the one before; spans go by themselves."""
        while sdk.metrics is not None:
            await self._export(sdk.metrics)
            await self._around.clock.sleep(self._config.export_interval_seconds)
        await asyncio.Event().wait()

    async def _export(self, metrics: "Metrics") -> None:
        clock = self._around.clock
        data = await in_turns(metrics.read(self._around.meter.registry, clock.now()), clock)
        await TELEMETRY.run(lambda: metrics.export(data))

    async def _flush(self, sdk: "Sdk") -> None:
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                if sdk.traces is not None:
                    await TELEMETRY.run(sdk.traces.close)
                if sdk.metrics is not None:
                    await self._export(sdk.metrics)
        except (TimeoutError, asyncio.CancelledError):
            # Python 3.11.2 tells a deadline in a task that is being cancelled as a cancellation; that of the task
            # itself goes on when this returns.
            pass
        finally:
            for signal in (sdk.traces, sdk.metrics):
                if signal is not None:
                    signal.give_up()


def _secrets(config: TelemetryConfig) -> Iterator[str]:
    """Yield what must not be repeated: a header's value, and what stands after its scheme."""
    for value in config.headers.values():
        yield value.get_secret_value()
        yield value.get_secret_value().rpartition(" ")[2]
