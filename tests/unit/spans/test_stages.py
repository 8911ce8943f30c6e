"""What every span stage keeps to."""

from typing import Any

import numpy as np
import pytest

from sidecar.model.family import MetricType
from sidecar.spans.config import SpansConfig
from sidecar.spans.series import Budget
from sidecar.spans.shape import ObservedSpans
from sidecar.spans.stages import STAGES


@pytest.fixture(params=STAGES, ids=lambda stage: stage.__name__)
def stage(request: pytest.FixtureRequest) -> Any:
    return request.param(SpansConfig(), Budget(20_000))


def test_a_stage_without_spans_declares_its_families_and_has_dropped_nothing(stage: Any) -> None:
    families = {item.family.name: item for item in stage.samples(1000.0)}
    assert [sample.value for sample in families.pop("sidecar_spans_overflowed_total").samples] == [0]
    assert families
    assert not any(item.samples for item in families.values())


def test_a_stage_takes_an_empty_batch(stage: Any) -> None:
    stage.feed(ObservedSpans(1000.0, [], np.empty(0, np.int64), np.empty(0), []))
    assert all(item.family.help for item in stage.samples(1000.0))


def test_a_stages_families_are_named_by_the_rules(stage: Any) -> None:
    for item in stage.samples(1000.0):
        name = item.family.name
        assert name.startswith(("sidecar_", "traces_span_metrics_"))
        assert name.endswith("_total" if item.family.type == MetricType.COUNTER else "_seconds")
