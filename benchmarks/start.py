"""Exec to the first 200 on /livez, beside importing what any such program imports.

    scripts/bench start [--runs N] [--against REV]

Everything is configured: Postgres, Redis, OTLP, rules, an Alertmanager, a check of the app. The servers need not be
there: the start waits for none. Medians of N runs, taken in turn in the same run. Idle RSS is read after ten seconds.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from statistics import median

from benchmarks.against.figures import Figure, add_options, write
from sidecar.demo.ports import HOST, free_port

ROOT = Path(__file__).parent.parent
BASELINE = "import aiohttp.web, yaml, pydantic"
GIVE_UP_SECONDS = 60.0
IDLE_SECONDS = 10.0


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    add_options(parser)
    options = parser.parse_args()
    runs = options.runs
    baselines, starts = [], []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(runs):
            baselines.append(0.0 if options.alone else importing())
            starts.append(starting(Path(folder)))
        idle_mb = idle_rss_mb(Path(folder))
    figures = [Figure("exec to the first 200 on /livez, ms", 1000 * median(starts)), Figure("idle RSS MB", idle_mb)]
    write(options.figures, figures)
    if options.alone:
        return
    print(f"baseline `python -c '{BASELINE}'`  {1000 * median(baselines):6.0f} ms (median of {runs})")
    print(f"exec to the first 200 on /livez      {1000 * median(starts):6.0f} ms")
    print(f"difference                           {1000 * (median(starts) - median(baselines)):6.0f} ms")
    print(f"RSS after {IDLE_SECONDS:.0f} s idle                  {idle_mb:6.0f} MB")
    print(f"load average                         {os.getloadavg()[0]:6.2f}")


def importing() -> float:
    """Return the seconds that the baseline takes."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", BASELINE], check=True)
    return time.perf_counter() - began


def starting(folder: Path) -> float:
    """Return the seconds from exec to the first 200."""
    began = time.perf_counter()
    with sidecar(folder) as (_, port):
        wait_for_200(port, "/livez")
        return time.perf_counter() - began


def wait_for_200(port: int, path: str) -> None:
    """Return once `path` answers 200."""
    began = time.perf_counter()
    while not answers_200(port, path):
        if time.perf_counter() - began > GIVE_UP_SECONDS:
            raise SystemExit("the sidecar did not come up")
        time.sleep(0.001)


def idle_rss_mb(folder: Path) -> float:
    """Return the resident memory of a sidecar that has had nothing to do for a while."""
    with sidecar(folder) as (pid, port):
        wait_for_200(port, "/readyz/self")  # all of it is imported
        time.sleep(IDLE_SECONDS)
        status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


@contextmanager
def sidecar(folder: Path) -> Iterator[tuple[int, int]]:
    """Run a sidecar with everything configured; yield its process id and the port of its probes."""
    port = free_port()
    (folder / "sidecar.yaml").write_text(
        f"pod: {{listen: '{HOST}:{port}'}}\n"
        f"api: {{listen: '{HOST}:{free_port()}'}}\n"
        f"otlp: {{http: {{listen: '{HOST}:{free_port()}'}}, grpc: {{listen: '{HOST}:{free_port()}'}}}}\n"
        f"postgres: [{{dsn: 'postgresql://nobody@{HOST}:1/x'}}]\n"
        f"redis: [{{url: 'redis://{HOST}:1'}}]\n"
        f"probes: {{checks: [{{kind: http, url: 'http://{HOST}:1/'}}]}}\n"
        f"rules: {{files: ['{ROOT}/alerts/*.rules.yml']}}\n"
        f"alertmanagers: [{{url: 'http://{HOST}:1'}}]\n"
        "shutdown: {drain_delay_seconds: 0}\n"
    )
    command = [Path(sys.executable).with_name("sidecar"), "run", "--config", folder / "sidecar.yaml"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process.pid, port
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def answers_200(port: int, path: str) -> bool:
    """Whether `path` answers 200 now."""
    connection = HTTPConnection(HOST, port, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    main()
