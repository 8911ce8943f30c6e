"""A head with an hour of samples, and queries over it, in a process of its own that has imported all of the sidecar.

    python -m benchmarks.hour.head SERIES END_MS

What it is asked comes line by line, as JSON: the text of a query and, for a range query, start, end and step. It says
`{}` when it has its modules and again when it has its samples, and then for each query how long it took.
"""

import asyncio
import json
import sys
import time
from contextlib import suppress
from importlib import import_module
from typing import Any

from benchmarks.hour.samples import COLUMNS, STEP_MS, scrape
from sidecar.promql.config import PromqlConfig
from sidecar.promql.parse import parse
from sidecar.promql.result import Matrix
from sidecar.runtime.clock import SystemClock
from sidecar.runtime.queries import Queries
from sidecar.runtime.threads.sharing import share_process
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.head import Head

ROOTS = ("sidecar.app.build", "sidecar.app.assembly")
"""Modules with which comes all that a sidecar imports: in this tree, and in those before December 2026."""


def main() -> None:
    """Load the head and answer."""
    for name in ROOTS:
        with suppress(ModuleNotFoundError):
            import_module(name)
    share_process()
    say({})
    sys.stdin.readline()
    head = Head(HeadConfig())
    for column in range(COLUMNS):
        head.accept(scrape(int(sys.argv[1]), column, int(sys.argv[2])))
    say({"head_bytes": head.bytes})
    asyncio.run(answers(head))


def say(fact: dict[str, Any]) -> None:
    """Write `fact` as a line."""
    sys.stdout.write(json.dumps(fact) + "\n")
    sys.stdout.flush()


async def answers(head: Head) -> None:
    """Answer one query after the other until there is none."""
    queries = Queries(head, SystemClock(), PromqlConfig(), STEP_MS / 1000)
    while line := await asyncio.to_thread(sys.stdin.readline):
        text, *steps = json.loads(line)
        expr = parse(text)
        began, cpu = time.perf_counter(), time.process_time()
        answer = await (queries.instant(expr, steps[0]) if len(steps) == 1 else queries.range(expr, (*steps,)))
        say({"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu, "samples": count(answer)})


def count(answer: Any) -> int:
    """Return how many samples an answer has."""
    return sum(len(series.values) for series in answer.series) if isinstance(answer, Matrix) else len(answer.samples)


if __name__ == "__main__":
    main()
