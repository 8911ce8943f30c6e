"""Looks at a sidecar during a flood: its memory, its counters and its probes."""

import threading
import time
from collections.abc import Mapping
from typing import NamedTuple, Self
from urllib.request import urlopen

from tests.servers import Sidecar, samples_of
from tests.soak.bounds.prober import Latencies, Prober

SAMPLE_SECONDS = 0.05
SETTLE_SECONDS = 2.5
"""What counters take to be on /metrics, which is made anew each second."""
WORDS = ("overflowed", "dropped", "refused", "rejected", "skipped", "evicted", "not_stored")
"""In the names of the counters that tell what was not kept."""


class Memory(NamedTuple):
    """Resident memory in MB: before a flood, at most in each of its halves, and after it."""

    before: float
    first_half: float
    second_half: float
    after: float

    @property
    def peak(self) -> float:
        """At most in all of it."""
        return max(self.first_half, self.second_half)


class Watched:
    """Watches from the beginning to the end of the `with` block; then `memory`, `counters` and `latencies` tell."""

    memory: Memory
    counters: Mapping[str, float]
    latencies: Latencies

    def __init__(self, sidecar: Sidecar, prober: Prober, settle_seconds: float = SETTLE_SECONDS) -> None:
        self._sidecar = sidecar
        self._prober = prober
        self._settle_seconds = settle_seconds
        self._before = sidecar.rss_mb
        self._counters = self._read()
        self._peaks = [0.0]
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._sample)

    def halfway(self) -> None:
        """Take note that the second half begins."""
        self._peaks.append(0.0)

    def __enter__(self) -> Self:
        self._prober.milliseconds()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.latencies = self._prober.milliseconds()
        self._is_over.set()
        self._thread.join()
        first, second = (*self._peaks, self._peaks[0])[:2]
        time.sleep(self._settle_seconds)
        self.memory = Memory(self._before, first, second, self._sidecar.rss_mb)
        self.counters = {
            name: more for name, value in self._read().items() if (more := value - self._counters.get(name, 0.0)) > 0
        }

    def _sample(self) -> None:
        while not self._is_over.wait(SAMPLE_SECONDS):
            self._peaks[-1] = max(self._peaks[-1], self._sidecar.rss_mb)

    def _read(self) -> dict[str, float]:
        with urlopen(f"{self._sidecar.url}/metrics", timeout=30) as response:
            samples = samples_of(response.read().decode())
        return {name: value for name, value in samples.items() if any(word in name for word in WORDS)}
