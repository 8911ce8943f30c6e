"""Heads filled from short descriptions, and answers in short form."""

from collections.abc import Mapping, Sequence

from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import METRIC_NAME, labels_of
from sidecar.model.sample import SampleBatch
from sidecar.promql.evaluate import evaluate_instant, evaluate_range
from sidecar.promql.options import Options
from sidecar.promql.parse import parse
from sidecar.promql.result import Scalar, Vector
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.head import Head
from tests.conformance.promql.notation import parse_series, parse_values

FAMILY = Family("x", MetricType.GAUGE, "A number.")


def head_of(series: Mapping[str, str], step_ms: int = 60_000) -> Head:
    """Return a head with one source; `series` is promqltest's notation, `stale` is what leaving a batch out does."""
    head = Head(HeadConfig(retention_seconds=86_400))
    rows = [(parse_series(name)[0], parse_values(values)) for name, values in series.items()]
    for column in range(max(len(values) for _, values in rows)):
        samples = [
            Sample(dict(labels)[METRIC_NAME], labels_of(p for p in labels if p[0] != METRIC_NAME), value)
            for labels, values in rows
            if column < len(values) and (value := values[column]) is not None
        ]
        head.accept(SampleBatch("app", column * step_ms, (), [FamilySamples(FAMILY, samples)]))
    return head


def ask(head: Head, query: str, minutes: float, options: Options = Options()) -> dict[str, float]:  # noqa: B008
    """Return the samples of an instant vector by their labels as text."""
    answer = evaluate_instant(parse(query), head, round(minutes * 60_000), options)
    assert isinstance(answer, Vector)
    return {text(sample.labels): sample.value for sample in answer.samples}


def number(query: str, head: Head | None = None, minutes: float = 0) -> float:
    """Return a scalar."""
    answer = evaluate_instant(parse(query), head or Head(HeadConfig()), round(minutes * 60_000))
    assert isinstance(answer, Scalar)
    return answer.value


def ask_range(head: Head, query: str, minutes: Sequence[float]) -> dict[str, list[tuple[float, float]]]:
    """Return [(minute, value)] of each series at `minutes`, which are evenly spaced."""
    start, end = round(minutes[0] * 60_000), round(minutes[-1] * 60_000)
    step = round((minutes[1] - minutes[0]) * 60_000)
    series = evaluate_range(parse(query), head, start, end, step).series
    return {
        text(item.labels): [(ms / 60_000, value) for ms, value in zip(item.times, item.values.tolist(), strict=True)]
        for item in series
    }


def text(labels: Sequence[tuple[str, str]]) -> str:
    """Return labels as `name{a=b}`."""
    name = dict(labels).get(METRIC_NAME, "")
    rest = ",".join(f"{key}={value}" for key, value in labels if key != METRIC_NAME)
    return f"{name}{{{rest}}}" if rest or not name else name
