"""The page about the app's own metrics shows configurations that load, and limits that are so."""

from sidecar.app.config import SidecarConfig
from sidecar.collect.app.parse import MAX_LINE_CHARACTERS
from sidecar.model.yaml.config import read_config
from tests.conftest import ROOT
from tests.unit.docs.test_examples import FENCED_YAML

PAGE = (ROOT / "docs/app-metrics.md").read_text()


def test_every_configuration_on_the_page_loads() -> None:
    configs = [read_config(SidecarConfig, "app-metrics.md", text, {}).config for text in FENCED_YAML.findall(PAGE)]
    assert [config.app_metrics[0].merge for config in configs] == [True, False]


def test_the_length_of_a_line_is_the_one_on_the_page() -> None:
    assert f"longer than {MAX_LINE_CHARACTERS} characters" in PAGE
