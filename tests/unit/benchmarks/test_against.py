"""Comparing two revisions: the statistics, and a whole run with a benchmark that measures nothing."""

import ast
import os
import signal
import subprocess
import sys
from itertools import combinations
from math import inf
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.against.figures import Figure, read, write
from benchmarks.against.ratio import FEWEST_PAIRS, Ratio, interval_rank, ratio_of
from tests.conftest import ROOT


def figures(*values: float, higher_is_better: bool = False) -> list[Figure]:
    return [Figure("f", value, higher_is_better) for value in values]


@pytest.mark.parametrize(("count", "rank"), [(6, 1), (8, 1), (9, 2), (10, 2), (11, 2), (12, 3), (15, 4), (20, 6)])
def test_the_interval_lies_between_the_values_that_tables_name(count: int, rank: int) -> None:
    assert interval_rank(count) == rank


@pytest.mark.parametrize("count", range(FEWEST_PAIRS, 14))
def test_the_interval_holds_the_median_with_95_percent_and_no_narrower_one_does(count: int) -> None:
    def coverage(rank: int) -> float:
        """Of all ways in which values lie below or above the median, those with it between the two."""
        below = (len(list(combinations(range(count), heads))) for heads in range(rank, count - rank + 1))
        return sum(below) * 0.5**count

    assert coverage(interval_rank(count)) >= 0.95
    assert coverage(interval_rank(count) + 1) < 0.95


def test_too_few_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="5 pairs are too few"):
        ratio_of("f", figures(*[1.0] * 5), figures(*[1.0] * 5))


def test_ten_pairs_give_the_median_and_the_second_from_either_end() -> None:
    new = figures(*(1 + step / 100 for step in (5, 1, 9, 3, 7, 2, 8, 4, 6, 10)))
    ratio = ratio_of("f", figures(*[1.0] * 10), new)
    assert (ratio.median, ratio.low, ratio.high) == pytest.approx((1.055, 1.02, 1.09))
    assert not ratio.is_unchanged


def test_where_higher_is_better_less_is_worse() -> None:
    ratio = ratio_of("f", figures(*[200.0] * 6, higher_is_better=True), figures(*[100.0] * 6, higher_is_better=True))
    assert (ratio.median, ratio.is_unchanged) == (2, False)


@pytest.mark.parametrize(
    ("median", "low", "high", "unchanged"),
    [
        (1.03, 1.02, 1.04, True),
        (1.031, 1.02, 1.04, False),
        (1.2, 0.99, 1.4, True),
        (1.2, 1.0, 1.4, True),
        (0.5, 0.4, 0.6, True),
        (inf, inf, inf, False),
    ],
)
def test_unchanged_is_a_tolerable_median_or_an_interval_with_1(
    median: float, low: float, high: float, unchanged: bool
) -> None:
    assert Ratio("f", median, low, high).is_unchanged is unchanged


def test_nothing_then_and_now_is_no_change_and_something_instead_of_nothing_is_one() -> None:
    assert ratio_of("f", figures(*[0.0] * 6), figures(*[0.0] * 6)) == Ratio("f", 1, 1, 1)
    assert ratio_of("f", figures(*[0.0] * 6), figures(*[2.0] * 6)) == Ratio("f", inf, inf, inf)


@given(st.lists(st.floats(0.01, 1e6), min_size=6, max_size=30), st.floats(0.1, 10))
def test_a_change_of_all_by_one_factor_is_that_factor(values: list[float], factor: float) -> None:
    ratio = ratio_of("f", figures(*values), figures(*(value * factor for value in values)))
    assert (ratio.median, ratio.low, ratio.high) == pytest.approx((factor,) * 3)


def test_figures_are_read_as_they_were_written(tmp_path: Path) -> None:
    told = [Figure("a", 1.5), Figure("b", 2, higher_is_better=True)]
    write(tmp_path / "figures", told)
    assert list(read(tmp_path / "figures").values()) == told
    write(None, told)


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").glob("*.py")), ids=lambda path: path.stem)
def test_every_benchmark_tells_its_figures_and_is_measured_alone(path: Path) -> None:
    source = path.read_text()
    for words in ("[--against REV]", "add_options(parser)", "options.alone", "write(options.figures, "):
        assert words in source


def modules_of(node: ast.ImportFrom) -> list[str]:
    """The modules that an import names: the one whose names it takes, or those that it takes from a package."""
    named = (node.module or "").replace(".", "/")
    taken = [f"{named}/{each.name}" for each in node.names if (ROOT / named / f"{each.name}.py").is_file()]
    return taken or [named]


def test_what_is_put_into_an_older_tree_needs_nothing_of_it_that_changes() -> None:
    seen: set[str] = set()
    waiting = [path.relative_to(ROOT).with_suffix("").as_posix() for path in (ROOT / "benchmarks").glob("*.py")]
    while waiting:
        name = waiting.pop()
        nodes = ast.walk(ast.parse((ROOT / f"{name}.py").read_text()))
        for needed in (needed for node in nodes if isinstance(node, ast.ImportFrom) for needed in modules_of(node)):
            if needed.startswith(("sidecar/demo/", "tests/", "benchmarks/loads/")):
                waiting += {needed} - seen
                seen.add(needed)
            elif needed.startswith("sidecar/") and name.startswith("sidecar/demo/"):
                assert needed == "sidecar/model/errors", name
    assert "sidecar/demo/servers" in seen


FAKE = """
import argparse, os, time
from benchmarks.against.figures import Figure, add_options, write
from sidecar import COST
parser = argparse.ArgumentParser()
add_options(parser)
options = parser.parse_args()
time.sleep(int(os.environ.get("SLOW", 0)))
assert options.alone
if "SKIPPED" in os.environ:
    raise SystemExit(print("skipped: no peer"))
write(options.figures, [Figure("cost", COST), Figure("gain", 5, higher_is_better=True)])
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose sidecar got slower since its first revision."""
    root = tmp_path / "here"
    for name in ("tests", "sidecar/demo", "benchmarks/against"):
        (root / name).mkdir(parents=True)
    for path in (ROOT / "benchmarks/against").glob("*.py"):
        (root / "benchmarks/against" / path.name).write_text(path.read_text())
    (root / "benchmarks/fake.py").write_text(FAKE)
    (root / "requirements-dev.lock").write_text("")
    (root / "sidecar/__init__.py").write_text("COST = 1\n")
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "-c", "user.name=a", "-c", "user.email=a@example", "commit", "--quiet", "-m", "old")
    return root


def git(root: Path, *words: str) -> str:
    return subprocess.run(["git", "-C", root, *words], capture_output=True, text=True, check=True).stdout


def against(repository: Path, temporary: Path, **env: str) -> subprocess.Popen[str]:
    temporary.mkdir()
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.against", "fake", "--against", "HEAD", "--pairs", "6"],
        cwd=repository,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(temporary), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # Ctrl-C is ignored by what a shell runs in the background, these tests for example, and by what that starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def assert_nothing_is_left(repository: Path, temporary: Path) -> None:
    assert list(temporary.iterdir()) == []
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_a_whole_comparison_tells_what_got_slower_and_leaves_nothing(repository: Path, tmp_path: Path) -> None:
    (repository / "sidecar/__init__.py").write_text("COST = 2\n")
    with against(repository, tmp_path / "tmp") as process:
        output, _ = process.communicate()
    assert process.returncode == 1, output
    assert "pair 6 of 6" in output
    assert [line.split() for line in output.splitlines()[-3:-1]] == [
        ["2.000", "2.000-2.000", "cost", "SLOWER"],
        ["1.000", "1.000-1.000", "gain"],
    ]
    assert output.splitlines()[-1].startswith("slower: cost (")
    assert_nothing_is_left(repository, tmp_path / "tmp")


def test_a_comparison_that_is_interrupted_leaves_nothing(repository: Path, tmp_path: Path) -> None:
    with against(repository, tmp_path / "tmp", SLOW="60") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "pair 1 of 6\n"
        os.killpg(process.pid, signal.SIGINT)
        output, _ = process.communicate()
    assert process.returncode == 130, output
    assert "Traceback" not in output.partition("KeyboardInterrupt")[2]
    assert_nothing_is_left(repository, tmp_path / "tmp")


def test_a_benchmark_without_figures_says_why(repository: Path, tmp_path: Path) -> None:
    with against(repository, tmp_path / "tmp", SKIPPED="1") as process:
        output, _ = process.communicate()
    assert process.returncode == 1
    assert output.splitlines()[-1] == "`fake` told no figures: skipped: no peer"
    assert_nothing_is_left(repository, tmp_path / "tmp")


def test_a_revision_that_is_none_is_told(repository: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.against", "fake", "--against", "nope"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "nope` ended with" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(git(repository, "worktree", "list").splitlines()) == 1
