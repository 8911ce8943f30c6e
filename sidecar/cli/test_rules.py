"""`sidecar test-rules`: what `promtool test rules` does, over the rules and with the engine that `run` uses."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from glob import glob
from pathlib import Path
from typing import Any, TextIO
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import click
import re2  # type: ignore[import-untyped] # google-re2 ships no types

from sidecar.app.source import read_text
from sidecar.model.errors import ConfigError
from sidecar.rules.group import RuleGroup
from sidecar.rules.load import load_rules
from sidecar.rules.unit_tests.document import UnitTest, UnitTestFile, read_unit_tests
from sidecar.rules.unit_tests.run import UnitTestRun
from sidecar.rules.unit_tests.texts import Paint, failure_text


def _pattern(_context: click.Context, _option: click.Parameter, patterns: tuple[str, ...]) -> Any:
    """Return one expression for the values of --run; None where there is none."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile("|".join(patterns), options) if patterns else None
    except re2.error as error:
        raise click.BadParameter(f"not a regular expression: {error}") from error


@click.command("test-rules")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--run", "wanted", multiple=True, callback=_pattern, metavar="REGEX", help="Only tests whose name matches."
)
@click.option("--diff", is_flag=True, help="Show how the alerts differ, in colours, instead of both sides.")
@click.option("--junit", type=click.File("w"), metavar="FILE", help="Write the results as JUnit XML as well.")
@click.option("--ignore-unknown-fields", "any_field", is_flag=True, help="Let rule files have fields of others' tools.")
@click.option("--debug", is_flag=True, help="Tell when each test begins and ends, and all series that it had.")
def command(  # one parameter an option
    files: tuple[Path, ...], wanted: Any, diff: bool, junit: TextIO | None, any_field: bool, debug: bool
) -> None:
    """Run the unit tests in FILES, written as for `promtool test rules`.

    A file names its rule files, gives series (`values: 0+60x10 _ stale`), and says which alerts fire (alert_rule_test)
    and what expressions give (promql_expr_test) at which time. Rules are evaluated as `sidecar run` would, without
    waiting. What fails is told with file, line, name of the test, what was expected and what came.

    The last line counts the tests. Exit code 0 when all passed, 1 otherwise. docs/rule-tests.md has a file to begin
    with.
    """
    tests = _Tests(wanted, _painted if diff else None, any_field=any_field, debug=debug)
    for file in files:
        tests.run(str(file))
    if junit:
        junit.write(tests.junit())
    raise SystemExit(tests.tell())


def _painted(text: str, colour: str) -> str:
    return click.style(text, fg=colour)


@dataclass
class _Case:
    """One test of a file, and what it failed with; a file that cannot be read is one too."""

    name: str
    failures: Sequence[str]


@dataclass
class _Suite:
    """The tests of one file."""

    file: str
    cases: list[_Case] = field(default_factory=list)
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def failures(self) -> list[str]:
        """What failed, in the order of the file."""
        return [failure for case in self.cases for failure in case.failures]


class _Tests:
    """Runs files and remembers what came of them."""

    def __init__(self, wanted: Any, paint: Paint | None, *, any_field: bool, debug: bool) -> None:
        self._wanted = wanted
        self._paint = paint
        self._any_field = any_field
        self._debug = debug
        self._suites: list[_Suite] = []
        self._skipped = 0

    def run(self, name: str) -> None:
        """Run the tests of one file and tell what came of them."""
        click.echo(f"Unit Testing:  {name}")
        suite = _Suite(name)
        self._suites.append(suite)
        try:
            file = read_unit_tests(name, read_text(Path(name)))
            suite.cases += self._cases(file)
        except ConfigError as error:
            suite.cases.append(_Case("file", [f"    {problem}" for problem in error.problems]))
        if suite.failures:
            click.echo("  FAILED:\n" + "\n".join(suite.failures), err=True)
        else:
            click.echo("  SUCCESS")
        click.echo()

    def tell(self) -> int:
        """Say how many tests passed and return the exit code."""
        cases = [case for suite in self._suites for case in suite.cases]
        failed = sum(bool(case.failures) for case in cases)
        if self._skipped:
            click.echo(f"skipped {self._skipped}: no --run matches the name")
        click.echo(f"{len(cases) - failed} passed, {failed} failed")
        return 1 if failed else 0

    def junit(self) -> str:
        """Return the results as JUnit XML."""
        root = Element("testsuites")
        for suite in self._suites:
            failed = sum(bool(case.failures) for case in suite.cases)
            counts = {"tests": str(len(suite.cases)), "failures": str(failed), "errors": "0"}
            when = suite.began.strftime("%Y-%m-%dT%H:%M:%S")
            element = SubElement(root, "testsuite", {"name": suite.file, **counts, "timestamp": when})
            for case in suite.cases:
                test = SubElement(element, "testcase", {"name": case.name, "classname": suite.file})
                for failure in case.failures:
                    SubElement(test, "failure", {"message": "", "type": ""}).text = _xml_text(click.unstyle(failure))
        indent(root)
        return tostring(root, encoding="unicode") + "\n"

    def _cases(self, file: UnitTestFile) -> Iterator[_Case]:
        tests = [test for test in file.tests if self._wanted is None or self._wanted.search(test.name)]
        self._skipped += len(file.tests) - len(tests)
        groups = self._groups(file) if tests else ()
        for test in tests:
            yield _Case(test.title, self._failures(file, test, groups))

    def _groups(self, file: UnitTestFile) -> tuple[RuleGroup, ...]:
        files = [(str(path), read_text(path)) for path in _rule_files(file)]
        return load_rules(files, file.interval_ms, any_field=self._any_field)

    def _failures(self, file: UnitTestFile, test: UnitTest, groups: Sequence[RuleGroup]) -> Sequence[str]:
        began = time.monotonic()
        if self._debug:
            click.echo(f"DEBUG: Starting test {test.title}", err=True)
        run = UnitTestRun(file, test, groups)
        failures = [failure_text(file.name, test, failure, self._paint) for failure in run.failures()]
        if self._debug:
            click.echo("DEBUG: All series, given and recorded:\n" + "\n".join(run.series.lines()), err=True)
            took = time.monotonic() - began
            click.echo(f"DEBUG: Test {test.title} finished, took {took:.3f} s", err=True)
        return failures


def _rule_files(file: UnitTestFile) -> Sequence[Path]:
    """Return the rule files that `file` names, each once; a relative name starts at the folder of `file`."""
    folder = Path(file.name).parent
    found: dict[Path, None] = {}
    for pattern in file.rule_files:
        # A set of characters to leave out begins with `^` in Go, and names that begin with a dot are like any other.
        matches = sorted(glob(pattern.replace("[^", "[!"), root_dir=folder, include_hidden=True))
        if not matches:
            click.echo(f"  WARNING: no file match pattern {folder / pattern}", err=True)
        found |= dict.fromkeys(folder / match for match in matches)
    return list(found)


def _xml_text(text: str) -> str:
    """Return `text` without what XML cannot hold."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
