"""Coming from spanmetrics: the sidecar after makes what the collector made before."""

import re
from typing import Any

import pytest
import yaml

from sidecar.app.config import SidecarConfig
from sidecar.model.yaml.config import read_config
from tests.conftest import ROOT
from tests.unit.spans.pipelines import pipeline, shown

MIGRATING = (ROOT / "docs/migrating/spanmetrics.md").read_text()
BEFORE, AFTER = (
    yaml.safe_load((ROOT / f"deploy/migrating/spanmetrics-{when}.yaml").read_text()) for when in ("before", "after")
)
CONNECTOR = BEFORE["connectors"]["spanmetrics"]
SECONDS = {"ms": 0.001, "s": 1, "h": 3600}


def seconds(duration: str) -> float:
    number, unit = re.fullmatch(r"(\d+)([a-z]+)", duration).groups()  # type: ignore[union-attr] # the file is ours
    return float(number) * SECONDS[unit]


def test_the_sidecar_after_makes_what_the_collector_made_before(span_of: Any, batch_of: Any, values_of: Any) -> None:
    config = read_config(SidecarConfig, "after", yaml.safe_dump(AFTER), {}).config
    spans = config.spans
    assert spans.buckets_seconds == tuple(map(seconds, CONNECTOR["histogram"]["explicit"]["buckets"]))
    assert [{"name": item.name, "default": item.default} for item in spans.dimensions] == [
        {"default": None, **dimension} for dimension in CONNECTOR["dimensions"]
    ]
    assert spans.expire_after_seconds == seconds(CONNECTOR["metrics_expiration"])
    assert set(spans.kinds) == {"server", "client", "producer", "consumer", "internal"}
    assert str(config.pod.listen) == BEFORE["exporters"]["prometheus"]["endpoint"]
    assert str(config.otlp.http.listen) == BEFORE["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    subject = pipeline(**AFTER["spans"])
    subject.accept(batch_of(span_of(kind="INTERNAL", seconds=0.2)))
    found = values_of(
        shown(subject, 1000.0),
        "traces_span_metrics_duration_milliseconds_bucket",
        "http_request_method",
        "deployment_environment_name",
        "le",
    )
    bounds = ("10", "100", "250", "1000", "5000", "+Inf")
    assert found == {("GET", "", bound): value for bound, value in zip(bounds, (0, 0, 1, 1, 1, 1), strict=True)}


@pytest.mark.parametrize(
    ("settings", "counter"),
    [
        ({"names": "collector_ms"}, "traces_span_metrics_calls_total"),
        ({"names": "collector_ms", "namespace": ""}, "calls_total"),
        ({"namespace": "my.ns"}, "my_ns_calls_total"),
        ({"names": "tempo"}, "traces_spanmetrics_calls_total"),
    ],
)
def test_names_that_dashboards_ask_for_are_those_of_the_table(
    span_of: Any, batch_of: Any, settings: dict[str, str], counter: str
) -> None:
    subject = pipeline(**settings)
    subject.accept(batch_of(span_of()))
    assert counter in {item.family.name for item in shown(subject, 1000.0) if item.samples}
    assert f"`{counter}`" in MIGRATING
