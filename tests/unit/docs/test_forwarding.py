"""What the page about forwarding shows is what works."""

import re

import pytest

from scripts.metrics_reference import own_families
from sidecar.app.config import SidecarConfig
from sidecar.deliver import otlp_grpc, otlp_http
from sidecar.deliver.forward_meters import DROPS, FAILURES
from sidecar.model.yaml.config import read_config
from sidecar.rules.load import load_rules
from tests.conftest import ROOT
from tests.unit.docs.test_examples import FENCED_YAML

PAGE = (ROOT / "docs/forwarding.md").read_text()
SHORT, LONG, MASKED, RULES = FENCED_YAML.findall(PAGE)


@pytest.mark.parametrize("text", [SHORT, LONG, MASKED])
def test_the_configurations_load(text: str) -> None:
    assert read_config(SidecarConfig, "forwarding.md", text, {}).config.forward.endpoint


def test_the_rules_load_and_ask_for_metrics_that_there_are() -> None:
    (group,) = load_rules([("forwarding.md", RULES)], 60_000)
    assert len(group.rules) == 2
    known = {family.name for family in own_families()} | {f"{family.name}_total" for family in own_families()}
    named = set(re.findall(r"sidecar_otlp_forward_\w+", PAGE))
    assert named - known == set()


def test_every_reason_is_explained() -> None:
    assert [reason for reason in (*DROPS, *FAILURES) if f"`{reason}`" not in PAGE] == []


def test_every_code_that_is_tried_again_is_named() -> None:
    (line,) = (line for line in PAGE.splitlines() if line.startswith("| says 429"))
    names = {str(status) for status in otlp_http.RETRYABLE} | {code.name for code in otlp_grpc.RETRYABLE}
    assert [name for name in names if name not in line] == []
    assert set(re.findall(r"[A-Z_]{5,}", line)) == {code.name for code in otlp_grpc.RETRYABLE} | {"RESOURCE_EXHAUSTED"}
