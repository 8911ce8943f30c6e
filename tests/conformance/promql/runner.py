"""Runs promqltest cases with the rules of upstream's runner.

An instant case is also asked with every selector pinned by `@` to the evaluation time, at five other times, and as the
middle step of a range query. Names are removed at the end of the evaluation, as upstream's runner does; a server
removes them at once.
"""

import json
import re
from dataclasses import replace
from pathlib import Path

from sidecar.model.errors import QueryError
from sidecar.promql.ast import Expr, MatrixSelector, QueryStep, Subquery, VectorSelector, walk
from sidecar.promql.evaluate import evaluate_instant, evaluate_range
from sidecar.promql.options import Options
from sidecar.promql.parse import parse
from sidecar.promql.result import Scalar, Vector
from sidecar.promql.source import SeriesSource
from tests.conformance.promql.expect import check, difference, points_of
from tests.conformance.promql.native import NativeHistogramError, RefusingStore
from tests.conformance.promql.pin import pinned
from tests.conformance.promql.report import Report
from tests.conformance.promql.script import Case, Clear, Load, read_script
from tests.conformance.promql.store import Store

NATIVE = "native histograms"
START_TIMESTAMPS = "start timestamps in the data"
UPSTREAM = Options(max_samples=10_000_000, delayed_name_removal=True)
SERVER = replace(UPSTREAM, delayed_name_removal=False)
MINUTE = 60_000


def run_script(path: Path, options: Options = UPSTREAM) -> Report:
    """Run the script at `path`; core.json beside it lists cases that may not be skipped."""
    report = Report()
    try:
        commands = read_script(path)
    except ValueError as error:
        report.record(path.name, f"not understood: {error}")
        return report
    run = _Run(options, core_cases(path), report)
    for command in commands:
        if isinstance(command, Clear):
            run.clear()
        elif isinstance(command, Load):
            run.load(command)
        else:
            run.case(command)
    return report


def core_cases(path: Path) -> set[tuple[str, int]]:
    listing = path.parent / "core.json"
    return {(file, line) for file, line in json.loads(listing.read_text())} if listing.is_file() else set()


class _Run:
    """One script: the series loaded so far, and the counts."""

    def __init__(self, options: Options, core: set[tuple[str, int]], report: Report) -> None:
        self._options = options
        self._core = core
        self._report = report
        self.clear()

    def clear(self) -> None:
        self._store = Store()
        self._refusing = RefusingStore(self._store)
        self._started: set[str] = set()

    def load(self, load: Load) -> None:
        self._started |= load.started
        for labels, points in load.series:
            self._store.add(labels, points)
        for labels, times in load.native:
            self._refusing.add(labels, times)

    def case(self, case: Case) -> None:
        core = (case.file, case.line) in self._core
        problem, reason = self._judged(case, self._store)
        if problem:  # perhaps for want of native histograms: those refused, a wrong answer becomes an error
            problem, reason = self._judged(case, self._refusing)
        if problem and reason and not core:
            self._report.skipped[reason] += 1
        else:
            self._report.record(f"{case.file}:{case.line}: {case.query[:110]}", problem)

    def _judged(self, case: Case, source: SeriesSource) -> tuple[str, str]:
        """Return what is wrong with the answer and why that is no failure; empty texts if nothing is."""
        try:
            return self._outcome(case, source), self._left_out(case)
        except NativeHistogramError as error:
            return str(error), NATIVE
        except QueryError as error:
            problem = str(error)
            return problem, f"refused: {_reason(problem)}" if "is not supported" in problem else ""
        except Exception as error:  # noqa: BLE001 # a crash is the failure of this case, and the next ones are run
            return f"crashed: {error!r}", ""

    def _left_out(self, case: Case) -> str:
        """Return why a wrong answer to `case` is no failure, or an empty text."""
        if any("{{" in line for line in case.lines):
            return NATIVE
        return START_TIMESTAMPS if self._started & set(re.findall(r"[\w:]+", case.query)) else ""

    def _outcome(self, case: Case, source: SeriesSource) -> str:
        """Return what is wrong with the answer; raises QueryError when an answer was expected and none came."""
        if case.fails:
            try:
                self._ask(case, parse(case.query), source)
            except QueryError:
                return ""
            return "no error"
        expr = parse(case.query)
        problem = self._ask(case, expr, source)
        return problem or (self._repeated(case, expr, source) if not case.step_ms else "")

    def _ask(self, case: Case, expr: Expr, source: SeriesSource) -> str:
        if case.step_ms:
            steps = (case.start_ms, case.end_ms, case.step_ms)
            return check(case, evaluate_range(expr, source, *steps, self._options))
        return check(case, evaluate_instant(expr, source, case.start_ms, self._options))

    def _repeated(self, case: Case, expr: Expr, source: SeriesSource) -> str:
        return self._pinned(case, expr, source) or self._as_range(case, expr, source)

    def _pinned(self, case: Case, expr: Expr, source: SeriesSource) -> str:
        at = case.start_ms
        moved = pinned(expr, at)
        for time in (-10 * at, 0, at // 5, at, 10 * at):
            if moved is None:
                break
            answer = evaluate_instant(moved, source, time, self._options)
            if isinstance(answer, Vector | Scalar):
                answer = replace(answer, time_ms=at)
            if problem := check(case, answer):
                return f"pinned, at {time}: {problem}"
        return ""

    def _as_range(self, case: Case, expr: Expr, source: SeriesSource) -> str:
        at = case.start_ms
        answer = evaluate_instant(expr, source, at, self._options)
        if case.ordered or not isinstance(answer, Vector | Scalar) or _reads_the_step(expr):
            return ""
        matrix = points_of(evaluate_range(expr, source, at - MINUTE, at + MINUTE, MINUTE, self._options))
        middle = {labels: {at: points[at]} for labels, points in matrix.items() if at in points}
        problem = difference(points_of(answer), middle)
        return f"as a range query: {problem}" if problem else ""


def _reads_the_step(expr: Expr) -> bool:
    """Return whether an offset is the query's step, which a range query has and an instant query has not."""
    selectors = (node.selector if isinstance(node, MatrixSelector) else node for node in walk(expr))
    return any(isinstance(node, VectorSelector | Subquery) and node.offset is QueryStep.STEP for node in selectors)


def _reason(message: str) -> str:
    return re.sub(r"^\d+:\d+: parse error: ", "", message)[:90]
