"""What receiving OTLP traces costs, beside the collector `rotel` in the same run.

    scripts/bench otlp [--seconds N] [--connections N] [--save]

Bodies of 1000 and 100 spans from eight seeds are sent over loopback, by HTTP in both formats and by gRPC, to the
sidecar's receivers with all span stages, and to rotel with a blackhole exporter. CPU is that of the receiving process;
compare ratios, since the absolute figures depend on the machine and on what else runs on it.
"""

import argparse
import asyncio
import contextlib
import gc
import importlib.util
import json
import os
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.loads.otlp import ROOT, Load, Ports, loads, payload_module, send

WARM_UP_SECONDS = 1.0
START_SECONDS = 20.0
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Result:
    """One receiver under one load."""

    receiver: str
    load: str
    cpu_us_per_span: float
    spans_per_second: int
    rss_mb: float
    refused: int


def main() -> int:
    """Run the benchmark; return an exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each of the loads is sent")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--save", action="store_true", help="write the figures to benchmarks/results/")
    parser.add_argument("--serve", type=int, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(Ports(*options.serve)))
        return 0
    payload = payload_module()
    if payload is None:
        say("skipped: the payload builder is not in $SIDECAR_SHARED/tools or ../shared/tools")
        return 0
    load_before = os.getloadavg()[0]
    results = measure_all(list(loads(payload)), options.seconds, options.connections)
    say(f"load average before {load_before:.2f}, after {os.getloadavg()[0]:.2f}; {os.cpu_count()} processors")
    if options.save:
        save(results, load_before)
    return 0


def say(line: str) -> None:
    """Write a line for the reader."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def measure_all(all_loads: Sequence[Load], seconds: float, connections: int) -> list[Result]:
    """Measure every receiver that can be started under every load, printing as it goes."""
    say(f"{'receiver':<10} {'load':<18} {'us CPU/span':>11} {'spans/s':>9} {'RSS MB':>7} {'refused':>8}")
    results = []
    missing: set[str] = set()
    # both receivers under one load directly after each other: what else runs on the machine changes over minutes
    for load in all_loads:
        for receiver, command in (("sidecar", sidecar_command), ("rotel", rotel_command)):
            if receiver in missing:
                continue
            try:
                with tempfile.TemporaryDirectory() as folder, started(*command(Path(folder))) as (ports, process):
                    result = asyncio.run(measure(receiver, load, ports, process.pid, seconds, connections))
            except (OSError, RuntimeError) as error:
                missing.add(receiver)
                say(f"{receiver:<10} not measured: {error}")
                continue
            results.append(result)
            say(
                f"{receiver:<10} {load.name:<18} {result.cpu_us_per_span:>11.2f} {result.spans_per_second:>9}"
                f" {result.rss_mb:>7.0f} {result.refused:>8}"
            )
    return results


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def sidecar_command(folder: Path) -> tuple[Ports, list[str], dict[str, str]]:
    """Return ports, command and environment of our receivers."""
    ports = Ports(free_port(), free_port())
    command = [sys.executable, "-m", "benchmarks.otlp", "--serve", str(ports.http), str(ports.grpc)]
    return ports, command, {**os.environ, "PYTHONPATH": str(ROOT)}


def rotel_command(folder: Path) -> tuple[Ports, list[str], dict[str, str]]:
    """Return ports, command and environment of rotel; it is linked against libpython."""
    spec = importlib.util.find_spec("rotel")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("rotel is not installed")
    binary = Path(spec.submodule_search_locations[0]) / "rotel-agent"
    ports = Ports(free_port(), free_port())
    files = ["--pid-file", str(folder / "pid"), "--log-file", str(folder / "log")]
    endpoints = [f"--otlp-http-endpoint=127.0.0.1:{ports.http}", f"--otlp-grpc-endpoint=127.0.0.1:{ports.grpc}"]
    libraries = {"LD_LIBRARY_PATH": str(sysconfig.get_config_var("LIBDIR"))}
    return ports, [str(binary), "start", "--exporter", "blackhole", *endpoints, *files], {**os.environ, **libraries}


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


async def measure(receiver: str, load: Load, ports: Ports, pid: int, seconds: float, connections: int) -> Result:
    """Send `load` for `seconds` after a warm-up."""
    await send(load, ports, WARM_UP_SECONDS, connections)
    cpu, begun = cpu_seconds(pid), time.monotonic()
    accepted, refused = await send(load, ports, seconds, connections)
    elapsed, used = time.monotonic() - begun, cpu_seconds(pid) - cpu
    spans = accepted * load.spans
    return Result(receiver, load.name, used / max(spans, 1) * 1e6, int(spans / elapsed), rss_mb(pid), refused)


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


async def serve(ports: Ports) -> None:
    """Be the receivers that are measured, with all span stages behind them."""
    from prometheus_client import CollectorRegistry

    from sidecar.model.address import Address
    from sidecar.receive.otlp.config import OtlpConfig
    from sidecar.receive.otlp.grpc import OtlpGrpcReceiver
    from sidecar.receive.otlp.http import OtlpHttpReceiver
    from sidecar.receive.otlp.reception import Sinks, reception_of
    from sidecar.runtime.clock import SystemClock
    from sidecar.runtime.meter import Meter
    from sidecar.spans.config import SpansConfig
    from sidecar.spans.stages import pipeline_of

    addresses = {name: {"listen": Address("127.0.0.1", port)} for name, port in asdict(ports).items()}
    reception = reception_of(OtlpConfig(**addresses), Sinks(pipeline_of(SpansConfig())), SystemClock())
    meter = Meter(CollectorRegistry())
    gc.freeze()  # as the process does once it is up
    async with asyncio.TaskGroup() as group:
        for receiver in (OtlpHttpReceiver(reception, meter), OtlpGrpcReceiver(reception, meter)):
            group.create_task(receiver.run(lambda: None))


if __name__ == "__main__":
    sys.exit(main())
