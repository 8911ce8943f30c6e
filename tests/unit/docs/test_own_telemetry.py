"""The page about the sidecar's own telemetry: configurations that load, and the names that are really sent."""

import ast

from prometheus_client import CollectorRegistry

from sidecar.app.config import SidecarConfig
from sidecar.deliver.telemetry.component import OwnTelemetry, Surroundings
from sidecar.deliver.telemetry.config import TelemetryConfig
from sidecar.model.yaml.config import read_config
from sidecar.runtime.meter import Meter
from sidecar.runtime.tracing import SwitchedTracing
from tests.conftest import ROOT
from tests.fakes import FakeClock, RecordedEvents
from tests.unit.docs.test_examples import FENCED_YAML

PAGE = (ROOT / "docs/own-telemetry.md").read_text()
TRACED = ("collect/runner.py", "jobs/evaluate.py", "deliver/alertmanager/sender.py")


def test_every_configuration_on_the_page_loads() -> None:
    env = {"COLLECTOR_TOKEN": "t"}
    configs = [read_config(SidecarConfig, "page.md", text, env).config for text in FENCED_YAML.findall(PAGE)]
    assert [config.telemetry.protocol for config in configs] == ["http/protobuf", "grpc"]


def test_the_page_has_every_attribute_of_the_spans_and_no_other() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith(("| `scrape", "| `evaluate", "| `deliver"))]
    told = {word for row in rows for word in row.split("`")[1::2] if "." in word}
    made = {name for path in TRACED for name in dotted_strings((ROOT / "sidecar" / path).read_text())}
    assert told == made


def dotted_strings(source: str) -> set[str]:
    """Return the keys of dictionaries that look like the names of attributes."""
    keys = (key for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Dict) for key in node.keys)
    names = {key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
    return {name for name in names if "." in name}


def test_the_page_has_every_metric_about_telemetry() -> None:
    registry = CollectorRegistry()
    around = Surroundings(FakeClock(), Meter(registry), RecordedEvents(), SwitchedTracing(), 0.0)
    OwnTelemetry(TelemetryConfig(endpoint="http://h"), {}, around)
    names = {family.name + ("_total" if family.type == "counter" else "") for family in registry.collect()}
    assert len(names) == 4
    assert [name for name in names if f"| `{name}` |" not in PAGE] == []
