"""How long the kernel throttled us, from the files of cgroup v2."""

from pathlib import Path

import pytest

from sidecar.probe.cgroup import Throttling, own_group, throttled_seconds
from tests.fakes import FakeClock

CPU_STAT = "usage_usec 5\nnr_periods 10\nnr_throttled {count}\nthrottled_usec {usec}\nnr_bursts 0\n"


@pytest.mark.parametrize(
    ("membership", "group"),
    [
        ("0::/\n", ""),
        ("0::/kubepods.slice/pod1/app.scope\n", "kubepods.slice/pod1/app.scope"),
        ("2:cpuacct:/\n1:cpu:/x\n0::/user.slice\n", "user.slice"),
    ],
)
def test_our_cgroup_is_the_one_of_version_2(membership: str, group: str) -> None:
    assert own_group(membership) == group


def test_without_version_2_there_is_none() -> None:
    with pytest.raises(ValueError, match="no cgroup v2"):
        own_group("1:cpu:/\n")


def test_throttled_time_is_read_and_0_without_a_limit() -> None:
    assert throttled_seconds(CPU_STAT.format(count=3, usec=1_500_000)) == 1.5
    assert throttled_seconds("usage_usec 5\nuser_usec 3\n") == 0.0


class Kernel:
    """The files that the kernel would show, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.membership = folder / "cgroup"
        self.membership.write_text("0::/pod\n")
        self.mount = folder
        self.stat = folder / "pod" / "cpu.stat"
        self.stat.parent.mkdir()
        self.throttled_for(0.0)

    def throttled_for(self, total_seconds: float) -> None:
        self.stat.write_text(CPU_STAT.format(count=1, usec=int(total_seconds * 1e6)))


def test_only_what_was_throttled_since_the_first_sample_and_within_the_span_counts(tmp_path: Path) -> None:
    clock, kernel = FakeClock(), Kernel(tmp_path)
    throttling = Throttling(clock, kernel.membership, kernel.mount)
    for total in (100.0, 100.5, 100.5, 102.5):
        kernel.throttled_for(total)
        throttling.sample()
        clock.pass_by(1.0)
    assert [throttling.seconds_within(span) for span in (0.5, 1.5, 3.5, 60.0)] == [0.0, 2.0, 2.5, 2.5]


def test_files_that_are_absent_or_broken_mean_not_throttled(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path)
    throttling = Throttling(FakeClock(), kernel.membership, kernel.mount)
    throttling.sample()
    for broken in ("throttled_usec many\n", "alone\n", f"throttled_usec {'9' * 310}\n", "throttled_usec 1_0\n"):
        kernel.stat.write_text(broken)
        throttling.sample()
    kernel.stat.unlink()
    throttling.sample()
    kernel.membership.unlink()
    throttling.sample()
    assert throttling.seconds_within(60.0) == 0.0


def test_a_file_that_comes_back_is_no_throttling(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path)
    throttling = Throttling(FakeClock(), kernel.membership, kernel.mount)
    for text in (CPU_STAT.format(count=1, usec=9_000_000), "broken", CPU_STAT.format(count=1, usec=9_000_000)):
        kernel.stat.write_text(text)
        throttling.sample()
    assert throttling.seconds_within(60.0) == 0.0
