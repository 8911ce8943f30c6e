"""What receiving OTLP traces costs, beside the collector `rotel` in the same run.

    scripts/bench otlp [--seconds N] [--warm-up N] [--rate N] [--only WORDS] [--save] [--against REV]

A whole sidecar derives metrics and percentiles, groups errors, finds repeated queries and slow ones, keeps traces, and
sends on what it gets; rotel only sends on. Both get the same bodies of an invented shop (benchmarks/loads/shop), each
unlike the others and with new ids and times whenever it is sent. They come at a steady pace that neither is saturated
by: the figure is the CPU of the receiving process. JSON, gRPC and gzip are not sent on,
rotel's go to its blackhole. What rotel sends on it compresses to a fifth, whatever it is told, and that is in its CPU.

A row is comparable if each receiver took all that was due and nearly all that it took was upstream within the run,
counted there in spans; else it says why it is not. What a receiver does later (the sidecar decides on a trace after
five seconds) is done for the spans of the warm-up in the measured time, and for the last spans after it. Absolute
figures depend on the machine and on what else runs on it: compare ratios.
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
from benchmarks.against.tree import ROOT
from benchmarks.loads.otlp import Load, loads
from benchmarks.loads.send import Ports, Sender
from benchmarks.loads.upstream import Upstream
from sidecar.demo.ports import free_port
from tests.rotel import rotel_agent, rotel_environment

SPANS_PER_SECOND = 20_000
"""A busy pod, and about half of what the slower one can do on one processor.

At a lower rate each span costs more: a few things are done once an interval, and some traces of each endpoint are kept
in a second, however many come.
"""
SECONDS = 15.0
"""The interval on which metrics are made, by default: each run has one of them."""
WARM_UP_SECONDS = 20.0
"""Longer than a trace waits for its rest, so that as much work is left over at the begin as at the end; and long enough
for the first traces of most endpoints, of which more are kept than of later ones, and for the first of most series."""
START_SECONDS = 60.0
IDLE_SECONDS, IDLE_SHARE = 0.5, 0.1
"""A process that used less than this share of a processor for so long has done its work."""
TOLERATED_LOSS = 0.01
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")

Command = Callable[[Path, int | None], tuple[Ports, list[str], dict[str, str]]]
"""Ports, command and environment of a receiver that has a folder for its files and forwards to a port, if any."""


@dataclass(frozen=True)
class Manner:
    """How all loads are sent."""

    warm_up_seconds: float
    seconds: float
    spans_per_second: float
    connections: int


@dataclass(frozen=True)
class Result:
    """One receiver under one load."""

    receiver: str
    load: str
    spans: int
    cpu_us_per_span: float
    rss_mb: float
    refused: int
    held_ratio: float
    forwarded_ratio: float | None = None
    forwarded_bytes_per_span: float | None = None

    def problems(self) -> Iterator[str]:
        """Yield why it cannot be compared with others."""
        if self.held_ratio < 1 - TOLERATED_LOSS:
            yield f"{self.receiver} took {self.held_ratio:.1%} of what was due"
        if self.refused:
            yield f"{self.receiver} refused {self.refused} requests"
        if self.forwarded_ratio is not None and abs(self.forwarded_ratio - 1) > TOLERATED_LOSS:
            yield f"{self.receiver} sent {self.forwarded_ratio:.1%} on"


def main() -> int:
    """Run the benchmark; return an exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long each of the loads is measured")
    parser.add_argument("--warm-up", type=float, default=WARM_UP_SECONDS, help="how long it is sent before, in seconds")
    parser.add_argument("--rate", type=float, default=SPANS_PER_SECOND, help="spans that are sent a second")
    parser.add_argument("--only", default="", metavar="WORDS", help="only the loads with these words in their names")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--save", action="store_true", help="write the figures to benchmarks/results/")
    add_options(parser)
    options = parser.parse_args()
    load_before = os.getloadavg()[0]
    receivers = {"sidecar": sidecar_command} | ({} if options.alone else {"rotel": rotel_command})
    chosen = [load for load in loads() if options.only in load.name]
    manner = Manner(options.warm_up, options.seconds, options.rate, options.connections)
    results = measure_all(receivers, chosen, manner)
    say(f"load average before {load_before:.2f}, after {os.getloadavg()[0]:.2f}; {os.cpu_count()} processors")
    if options.save:
        save(results, manner, load_before)
    write(options.figures, figures_of(results))
    return 0


def say(line: str) -> None:
    """Write a line for the reader."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def measure_all(receivers: Mapping[str, Command], all_loads: Sequence[Load], manner: Manner) -> list[Result]:
    """Measure the receivers under every load, printing a row for each."""
    for line in heading(list(receivers)):
        say(line)
    results: list[Result] = []
    missing: set[str] = set()
    # all receivers under one load directly after each other: what else runs on the machine changes over minutes
    for load in all_loads:
        row = []
        for receiver in [name for name in receivers if name not in missing]:
            try:
                row.append(asyncio.run(measure(receiver, receivers[receiver], load, manner)))
            except (OSError, RuntimeError) as error:
                missing.add(receiver)
                say(f"{receiver} is not measured: {error}")
        say(row_of(load, list(receivers), row))
        for problem in (problem for result in row for problem in result.problems()):
            say(f"    not comparable: {problem}")
        results += row
    return results


COLUMN, RATIO = 9, 7


def heading(receivers: Sequence[str]) -> tuple[str, str]:
    """Return the lines above the rows."""
    group = COLUMN * len(receivers)
    names = "".join(f"{receiver:>{COLUMN}}" for receiver in receivers)
    return (
        f"{'':<30}{'us CPU a span':>{group}}{'':>{RATIO}}{'RSS MB':>{group}}{'sent on':>{group}}",
        f"{'load':<30}{names}{'ratio':>{RATIO}}{names}{names}",
    )


def row_of(load: Load, receivers: Sequence[str], row: Sequence[Result]) -> str:
    """Return the row of one load; a dash stands for what was not measured."""
    found = {result.receiver: result for result in row}
    measured = [found.get(receiver) for receiver in receivers]

    def cells(tell: Callable[[Result], str]) -> str:
        return "".join(f"{tell(result) if result else '-':>{COLUMN}}" for result in measured)

    def sent_on(result: Result) -> str:
        return "-" if result.forwarded_ratio is None else f"{result.forwarded_ratio:.1%}"

    ratio = f"{row[0].cpu_us_per_span / row[1].cpu_us_per_span:.2f}" if len(row) == 2 else "-"
    cpu, rss = cells(lambda result: f"{result.cpu_us_per_span:.2f}"), cells(lambda result: f"{result.rss_mb:.0f}")
    return f"{load.name:<30}{cpu}{ratio:>{RATIO}}{rss}{cells(sent_on)}"


def figures_of(results: Sequence[Result]) -> Iterator[Figure]:
    """Yield the figures of the sidecar."""
    for result in results:
        if result.receiver == "sidecar":
            yield Figure(f"{result.load}: us CPU a span", result.cpu_us_per_span)
            yield Figure(f"{result.load}: RSS MB", result.rss_mb)


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


async def measure(receiver: str, command: Command, load: Load, manner: Manner) -> Result:
    """Send `load` after a warm-up; what is sent on may take as long as IDLE_SECONDS to arrive."""
    upstream, port = Upstream(), free_port() if load.is_forwarded else None
    async with contextlib.AsyncExitStack() as stack:
        if port:
            await stack.enter_async_context(await upstream.listen(port))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        ports, process = stack.enter_context(started(*command(Path(folder), port)))
        sender = Sender(load, ports, manner.spans_per_second, manner.connections)
        await sender.send(manner.warm_up_seconds)
        await idle(process.pid)
        cpu, spans_before, bytes_before = cpu_seconds(process.pid), upstream.spans, upstream.bytes
        sent = await sender.send(manner.seconds)
        rss = rss_mb(process.pid)
        await idle(process.pid)
        used = cpu_seconds(process.pid) - cpu
        spans = max(1, sent.accepted * load.spans)
        return Result(
            receiver=receiver,
            load=load.name,
            spans=spans,
            cpu_us_per_span=used / spans * 1e6,
            rss_mb=rss,
            refused=sent.refused,
            held_ratio=sent.held_ratio,
            forwarded_ratio=(upstream.spans - spans_before) / spans if port else None,
            forwarded_bytes_per_span=(upstream.bytes - bytes_before) / spans if port else None,
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


def save(results: Sequence[Result], manner: Manner, load_before: float) -> None:
    """Write the figures beside earlier ones."""
    now = datetime.now(UTC)
    path = ROOT / "benchmarks" / "results" / f"{now:%Y-%m-%d}-otlp.json"
    path.parent.mkdir(exist_ok=True)
    facts = {"time": now.isoformat(timespec="seconds"), "load_average": load_before, "processors": os.cpu_count()}
    path.write_text(
        json.dumps({**facts, **asdict(manner), "results": [asdict(result) for result in results]}, indent=1) + "\n"
    )
    say(f"written to {path.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
