"""A sidecar whose alert fires is killed and ended in turn, and started again: Alertmanager has one alert all the time.

    scripts/soak restarts [--restarts 20] [--interval 2] [--resend 1] [--for 10]

Alertmanager takes an alert for resolved when it hears nothing for four times the longer of interval and resend, so a
start must not take longer. Ends with what was seen; exit code 1 if that is anything but one alert with one beginning.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from sidecar.demo.servers import ValkeyServer
from tests.acceptance.restarts import Manner, beginnings


def main() -> None:
    """Run the soak from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--interval", type=int, default=2, help="seconds between two evaluations")
    parser.add_argument("--resend", type=int, default=1, help="seconds after which a firing alert is told again")
    parser.add_argument("--for", type=int, default=10, dest="hold", help="seconds that the rule must hold")
    words = parser.parse_args()
    manner = Manner(words.interval, words.resend, words.hold, words.restarts)
    with tempfile.TemporaryDirectory() as folder, ValkeyServer() as valkey:
        seen = asyncio.run(
            beginnings(Path(folder), valkey.url, manner, lambda line: print(line, file=sys.stderr, flush=True))
        )
    passed = len(seen) == 1 and all(len(moment) == 1 for moment in seen)
    print(f"{'passed' if passed else 'FAILED'}: {words.restarts} restarts, firing since {sorted(map(sorted, seen))}")
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
