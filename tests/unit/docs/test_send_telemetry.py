"""The lines on the page for senders: known names, endpoints that fit the protocol, and an SDK that heeds them."""

import asyncio
import os
import re
import sys

import opentelemetry.environment_variables as api_variables
import opentelemetry.sdk.environment_variables as sdk_variables
import pytest
import yaml

from sidecar.app.config import SidecarConfig
from sidecar.model.yaml.config import read_config
from sidecar.receive.otlp.config import OtlpConfig
from tests.conftest import ROOT
from tests.unit.deliver.telemetry.receiving import receiver
from tests.unit.docs.test_examples import FENCED_YAML

PAGE = (ROOT / "docs/send-telemetry.md").read_text()
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
LANGUAGES = ("Python", "Java", "Node", "Go")
STARTERS = {"JAVA_TOOL_OPTIONS", "NODE_OPTIONS"}
"""Variables of the language itself, that load the agent."""
OF_PYTHON = {"OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED", "OTEL_PYTHON_EXCLUDED_URLS"}
KNOWN = {name for module in (api_variables, sdk_variables) for name in vars(module)} | OF_PYTHON
PORTS = {"http/protobuf": 4318, "grpc": 4317}


def lines_of(section: str) -> dict[str, str]:
    """Return the variables that a section sets."""
    (block,) = re.findall(r"^```sh\n(.*?)^```", SECTIONS[section], re.MULTILINE | re.DOTALL)
    pairs = (line.partition("=") for line in block.splitlines() if not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def test_every_variable_on_the_page_is_one_that_sdks_know() -> None:
    assert set(re.findall(r"OTEL_[A-Z_]+[A-Z]", PAGE)) - KNOWN == set()


@pytest.mark.parametrize("section", [*LANGUAGES, "By gRPC"])
def test_endpoint_and_protocol_fit_and_all_three_signals_are_sent(section: str) -> None:
    lines = lines_of(section)
    protocol = lines["OTEL_EXPORTER_OTLP_PROTOCOL"]
    assert lines["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://127.0.0.1:{PORTS[protocol]}"
    exporters = {name: value for name, value in lines.items() if name.endswith("_EXPORTER")}
    assert exporters == dict.fromkeys(("OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_LOGS_EXPORTER"), "otlp")


def test_only_what_loads_the_agent_differs_from_language_to_language() -> None:
    blocks = [
        {name: value for name, value in lines_of(section).items() if name not in STARTERS} for section in LANGUAGES
    ]
    assert blocks == [blocks[0]] * len(LANGUAGES)


def test_the_ports_are_those_where_the_sidecar_listens() -> None:
    assert OtlpConfig().http.listen == ("127.0.0.1", PORTS["http/protobuf"])
    assert OtlpConfig().grpc.listen == ("127.0.0.1", PORTS["grpc"])


def test_what_kubernetes_sets_is_what_the_lines_say_and_the_configuration_for_compose_loads() -> None:
    kubernetes, compose = FENCED_YAML.findall(PAGE)
    entries = {entry["name"]: entry.get("value") for entry in yaml.safe_load(kubernetes)["env"]}
    assert entries == lines_of("Go") | {"OTEL_SERVICE_NAME": None}
    assert read_config(SidecarConfig, "page.md", compose, {}).config.otlp.http.listen == ("0.0.0.0", 4318)


APP = """
from opentelemetry import metrics, trace
from opentelemetry._logs import get_logger
from opentelemetry.sdk._configuration import _OTelSDKConfigurator

_OTelSDKConfigurator().configure()  # what opentelemetry-instrument runs
with trace.get_tracer("app").start_as_current_span("GET /orders", kind=trace.SpanKind.SERVER):
    metrics.get_meter("app").create_counter("orders").add(1)
    get_logger("app").emit(body="an order")
"""


async def test_a_python_app_with_the_lines_of_the_page_sends_all_three_signals() -> None:
    async with receiver() as received:
        lines = lines_of("Python")
        base, _, _ = received.url.rpartition("/")
        env = lines | {"OTEL_EXPORTER_OTLP_ENDPOINT": lines["OTEL_EXPORTER_OTLP_ENDPOINT"].replace(PAGE_BASE, base)}
        app = await asyncio.create_subprocess_exec(sys.executable, "-c", APP, env={"PATH": os.environ["PATH"], **env})
        assert await app.wait() == 0
    assert sorted(received.paths) == ["/v1/logs", "/v1/metrics", "/v1/traces"]
    assert [span.name for span in received.spans] == ["GET /orders"]


PAGE_BASE = "http://127.0.0.1:4318"
