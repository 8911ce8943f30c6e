"""Processes that write to a state file are killed at random moments: each file has all but the last second.

    scripts/soak kills [--rounds 1] [--kills 10] [--seed 1]

In a round five files are written at once, and the writer of each is killed so often. Ends with `N passed, M failed`,
which counts rounds; exit code 1 on a failure.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from random import Random

from tests.unit.runtime.state.kills import kill_writers


def fails(kills: int, seed: int) -> bool:
    """Play one round; print what was wrong."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(kill_writers(Path(folder), kills, seed))
    except ExceptionGroup as errors:
        print(f"FAILED: seed {seed}: {errors.exceptions[0]!r}", flush=True)
        return True
    return False


def main() -> None:
    """Run the soak from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=None, help="of the seeds; another one each time unless given")
    words = parser.parse_args()
    random = Random(words.seed)
    failed = sum(fails(words.kills, random.getrandbits(32)) for _ in range(words.rounds))
    print(f"{words.rounds - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
