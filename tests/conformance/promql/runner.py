"""Runs promqltest cases with the rules of upstream's runner.

An instant case is also asked with every selector pinned by `@` to the evaluation time, at five other times, and as the
middle step of a range query.
"""

import json
import re
from dataclasses import replace
from pathlib import Path

from sidecar.model.errors import QueryError
from sidecar.promql.ast import Expr
from sidecar.promql.evaluate import evaluate_instant, evaluate_range
from sidecar.promql.options import Options
from sidecar.promql.parse import parse
from sidecar.promql.result import Scalar, Vector
from tests.conformance.promql.expect import check, difference, points_of
from tests.conformance.promql.pin import pinned
from tests.conformance.promql.report import Report
from tests.conformance.promql.script import Case, Clear, Load, read_script
from tests.conformance.promql.store import Store

NATIVE = "native histograms"
DELAYED_NAME_REMOVAL = {("name_label_dropping.test", line) for line in (64, 69, 89, 115, 123)}
"""Cases that differ between a server's default and the option, which we do not have yet."""
OPTIONS = Options(max_samples=10_000_000)
MINUTE = 60_000


def run_script(path: Path) -> Report:
    """Run the script at `path`; core.json beside it lists cases that may not be skipped."""
    report, store, native = Report(), Store(), set[str]()
    core = core_cases(path)
    for command in read_script(path):
        if isinstance(command, Clear):
            store, native = Store(), set()
        elif isinstance(command, Load):
            native |= command.native
            for labels, points in command.series:
                store.add(labels, points)
        else:
            _run_case(command, store, native, report, (command.file, command.line) in core)
    return report


def core_cases(path: Path) -> set[tuple[str, int]]:
    listing = path.parent / "core.json"
    return {(file, line) for file, line in json.loads(listing.read_text())} if listing.is_file() else set()


def _run_case(case: Case, store: Store, native: set[str], report: Report, core: bool) -> None:
    where, reason = f"{case.file}:{case.line}: {case.query[:110]}", unsupported(case, native)
    try:
        problem = NATIVE if reason == NATIVE else _outcome(case, store)
    except QueryError as error:
        problem = str(error)
        if error.kind == "bad_data" and not core:
            reason = reason or f"refused: {_reason(problem)}"
    if problem and reason:
        report.skipped[reason] += 1
    else:
        report.record(where, problem)


def unsupported(case: Case, native: set[str]) -> str:
    """Return why a wrong answer to `case` is no failure, or an empty text."""
    if (case.file, case.line) in DELAYED_NAME_REMOVAL:
        return "delayed name removal"
    if any("{{" in line for line in case.lines):
        return NATIVE
    words = set(re.findall(r"[\w:]+", case.query))
    touched = words & native or (native and "__name__=~" in case.query)
    return "native histograms or start timestamps in the data" if touched else ""


def _reason(message: str) -> str:
    return re.sub(r"^\d+:\d+: parse error: ", "", message)[:90]


def _outcome(case: Case, store: Store) -> str:
    """Return what is wrong with the answer; raises QueryError when an answer was expected and none came."""
    if case.fails:
        try:
            _ask(case, parse(case.query), store)
        except QueryError:
            return ""
        return "no error"
    expr = parse(case.query)
    problem = _ask(case, expr, store)
    return problem or (_repeated(case, expr, store) if not case.step_ms else "")


def _ask(case: Case, expr: Expr, store: Store) -> str:
    if case.step_ms:
        return check(case, evaluate_range(expr, store, case.start_ms, case.end_ms, case.step_ms, OPTIONS))
    return check(case, evaluate_instant(expr, store, case.start_ms, OPTIONS))


def _repeated(case: Case, expr: Expr, store: Store) -> str:
    at = case.start_ms
    moved = pinned(expr, at)
    for time in (-10 * at, 0, at // 5, at, 10 * at):
        if moved is None:
            break
        answer = evaluate_instant(moved, store, time, OPTIONS)
        if isinstance(answer, Vector | Scalar):
            answer = replace(answer, time_ms=at)
        if problem := check(case, answer):
            return f"pinned, at {time}: {problem}"
    answer = evaluate_instant(expr, store, at, OPTIONS)
    if case.ordered or not isinstance(answer, Vector | Scalar):
        return ""
    matrix = points_of(evaluate_range(expr, store, at - MINUTE, at + MINUTE, MINUTE, OPTIONS))
    middle = {labels: {at: points[at]} for labels, points in matrix.items() if at in points}
    problem = difference(points_of(answer), middle)
    return f"as a range query: {problem}" if problem else ""
