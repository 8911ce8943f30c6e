"""What the pages about spans say is so."""

import re

import pytest
import yaml

from sidecar.app.config import SidecarConfig
from sidecar.model.yaml.config import read_config
from sidecar.sketch.exponential import MOST_CODES, RELATIVE_ERROR
from sidecar.spans import calls
from sidecar.spans.config import SpansConfig
from sidecar.spans.latency import WINDOWS
from sidecar.spans.window.table import REMEMBERED
from sidecar.spans.window.window import WAIT_SECONDS
from tests.conftest import ROOT
from tests.unit.docs.test_examples import FENCED_YAML
from tests.unit.spans.pipelines import pipeline

PAGE = (ROOT / "docs/spans.md").read_text()
MIGRATING = (ROOT / "docs/migrating/spanmetrics.md").read_text()
BEFORE, AFTER = (
    yaml.safe_load((ROOT / f"deploy/migrating/spanmetrics-{when}.yaml").read_text()) for when in ("before", "after")
)


def families(names: str) -> dict[str, tuple[str, ...]]:
    """Return what all stages make under `names`, with the labels."""
    return {item.family.name: item.family.labels for item in pipeline(names=names).families(0.0)}


@pytest.mark.parametrize("names", ["default", "collector_ms", "tempo", "semconv"])
def test_every_metric_is_on_the_page_and_none_that_is_not_there(names: str) -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{names}` |"))
    found = {name for name in families(names) if not name.startswith(("sidecar_", "traces_service_graph_"))}
    assert set(re.findall(r"`([a-z_]+_(?:total|seconds|milliseconds|latency))`", row)) == found
    told = PAGE + "".join((ROOT / f"docs/{page}.md").read_text() for page in ("errors", "queries"))
    assert {name for name in families(names) if name.startswith("sidecar_") and name not in told} == set()


def test_attributes_on_the_page_are_all_that_are_read() -> None:
    table = PAGE[PAGE.index("| thing | attributes") : PAGE.index("Statements are not read")]
    unnamed = {*calls._UNNAMED}
    assert set(re.findall(r"`([a-z_.]+\.[a-z_.]+)`", table)) == (calls.INCOMING | calls.OUTGOING) - unnamed


def test_defaults_and_figures_on_the_page_are_those_of_the_code() -> None:
    config = SpansConfig()
    assert (config.apdex_seconds, config.slow_seconds, config.expire_after_seconds) == (0.5, 1.0, 25 * 3600)
    assert (config.max_series_per_service, config.max_services, config.max_samples) == (200, 10, 20_000)
    assert (RELATIVE_ERROR <= 0.011, REMEMBERED, WAIT_SECONDS) == (True, 4096, 60)
    assert [window.slice_seconds for window in WINDOWS.values()] == [10, 30, 300, 3600]
    assert 16 * MOST_CODES * (sum(window.slices for window in WINDOWS.values()) + len(WINDOWS)) < 60 * 2**20


def test_the_dimensions_on_the_page_load() -> None:
    (text,) = FENCED_YAML.findall(PAGE)
    config = read_config(SidecarConfig, "spans.md", text, {}).config
    assert [dimension.label for dimension in config.spans.dimensions] == ["deployment_environment_name", "app_tenant"]


def test_the_page_about_migrating_shows_what_the_files_say() -> None:
    before, after = (yaml.safe_load(text) for text in FENCED_YAML.findall(MIGRATING))
    assert before["connectors"] == BEFORE["connectors"]
    assert after == AFTER
