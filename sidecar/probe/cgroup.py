"""How long the kernel kept us from the CPU because of a CPU limit, from cgroup v2's cpu.stat."""

from collections import deque
from pathlib import Path

from sidecar.codec.peer.lines import lf_lines
from sidecar.codec.peer.numbers import whole_number_of
from sidecar.runtime.clock import Clock

REMEMBERED_SAMPLES = 3600
"""An hour of one sample a second, all of them throttled; the others are not kept."""


class Throttling:
    """How long our own cgroup was throttled; without cgroup v2, or without a CPU limit, it never was.

    `sample` does the reading and may be called from any one thread; `seconds_within` reads memory only, from any other.
    """

    def __init__(
        self, clock: Clock, membership: Path = Path("/proc/self/cgroup"), mount: Path = Path("/sys/fs/cgroup")
    ) -> None:
        self._clock = clock
        self._membership = membership
        self._mount = mount
        self._total_seconds: float | None = None
        self._increases: deque[tuple[float, float]] = deque(maxlen=REMEMBERED_SAMPLES)

    def sample(self) -> None:
        """Read how long we were throttled since the last sample; call it about once a second. Never raises."""
        total = self._read_total_seconds()
        if total is not None and self._total_seconds is not None and total > self._total_seconds:
            self._increases.append((self._clock.monotonic(), total - self._total_seconds))
        self._total_seconds = total

    def seconds_within(self, span_seconds: float) -> float:
        """Return for how long we were throttled during the last `span_seconds`, added up over the CPUs."""
        since = self._clock.monotonic() - span_seconds
        return sum(increase for at, increase in list(self._increases) if at >= since)

    def _read_total_seconds(self) -> float | None:
        try:
            group = own_group(self._membership.read_text())
            return throttled_seconds((self._mount / group / "cpu.stat").read_text())
        except (OSError, ValueError):
            return None


def own_group(membership: str) -> str:
    """Return our cgroup below the mount, from the text of /proc/self/cgroup; raise ValueError without cgroup v2."""
    for line in lf_lines(membership):
        if line.startswith("0::/"):
            return line.removeprefix("0::/")
    raise ValueError("there is no cgroup v2")


def throttled_seconds(cpu_stat: str) -> float:
    """Return the total throttled time that the text of a cpu.stat tells, 0 if the CPU is not limited there.

    Raises ValueError if that is no cpu.stat.
    """
    values = dict(line.split(" ", 1) for line in lf_lines(cpu_stat))
    microseconds = whole_number_of(values.get("throttled_usec", "0"))
    if microseconds is None:
        raise ValueError("the throttled time is not a number")
    return microseconds / 1e6
