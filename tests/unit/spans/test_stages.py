"""What every span stage keeps to."""

from typing import Any

import numpy as np
import pytest

from sidecar.app.registry import SPAN_STAGES
from sidecar.derive.limits import Budget
from sidecar.model.family import MetricType
from sidecar.spans.config import SpansConfig
from sidecar.spans.context import StageContext
from sidecar.spans.insights import Insights
from sidecar.spans.queries.config import NPlusOneConfig
from sidecar.spans.shape import ObservedSpans
from sidecar.spans.window.window import Window

LOSSES = {
    "sidecar_spans_overflowed_total",
    "sidecar_latency_coarsened_total",
    "sidecar_endpoint_db_calls_unattributed_total",
}
EMPTY = ObservedSpans(1000.0, [], np.empty(0, np.int64), np.empty(0), np.empty(0, np.bool_), weights=None)


@pytest.fixture(params=["default", "collector_ms", "tempo", "semconv"])
def names(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=SPAN_STAGES, ids=lambda stage: stage.__name__)
def stage(request: pytest.FixtureRequest, names: str) -> Any:
    config = SpansConfig.model_validate({"names": names})
    return request.param(StageContext(config, Budget(20_000), Insights(), Window(NPlusOneConfig)))


def test_a_stage_without_spans_declares_its_families_and_has_lost_nothing(stage: Any) -> None:
    given = list(stage.samples(1000.0))
    lost = [sample.value for item in given if item.family.name in LOSSES for sample in item.samples]
    assert lost
    assert not any(lost)
    others = [item for item in given if item.family.name not in LOSSES]
    assert others
    assert not any(sample.value for item in others for sample in item.samples)


def test_a_stage_takes_an_empty_batch(stage: Any) -> None:
    stage.feed(EMPTY)
    assert all(item.family.help for item in stage.samples(1000.0))


def test_a_stages_families_are_named_by_the_rules(stage: Any, names: str) -> None:
    units = {
        MetricType.COUNTER: "_total",
        MetricType.HISTOGRAM: ("_seconds", "_milliseconds") if names == "collector_ms" else ("_seconds", "_latency"),
        MetricType.SUMMARY: "_seconds",
        MetricType.GAUGE: ("_per_second", "_ratio", "_per_request", "_groups"),
    }
    for item in stage.samples(1000.0):
        assert item.family.name.endswith(units[item.family.type])
        if names == "default":
            assert item.family.name.startswith(("sidecar_", "traces_span_metrics_", "traces_service_graph_"))
