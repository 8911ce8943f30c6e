"""What threads are for. They are the process's, as its memory is: one set of pools serves everybody in it."""

from collections.abc import Mapping

from sidecar.runtime.meter import Meter
from sidecar.runtime.threads.pool import Pool

FILES = Pool("files", 4, patience_seconds=0.5)
"""Small files of others: secrets, certificates. A mount may hang."""
NAMES = Pool("names", 4, patience_seconds=0.5)
"""Addresses of hosts. A server of names may not answer."""
PARSING = Pool("parsing", 2)
"""What targets answered."""
BODIES = Pool("bodies", 2)
"""Masking, converting and compressing what is forwarded."""
QUERIES = Pool("queries", 64)
"""Long queries; `promql.max_concurrency`, which is at most this, says how many."""
RELOAD = Pool("reload", 2, patience_seconds=5.0)
"""The configuration and the files that it names, and the import of what it needs."""
TELEMETRY = Pool("telemetry", 2, patience_seconds=5.0)
"""Sending our own metrics, with a client that blocks."""

POOLS = (FILES, NAMES, PARSING, BODIES, QUERIES, RELOAD, TELEMETRY)


def expose_threads(meter: Meter) -> None:
    """Show how many threads of each pool work, and how many are given up."""
    meter.read_by("sidecar_threads_busy", "Threads that work, by what for.", "pool", _busy)
    meter.read_by(
        "sidecar_threads_given_up",
        "Threads whose work takes too long, as on a mount that hangs, or that nobody waits for any more, by what for.",
        "pool",
        _given_up,
    )


def _busy() -> Mapping[str, float]:
    return {pool.name: pool.busy for pool in POOLS}


def _given_up() -> Mapping[str, float]:
    return {pool.name: pool.given_up for pool in POOLS}
