"""`python -m tests.conformance.promql [--server] PATH...`: scripts (*.test), recordings (*.json), folders.

Scripts are run as upstream runs them, with delayed name removal; with --server without it, as a server answers.
Recorded answers are those of a server.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.conformance.promql.oracle import is_recording, run_oracle
from tests.conformance.promql.report import Report
from tests.conformance.promql.runner import SERVER, UPSTREAM, run_script

SERVER_FLAG = "--server"


def files_in(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(path.rglob("*.test"))
        yield from sorted(item for item in path.rglob("*.json") if is_recording(item))
    else:
        yield path


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main(arguments: list[str]) -> int:
    options = SERVER if SERVER_FLAG in arguments else UPSTREAM
    files = [file for word in arguments if word != SERVER_FLAG for file in files_in(Path(word))]
    if not files:
        say(str(__doc__))
        return 2
    total = Report()
    for path in files:
        report = run_oracle(path) if path.suffix == ".json" else run_script(path, options)
        say(f"{path.name}: {report.passed} passed, {len(report.failures)} failed, {report.skipped.total()} skipped")
        total.add(report)
    for failure in total.failures:
        say(f"FAILED {failure}")
    for reason, count in sorted(total.skipped.items()):
        say(f"skipped {count}: {reason}")
    say(f"{total.passed} passed, {len(total.failures)} failed")
    return 1 if total.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
