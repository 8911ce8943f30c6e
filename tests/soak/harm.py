"""Faults of all that a sidecar depends on: it must do no harm, and tell what is true.

    scripts/soak harm [--row A3]... [--seconds 10]           one fault after the other
    scripts/soak harm --minutes 60 [--seed 1] [--deaths 20]  many at random, while the app dies and comes back

The first asks of each fault that a counter and an event tell it; that of /livez, asked every 10 ms with a new
connection, 99 of 100 answers take less than 20 ms and none fails; and that all is well again within 30 s. Beside it
stands how long a server took on the same core that does nothing but answer. The second asks that a healthy app is never
reported dead: no probe answers other than 200, or not in 1 s, while the app itself had answered within 500 ms; and that
a dead one always is, within what the settings of its checks say.

The sidecar is alone on the first core with that server, all else is on the second. Needs root: for a file system that
hangs, a server of names that goes silent, and a clock that goes astray. Ends with a table and `N passed, M failed`, and
exit code 1 on a failure. What happened when, all answers and the sidecar's log stay in the folder told at the start.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from random import Random

from tests.soak.faults.first_process import endings
from tests.soak.faults.hour import tell
from tests.soak.faults.journal import Journal
from tests.soak.faults.rows import HEADER, ROWS, line, outcome
from tests.soak.faults.verdict import judge, table
from tests.soak.faults.world import world

DEATHS_PER_MINUTE = 1 / 3
LEAST_DEATHS = 3
FIRST = "A3"
"""The row that needs a process of its own, since it is about its end."""


async def one_by_one(folder: Path, names: Sequence[str], seconds: float) -> Sequence[Sequence[str]]:
    """Let one fault happen after the other, print what came of each, and return what is wrong with each."""
    journal = Journal(folder / "journal")
    journal.say(f"all is kept in {folder}")
    lines, failures = [HEADER], []
    if FIRST in names:
        journal.say(f"{FIRST}: the process is the first of a container")
        for ending in await asyncio.to_thread(endings, folder):
            took = "never" if ending.seconds is None else f"{ending.seconds:.1f} s"
            lines.append(f"{FIRST:4} first process, {ending.how}: ended after {took}")
            failures.append(ending.failures)
    rows = [name for name in names if name in ROWS]
    if rows:
        async with world(folder) as harmed:
            for name in rows:
                result = await outcome(harmed, name, seconds, journal)
                lines.append(line(result))
                failures.append(result.failures)
    print("\n".join(lines))
    return failures


async def random_faults(folder: Path, minutes: float, deaths: int, seed: int) -> Sequence[Sequence[str]]:
    """Let faults and deaths happen, print what came of it, and return what is wrong."""
    journal = Journal(folder / "journal")
    journal.say(f"seed {seed}, {minutes:g} minutes, {deaths} times the app is killed; all is kept in {folder}")
    async with world(folder) as harmed:
        story = await tell(harmed, 60 * minutes, deaths, Random(seed), journal)
    verdict = judge(story)
    text = "\n".join(table(verdict))
    (folder / "verdict").write_text(f"{text}\n")
    print(text)
    return verdict.failures


def main(words: Sequence[str] | None = None) -> None:
    """Run the soak from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = sorted((FIRST, *ROWS), key=lambda name: int(name[1:]))
    parser.add_argument("--row", action="append", choices=every, help="only this fault; may be given again")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each fault lasts")
    parser.add_argument("--minutes", type=float, help="of random faults, in place of one after the other")
    parser.add_argument(
        "--seed", type=int, help="of the random faults; told at the start, another each time by default"
    )
    parser.add_argument("--deaths", type=int, help="how often the app is killed; by default every three minutes")
    parser.add_argument("--folder", type=Path, help="where all is kept; by default a new one")
    given = parser.parse_args(words)
    folder = given.folder or Path(tempfile.mkdtemp(prefix="soak-harm-"))
    folder.mkdir(parents=True, exist_ok=True)
    if given.minutes is None:
        failures = asyncio.run(one_by_one(folder, given.row or every, given.seconds))
    else:
        deaths = given.deaths or max(LEAST_DEATHS, round(given.minutes * DEATHS_PER_MINUTE))
        seed = Random().randrange(1_000_000) if given.seed is None else given.seed
        failures = asyncio.run(random_faults(folder, given.minutes, deaths, seed))
    for failure in chain(*failures):
        print(f"FAILED: {failure}")
    failed = sum(map(bool, failures))
    print(f"{len(failures) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
