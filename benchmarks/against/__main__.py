"""Measures this tree against an older revision of it: both in turn, pair by pair, on the same machine.

    scripts/bench NAME --against REV [--pairs N] [options of the benchmark]

REV is checked out beside; the benchmark is this tree's in both. Which of a pair is first changes from pair to pair. A
figure is unchanged if its median ratio new / old is at most 1.03 or the 95 % interval of the median includes 1; of
many figures one in twenty may be told slower by chance: look again before you believe it. Exit code 1 if any got
slower.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.against.figures import Figure, read
from benchmarks.against.ratio import FEWEST_PAIRS, TOLERATED, Ratio, ratio_of
from benchmarks.against.tree import Tree, checked_out, this_tree

Measured = dict[str, Figure]
PATIENCE_SECONDS = 10
"""How long an interrupted benchmark may take to stop its servers."""


def main() -> int:
    """Compare; return an exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("--against", metavar="REV", required=True)
    parser.add_argument("--pairs", type=int, default=10)
    options, further = parser.parse_known_args()
    if options.pairs < FEWEST_PAIRS:
        parser.error(f"--pairs: {FEWEST_PAIRS} or more are needed for a 95 % interval")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as after Ctrl-C the old tree is removed
    try:
        with checked_out(options.against) as old:
            pairs = measure_pairs(old, this_tree(), options.name, options.pairs, further)
    except subprocess.CalledProcessError as error:
        sys.exit(f"`{' '.join(map(str, error.cmd))}` ended with {error.returncode}")
    except KeyboardInterrupt:
        return 130
    ratios = compared(pairs)
    say(table(ratios, pairs))
    return 0 if all(ratio.is_unchanged for ratio in ratios) else 1


def measure_pairs(
    old: Tree, new: Tree, name: str, count: int, options: Sequence[str]
) -> list[tuple[Measured, Measured]]:
    """Return the figures of old and new, pair by pair."""
    pairs = []
    for number in range(count):
        say(f"pair {number + 1} of {count}")
        first, second = (old, new) if number % 2 == 0 else (new, old)
        figures = {tree.folder: measured(tree, name, options, old.folder.parent) for tree in (first, second)}
        pairs.append((figures[old.folder], figures[new.folder]))
    return pairs


def measured(tree: Tree, name: str, options: Sequence[str], scratch: Path) -> Measured:
    """Return what one run of the benchmark tells; raise CalledProcessError with its output shown if it fails.

    What it writes is in `scratch`, which is gone in the end even if Ctrl-C comes while the file is made.
    """
    with tempfile.NamedTemporaryFile(suffix=".json", dir=scratch) as file:
        command = tree.command(name, Path(file.name), list(options))
        # A session of its own: Ctrl-C reaches us alone, and we tell it once, so that it ends what it has started.
        process = subprocess.Popen(
            command,
            cwd=tree.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate()
        except BaseException:
            end(process)
            raise
        if process.returncode:
            say(output)
            raise subprocess.CalledProcessError(process.returncode, command)
        if not Path(file.name).stat().st_size:
            sys.exit(f"`{name}` told no figures: {output.strip()}")
        return read(Path(file.name))


def end(process: subprocess.Popen[str]) -> None:
    """Have a benchmark end in good order, and by force with all of its session if that takes too long."""
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def compared(pairs: Sequence[tuple[Measured, Measured]]) -> list[Ratio]:
    """Return the ratio of every figure that all runs have."""
    names = [name for name in pairs[0][1] if all(name in old and name in new for old, new in pairs)]
    return [ratio_of(name, [old[name] for old, _ in pairs], [new[name] for _, new in pairs]) for name in names]


def table(ratios: Sequence[Ratio], pairs: Sequence[tuple[Measured, Measured]]) -> str:
    """Return a line for each figure, and the verdict as the last one."""
    lines = [f"{'median':>7} {'95 % interval':>15}  new / old of {len(pairs)} pairs; above 1 is worse"]
    for ratio in ratios:
        mark = "" if ratio.is_unchanged else "   SLOWER"
        lines.append(f"{ratio.median:>7.3f} {ratio.low:>7.3f}-{ratio.high:<7.3f}  {ratio.name}{mark}")
    slower = [ratio.name for ratio in ratios if not ratio.is_unchanged]
    told = f"slower: {', '.join(slower)}" if slower else f"unchanged: {len(ratios)} figures"
    return "\n".join([*lines, f"{told} (median <= {TOLERATED} or an interval that includes 1 is unchanged)"])


def say(text: str) -> None:
    """Write for the reader, at once."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
