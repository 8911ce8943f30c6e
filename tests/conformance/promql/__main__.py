"""`python -m tests.conformance.promql PATH...`: scripts (*.test), recorded answers (*.json), or folders of both."""

import sys
from collections.abc import Iterator
from pathlib import Path

from tests.conformance.promql.oracle import run_oracle
from tests.conformance.promql.report import Report
from tests.conformance.promql.runner import run_script


def files_in(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(path.rglob("*.test"))
        yield from sorted(item for item in path.rglob("*.json") if item.name.startswith("oracle"))
    else:
        yield path


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def main(arguments: list[str]) -> int:
    if not arguments:
        say(str(__doc__))
        return 2
    total = Report()
    for path in (file for argument in arguments for file in files_in(Path(argument))):
        report = run_script(path) if path.suffix == ".test" else run_oracle(path)
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
