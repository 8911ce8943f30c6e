"""The upstream comes and goes, and the sidecar is killed meanwhile; everything that was accepted must arrive.

    scripts/soak forward [--minutes 10] [--seed 1]

Numbered requests are sent all the time. The upstream is well, away, busy or silent in turn; while it takes nothing,
the sidecar is killed with SIGKILL and started again. In the end all bodies must have arrived byte for byte, several in
one request or not, but those that were handed in during the second before a kill; some arrive more than once. Ends with
`N passed, M failed`.
"""

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random

import aiohttp
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from tests.fakes import until
from tests.servers import HOST, Sidecar, eventually, free_port, get_text, samples_of
from tests.soak.outages import Soak

CONFIG = """\
state: {path: "${STATE}"}
forward:
  endpoint: "${UPSTREAM}"
  timeout_seconds: 2
  queue_max_bytes: ${QUEUE}
  spill_max_bytes: ${SPILL}
"""
LOST_SECONDS = 1.0
"""What was handed in so shortly before a kill may be missing."""
PROTOBUF = {"Content-Type": "application/x-protobuf"}
BODY_BYTES = 20_000
PAUSE_SECONDS = 0.01
ARRIVAL_SECONDS = 60.0
MOODS = ("well", "away", "busy", "silent")


class Upstream:
    """An OTLP endpoint that counts what it took, and is in one of the MOODS."""

    def __init__(self) -> None:
        self.taken: Counter[int] = Counter()
        self.damaged = 0
        self.mood = "well"
        self.port = free_port()
        self._speaks = asyncio.Event()
        self._runner: web.ServerRunner | None = None

    async def become(self, mood: str) -> None:
        """Change the mood."""
        self.mood = mood
        if mood == "silent":
            self._speaks.clear()
        else:
            self._speaks.set()
        if mood == "away" and self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        elif mood != "away" and self._runner is None:
            self._runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=0)
            await self._runner.setup()
            await web.TCPSite(self._runner, HOST, self.port).start()

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        await self._speaks.wait()
        if self.mood == "busy":
            return web.Response(status=503, headers={"Retry-After": "1"})
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            number = number_of(group)
            self.taken[number] += 1
            self.damaged += ExportTraceServiceRequest(resource_spans=[group]).SerializeToString() != body_of(number)
        return web.Response()


def body_of(number: int) -> bytes:
    """Return the request with this number: a trace of one long span."""
    span = Span(trace_id=number.to_bytes(16, "big"), span_id=b"12345678", name="x" * BODY_BYTES)
    request = ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=[span])])])
    return request.SerializeToString()


def number_of(group: ResourceSpans) -> int:
    """Return the number of the request that has this trace."""
    ((span,),) = (scope.spans for scope in group.scope_spans)
    return int.from_bytes(span.trace_id, "big")


class Forwarding(Sidecar):
    """A sidecar that forwards to `upstream`, and spills while that takes nothing."""

    name = "forwarding"

    def __init__(
        self, directory: Path, upstream: Upstream, queue_max_bytes: int = 2**23, spill_max_bytes: int = 2**30
    ) -> None:
        env = {
            "STATE": str(directory / "state.db"),
            "UPSTREAM": f"http://{HOST}:{upstream.port}",
            "QUEUE": str(queue_max_bytes),
            "SPILL": str(spill_max_bytes),
        }
        super().__init__(directory, CONFIG, env)


class Sender:
    """Hands bodies in and notes when each was accepted."""

    def __init__(self, forwarding: Forwarding) -> None:
        self.accepted: dict[int, float] = {}
        self._forwarding = forwarding
        self._number = 0

    async def run(self) -> None:
        """Send until cancelled; what is not accepted is tried again under the next number."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
            while True:
                self._number += 1
                try:
                    url = f"{self._forwarding.otlp_url}/v1/traces"
                    async with session.post(url, data=body_of(self._number), headers=PROTOBUF) as response:
                        if response.status == 200:
                            self.accepted[self._number] = time.monotonic()
                except (aiohttp.ClientError, TimeoutError):
                    await asyncio.sleep(0.1)
                await asyncio.sleep(PAUSE_SECONDS)


async def soak(folder: Path, seconds: float, random: Random) -> Soak:
    """Run for `seconds` and return the outcome."""
    result, upstream = Soak(), Upstream()
    await upstream.become("well")
    forwarding = Forwarding(folder, upstream)
    await asyncio.to_thread(forwarding.start)
    sender = Sender(forwarding)
    excused: set[int] = set()
    try:
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(sender.run())
            await _outages(forwarding, upstream, sender, excused, random, seconds)
            sending.cancel()
        await upstream.become("well")
        await _judge(forwarding, upstream, set(sender.accepted) - excused, result)
        print(f"{len(sender.accepted)} bodies, {len(excused)} of them in the second before a kill", flush=True)
    finally:
        await asyncio.to_thread(forwarding.stop)
        await upstream.become("away")
    result.expect("Traceback" not in forwarding.log, f"a traceback in the log:\n{forwarding.log[-2000:]}")
    return result


async def _outages(
    forwarding: Forwarding, upstream: Upstream, sender: Sender, excused: set[int], random: Random, seconds: float
) -> None:
    """Change the upstream's mood at random, and kill the sidecar in every other outage."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        mood = random.choice(MOODS[1:])
        await upstream.become(mood)
        await asyncio.sleep(random.uniform(0.5, min(20.0, seconds / 4)))
        is_killed = random.random() < 0.7
        told = f"upstream {mood}{', kill' if is_killed else ''}; RSS {forwarding.rss_mb:.0f} MB"
        print(f"{time.monotonic() - began:6.0f} s  {told}", flush=True)
        if is_killed:
            at = time.monotonic()
            await asyncio.to_thread(forwarding.stop, signal.SIGKILL)
            excused |= {number for number, when in sender.accepted.items() if at - LOST_SECONDS <= when <= at + 0.1}
            await asyncio.to_thread(forwarding.start)
        if random.random() < 0.5:
            await upstream.become("well")
            await asyncio.sleep(random.uniform(0.2, min(10.0, seconds / 4)))


async def _judge(forwarding: Forwarding, upstream: Upstream, due: set[int], result: Soak) -> None:
    """Wait for what is due, then look at the counters."""
    with suppress(TimeoutError):
        await until(lambda: due <= upstream.taken.keys(), ARRIVAL_SECONDS)
    missing = sorted(due - upstream.taken.keys())
    result.expect(not missing, f"{len(missing)} of {len(due)} bodies are missing, {missing[:5]}")
    result.expect(upstream.damaged == 0, f"{upstream.damaged} bodies are not what was handed in")
    again = sum(upstream.taken.values()) - len(upstream.taken)
    print(f"{again} bodies arrived more than once", flush=True)

    async def metrics() -> dict[str, float]:
        return samples_of((await get_text(f"{forwarding.url}/metrics"))[1])

    done = await eventually(metrics, lambda samples: samples["sidecar_otlp_forward_spill_bytes"] == 0)
    dropped = sum(value for name, value in done.items() if name.startswith("sidecar_otlp_forward_dropped"))
    result.expect(dropped == 0, f"{dropped:g} bodies were dropped")
    result.expect(done["sidecar_state_healthy"] == 1, "the state file is not healthy")


def main() -> None:
    """Run the soak from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = asyncio.run(soak(Path(folder), 60 * words.minutes, Random(words.seed)))
    print(f"{result.outcomes[True]} passed, {result.outcomes[False]} failed")
    sys.exit(1 if result.outcomes[False] else 0)


if __name__ == "__main__":
    main()
