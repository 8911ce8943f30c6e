"""Floods over OTLP, one after the other, while a probe is asked: memory must end somewhere, and probes must not wait.

    scripts/soak otlp-bounds [--items 1000000] [--seconds 10] [--only WORD]

A million distinct names, routes, services, resources and so on, then bodies that are built to hurt, each for some
seconds, against one real sidecar. Of each flood it tells what was answered, the memory before, at most and after, what
the counters of drops say, and how long probes took. A flood fails if memory grows in its second half, or is above what
the limits add up to, if no counter tells of it, or if one of a hundred probes takes 20 ms, or 100 ms while bodies are
larger than 4 MiB. Ends with `N passed, M failed`, exit code 1 on a failure.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from tests.servers import Sidecar
from tests.soak.bounds.bodies import BodyFlood, body_floods
from tests.soak.bounds.items import ItemFlood, item_floods
from tests.soak.bounds.outcome import HEADER, Outcome
from tests.soak.bounds.prober import Prober
from tests.soak.bounds.sender import Sender
from tests.soak.bounds.watched import SETTLE_SECONDS, Watched

CONFIG = """\
scrape_interval_seconds: 1
spans: {dimensions: [{name: tenant}]}
"""
NICE = 5
"""Of what sends: the probe, which sleeps nearly always, must get a processor when it wants one."""


def outcomes(sidecar: Sidecar, items: int, seconds: float, word: str) -> Iterator[Outcome]:
    """Send every flood whose name has `word` in it, and yield what came of each."""
    with Prober(sidecar.port) as prober:
        os.nice(NICE)
        floods: Iterator[ItemFlood | BodyFlood] = chain(item_floods(), body_floods())
        for flood in floods:  # one after the other: they are large
            if word in flood.name:
                yield outcome_of(flood, sidecar, prober, items, seconds)


def outcome_of(flood: ItemFlood | BodyFlood, sidecar: Sidecar, prober: Prober, items: int, seconds: float) -> Outcome:
    """Send one flood and return what came of it."""
    with Watched(sidecar, prober, SETTLE_SECONDS if isinstance(flood, ItemFlood) else 0.0) as watched:
        sender = Sender(sidecar.otlp_port, watched.halfway)
        sent = sender.send_items(flood, items) if isinstance(flood, ItemFlood) else sender.send(flood, seconds)
    return Outcome(flood, sent, watched)


def main(words: Sequence[str] | None = None) -> None:
    """Run the soak from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=1_000_000, help="spans, points or records of a flood")
    parser.add_argument("--seconds", type=float, default=10.0, help="for which each body is sent again and again")
    parser.add_argument("--only", default="", help="a word in the names of the floods to send")
    given = parser.parse_args(words)
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder, Sidecar(Path(folder), CONFIG) as sidecar:
        print(HEADER, flush=True)
        for outcome in outcomes(sidecar, given.items, given.seconds, given.only):
            print(outcome.row, flush=True)
            for failure in outcome.failures:
                print(f"FAILED: {failure}", flush=True)
            passed, failed = passed + (not outcome.failures), failed + bool(outcome.failures)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
