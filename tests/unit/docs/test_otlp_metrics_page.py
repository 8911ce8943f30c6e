"""The page about received metrics says limits, reasons and names that are so."""

import re

from sidecar.app.config import SidecarConfig
from sidecar.codec.otlp.severity import SEVERITIES
from sidecar.logs.config import OtlpLogsConfig
from sidecar.metrics.config import OtlpMetricsConfig
from sidecar.metrics.layout import Layout
from sidecar.metrics.points import MOST_BUCKETS, Exponential
from sidecar.metrics.refused import Refused
from sidecar.metrics.stream import MOST_NAME_CHARACTERS
from sidecar.model.yaml.config import read_config
from tests.conftest import ROOT
from tests.unit.docs.test_examples import FENCED_YAML

PAGE = (ROOT / "docs/otlp-metrics.md").read_text()


def test_the_configuration_on_the_page_loads() -> None:
    (text,) = FENCED_YAML.findall(PAGE)
    config = read_config(SidecarConfig, "page", text, {}).config
    assert config.otlp.metrics.promote_resource_attributes == ("service.name", "service.instance.id")


def test_limits_are_those_on_the_page() -> None:
    settings = OtlpMetricsConfig()
    found = dict(re.findall(r"^\| `(max_\w+)` \| (\d+) \|", PAGE, re.MULTILINE))
    assert found == {name: str(getattr(settings, name)) for name in OtlpMetricsConfig.model_fields if "max_" in name}
    assert f"`exponential_buckets`\n({settings.exponential_buckets})" in PAGE
    assert f"takes {settings.exponential_buckets + 3} from the start" in PAGE
    assert f"`expire_seconds` ({settings.expire_seconds / 60:g} minutes)" in PAGE
    assert f"over {MOST_BUCKETS} buckets" in PAGE
    assert f"over {MOST_NAME_CHARACTERS} characters" in PAGE
    assert f"`max_services` ({OtlpLogsConfig().max_services})" in PAGE


def test_every_reason_and_severity_is_explained() -> None:
    explained = set(re.findall(r"^\| `(\w+)` \| ", PAGE, re.MULTILINE))
    assert explained == set(Refused)
    assert all(f"`{severity}`" in PAGE for severity in SEVERITIES)


def test_the_example_of_a_latency_has_as_many_buckets_as_the_page_says() -> None:
    layout = Layout(OtlpMetricsConfig().exponential_buckets)
    layout.include(Exponential(3, {-80: 1, 26: 1}, {}, 0, 0.0, None))
    assert f"from 1 ms to 10 s has {len(layout.bounds)}" in PAGE.replace("\n", " ")
