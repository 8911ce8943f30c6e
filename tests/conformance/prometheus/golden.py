"""Runs a promqltest script against a real Prometheus, and against a head that gets the samples batch by batch.

A case that Prometheus 2.42 answers in another way has the reason in a comment right above it: `# not 2.42: ...`.
"""

import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from sidecar.model.errors import QueryError
from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import METRIC_NAME, Labels, labels_of
from sidecar.model.matcher import Matcher, MatchOp
from sidecar.model.sample import SampleBatch
from sidecar.model.series import SeriesBlock, is_stale
from sidecar.promql.evaluate import evaluate_instant, evaluate_range
from sidecar.promql.parse import parse
from sidecar.promql.result import Result
from sidecar.promql.source import SeriesSource
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.head import Head
from tests.conformance.prometheus.answers import result_of
from tests.conformance.prometheus.server import Asked, PushedPrometheus
from tests.conformance.promql.expect import check
from tests.conformance.promql.report import Report
from tests.conformance.promql.script import Case, Clear, Load, read_script
from tests.conformance.promql.store import Store

Part = tuple[Store, list[tuple[Case, str]]]
"""What was loaded, and the cases over it with the reason why Prometheus 2.42 cannot be asked, if there is one."""
ALL = (Matcher(METRIC_NAME, MatchOp.REGEX, ".*"),)
FAMILY = Family("any", MetricType.UNTYPED, "Anything.")
DAY_MS = 86_400_000
_CASE = re.compile(r"(?:^# not 2\.42: (.*)\n)?^eval", re.MULTILINE)


def parts_of(path: Path) -> Iterator[Part]:
    """Yield what the script at `path` loads and asks, up to each `clear` and each `load` after a case."""
    reasons = iter(_CASE.findall(path.read_text()))
    store, cases = Store(), list[tuple[Case, str]]()
    for command in read_script(path):
        if isinstance(command, Case):
            cases.append((command, next(reasons)))
            continue
        if cases:
            yield store, cases
            cases = []
        if isinstance(command, Clear):
            store = Store()
        else:
            _load(store, command)
    yield store, cases


def run_on_prometheus(path: Path) -> Report:
    """Run the script at `path` against a real Prometheus, a new one for each part."""
    report = Report()
    for store, cases in parts_of(path):
        for _, reason in cases:
            report.skipped[reason] += bool(reason)
        askable = [case for case, reason in cases if not reason]
        if askable:
            _ask_prometheus(store, askable, report)
    return report


def run_on_head(path: Path) -> Report:
    """Run the script at `path` on a head in which series with the same times are one source."""
    report = Report()
    for store, cases in parts_of(path):
        head = head_of(store)
        for case, _ in cases:
            report.record(case.query, _outcome(case, partial(_evaluated, case, head)))
    return report


def head_of(store: Store) -> Head:
    """Return a head with the samples of `store`; a marker is written by leaving the series out of a batch."""
    head = Head(HeadConfig(retention_seconds=7 * 86_400))
    batches: dict[int, list[tuple[int, list[Sample]]]] = defaultdict(list)
    for number, block in enumerate(_blocks(store)):
        ended = is_stale(block.values)
        for column, time_ms in enumerate(block.times.tolist()):
            rows = zip(block.labels, block.values[:, column].tolist(), ended[:, column].tolist(), strict=True)
            batches[time_ms].append((number, [_sample(labels, value) for labels, value, end in rows if not end]))
    for time_ms, parts in sorted(batches.items()):
        for number, samples in parts:
            head.accept(SampleBatch(f"source/{number}", time_ms, (), [FamilySamples(FAMILY, samples)]))
    return head


def _load(store: Store, command: Load) -> None:
    for labels, points in command.series:
        store.add(labels, points)


def _blocks(store: Store) -> list[SeriesBlock]:
    return list(store.select(ALL, -DAY_MS, 7 * DAY_MS))


def _sample(labels: Labels, value: float) -> Sample:
    return Sample(dict(labels)[METRIC_NAME], labels_of(pair for pair in labels if pair[0] != METRIC_NAME), value)


def _ask_prometheus(store: Store, cases: list[Case], report: Report) -> None:
    with tempfile.TemporaryDirectory() as directory, PushedPrometheus(Path(directory)) as prometheus:
        prometheus.push(_blocks(store))
        with closing(Asked(prometheus.port)) as asked:
            for case in cases:
                report.record(case.query, _outcome(case, partial(_answered, case, asked)))


def _outcome(case: Case, ask: Callable[[], Result]) -> str:
    """Return what is wrong with the answer, or an empty text."""
    try:
        result = ask()
    except QueryError as error:
        return "" if case.fails else str(error)
    return "no error" if case.fails else check(case, result)


def _evaluated(case: Case, source: SeriesSource) -> Result:
    expr = parse(case.query)
    if case.step_ms:
        return evaluate_range(expr, source, case.start_ms, case.end_ms, case.step_ms)
    return evaluate_instant(expr, source, case.start_ms)


def _answered(case: Case, asked: Asked) -> Result:
    if case.step_ms:
        asked.range(case.query, case.start_ms, case.end_ms, case.step_ms)
    else:
        asked.instant(case.query, case.start_ms)
    return result_of(asked.answer())
