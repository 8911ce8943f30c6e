"""Random PromQL, asked of our engine and of a real Prometheus over the same samples, with new seeds all the time.

    scripts/soak promql [--minutes 10] [--seed 1]

A query that the two answer differently is printed in its smallest form. Ends with `N passed, M failed`, which counts
expressions and rounds with a difference; exit code 1 on a failure.
"""

import argparse
import sys
import time
from random import Random

from tests.conformance.prometheus.differential import Rivals, rivals

ROUND = 500
"""Expressions under one seed: a difference ends the round."""


def differs(both: Rivals, seed: int) -> bool:
    """Ask the questions of one seed; print the smallest on which the answers differ."""
    try:
        both.check(seed, ROUND)
    except AssertionError as error:
        print(f"FAILED: seed {seed}: {error}", flush=True)
        return True
    return False


def main() -> None:
    """Run the soak from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=None, help="of the seeds; another one each time unless given")
    words = parser.parse_args()
    random, failed, until = Random(words.seed), 0, time.monotonic() + 60 * words.minutes
    with rivals() as both:
        while time.monotonic() < until:
            failed += differs(both, random.getrandbits(32))
        print(f"{len(both.asked)} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
