"""What receiving OTLP traces costs, beside the collector `rotel` in the same run.

    scripts/bench otlp [--seconds N] [--connections N] [--save] [--against REV]

Bodies of 1000 and 100 spans from eight seeds are sent over loopback, by HTTP in both formats and by gRPC, to a whole
sidecar that derives metrics, groups errors, finds repeated queries and keeps traces, and to rotel with a blackhole
exporter. Then both forward what they get to an upstream by HTTP; `forwarded` is what arrived there in bytes, as a share
of what was accepted: rotel compresses whatever it is told, to 8 %. CPU is that of the receiving process; compare
ratios, since the absolute figures depend on the machine and on what else runs on it.
"""

import argparse
import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.against.figures import Figure, add_options, write
from benchmarks.loads.otlp import ROOT, Load, Ports, loads, payload_module, send
from benchmarks.loads.upstream import Upstream
from sidecar.demo.ports import free_port
from tests.rotel import rotel_agent, rotel_environment

WARM_UP_SECONDS = 1.0
START_SECONDS = 20.0
IDLE_SECONDS, IDLE_SHARE = 0.5, 0.1
"""A process that used less than this share of a processor for so long has done its work."""
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")

Command = Callable[[Path, int | None], tuple[Ports, list[str], dict[str, str]]]
"""Ports, command and environment of a receiver that has a folder for its files and forwards to a port, if any."""


@dataclass(frozen=True)
class Result:
    """One receiver under one load."""

    receiver: str
    load: str
    cpu_us_per_span: float
    spans_per_second: int
    rss_mb: float
    refused: int
    forwarded_ratio: float | None = None


def main() -> int:
    """Run the benchmark; return an exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each of the loads is sent")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--save", action="store_true", help="write the figures to benchmarks/results/")
    add_options(parser)
    options = parser.parse_args()
    payload = payload_module()
    if payload is None:
        say("skipped: the payload builder is not in $SIDECAR_SHARED/tools or ../shared/tools")
        return 0
    load_before = os.getloadavg()[0]
    receivers = {"sidecar": sidecar_command} | ({} if options.alone else {"rotel": rotel_command})
    results = measure_all(receivers, list(loads(payload)), options.seconds, options.connections)
    say(f"load average before {load_before:.2f}, after {os.getloadavg()[0]:.2f}; {os.cpu_count()} processors")
    if options.save:
        save(results, load_before)
    write(options.figures, figures_of(results))
    return 0


def say(line: str) -> None:
    """Write a line for the reader."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def measure_all(
    receivers: Mapping[str, Command], all_loads: Sequence[Load], seconds: float, connections: int
) -> list[Result]:
    """Measure the receivers under every load, then forwarding under the first, printing as it goes."""
    say(f"{'receiver':<18} {'load':<16} us CPU/span   spans/s  RSS MB  refused forwarded")
    results = []
    missing: set[str] = set()
    # all receivers under one load directly after each other: what else runs on the machine changes over minutes
    for load, forwards in [*((load, False) for load in all_loads), (all_loads[0], True)]:
        for receiver, command in receivers.items():
            if receiver in missing:
                continue
            try:
                result = asyncio.run(measure(receiver, command, load, forwards, seconds, connections))
            except (OSError, RuntimeError) as error:
                missing.add(receiver)
                say(f"{receiver:<18} not measured: {error}")
                continue
            results.append(result)
            share = "" if result.forwarded_ratio is None else f"{result.forwarded_ratio:.1%}"
            say(
                f"{result.receiver:<18} {load.name:<16} {result.cpu_us_per_span:>11.2f} {result.spans_per_second:>9}"
                f" {result.rss_mb:>7.0f} {result.refused:>8} {share:>9}"
            )
    return results


def figures_of(results: Sequence[Result]) -> Iterator[Figure]:
    """Yield the figures of the sidecar."""
    for result in results:
        if result.receiver.startswith("sidecar"):
            where = f"{result.receiver}, {result.load}"
            yield Figure(f"{where}: us CPU a span", result.cpu_us_per_span)
            yield Figure(f"{where}: spans a second", result.spans_per_second, higher_is_better=True)
            yield Figure(f"{where}: RSS MB", result.rss_mb)


def sidecar_command(folder: Path, upstream: int | None) -> tuple[Ports, list[str], dict[str, str]]:
    """Return ports, command and environment of a sidecar that has nothing else to do."""
    ports = Ports(free_port(), free_port())
    listen = {name: {"listen": f"127.0.0.1:{port}"} for name, port in asdict(ports).items()}
    others = {name: {"listen": f"127.0.0.1:{free_port()}"} for name in ("pod", "api")}
    forward = {"endpoint": f"http://127.0.0.1:{upstream}"} if upstream else {}
    config = folder / "sidecar.yaml"
    end = {"drain_delay_seconds": 0}
    config.write_text(json.dumps({**others, "otlp": listen, "forward": forward, "shutdown": end}))  # JSON is YAML
    return ports, [sys.executable, "-m", "sidecar", "run", "--config", str(config)], {**os.environ}


def rotel_command(folder: Path, upstream: int | None) -> tuple[Ports, list[str], dict[str, str]]:
    """Return ports, command and environment of rotel; it is linked against libpython."""
    ports = Ports(free_port(), free_port())
    files = ["--pid-file", str(folder / "pid"), "--log-file", str(folder / "log")]
    endpoints = [f"--otlp-http-endpoint=127.0.0.1:{ports.http}", f"--otlp-grpc-endpoint=127.0.0.1:{ports.grpc}"]
    exporter = ["--exporter", "blackhole"]
    if upstream:
        exporter = ["--exporter", "otlp", f"--otlp-exporter-endpoint=http://127.0.0.1:{upstream}"]
        exporter += ["--otlp-exporter-protocol=http", "--otlp-exporter-compression=none"]
    return ports, [str(rotel_agent()), "start", *exporter, *endpoints, *files], dict(rotel_environment())


@contextlib.contextmanager
def started(ports: Ports, command: list[str], env: dict[str, str]) -> Iterator[tuple[Ports, subprocess.Popen[bytes]]]:
    """Start `command`, wait until it listens at `ports`, and end it when the block is left."""
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not (is_open(ports.http) and is_open(ports.grpc)):
            if process.poll() is not None:
                message = (process.stderr.read() if process.stderr else b"").decode(errors="replace").strip()
                raise RuntimeError(f"it ended with {process.returncode}: {message[-200:]}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"it does not listen after {START_SECONDS:.0f} s")
            time.sleep(0.05)
        yield ports, process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stderr:
            process.stderr.close()


def is_open(port: int) -> bool:
    """Return whether something listens."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


async def measure(
    receiver: str, command: Command, load: Load, forwards: bool, seconds: float, connections: int
) -> Result:
    """Send `load` for `seconds` after a warm-up; what is forwarded may take as long as IDLE_SECONDS to arrive."""
    upstream, port = Upstream(), free_port() if forwards else None
    async with contextlib.AsyncExitStack() as stack:
        if port:
            await stack.enter_async_context(await upstream.listen(port))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        ports, process = stack.enter_context(started(*command(Path(folder), port)))
        await send(load, ports, WARM_UP_SECONDS, connections)
        await idle(process.pid)
        cpu, begun, taken = cpu_seconds(process.pid), time.monotonic(), upstream.taken_bytes
        accepted, refused = await send(load, ports, seconds, connections)
        elapsed = time.monotonic() - begun
        await idle(process.pid)
        used = cpu_seconds(process.pid) - cpu
        spans = accepted * load.spans
        return Result(
            receiver=f"{receiver} forwarding" if forwards else receiver,
            load=load.name,
            cpu_us_per_span=used / max(spans, 1) * 1e6,
            spans_per_second=int(spans / elapsed),
            rss_mb=rss_mb(process.pid),
            refused=refused,
            forwarded_ratio=(upstream.taken_bytes - taken) / (accepted * load.mean_bytes) if port else None,
        )


async def idle(pid: int) -> None:
    """Wait until process `pid` has done nothing for IDLE_SECONDS."""
    before = -1.0
    while (now := cpu_seconds(pid)) - before > IDLE_SHARE * IDLE_SECONDS:
        before = now
        await asyncio.sleep(IDLE_SECONDS)


def cpu_seconds(pid: int) -> float:
    """Return the user and system time that process `pid` has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def rss_mb(pid: int) -> float:
    """Return the resident memory of process `pid`."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def save(results: Sequence[Result], load_before: float) -> None:
    """Write the figures beside earlier ones."""
    now = datetime.now(UTC)
    path = ROOT / "benchmarks" / "results" / f"{now:%Y-%m-%d}-otlp.json"
    path.parent.mkdir(exist_ok=True)
    facts = {"time": now.isoformat(timespec="seconds"), "load_average": load_before, "processors": os.cpu_count()}
    path.write_text(json.dumps({**facts, "results": [asdict(result) for result in results]}, indent=1) + "\n")
    say(f"written to {path.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
