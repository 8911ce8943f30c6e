"""What the page about traces says is so."""

from sidecar.app.config import SidecarConfig
from sidecar.model.yaml.config import read_config
from sidecar.spans.traces.config import TracesConfig
from sidecar.spans.traces.counts import Dropped, NotStored, Reason
from tests.conftest import ROOT
from tests.unit.docs.test_examples import FENCED_YAML

PAGE = (ROOT / "docs/traces.md").read_text()


def test_the_defaults_are_those_of_the_page() -> None:
    (shown,) = FENCED_YAML.findall(PAGE)
    assert read_config(SidecarConfig, "traces.md", shown, {}).config.traces == TracesConfig()
    assert all(f"  {name}:" in shown for name in TracesConfig.model_fields)


def test_every_reason_has_its_line() -> None:
    lines = {line.split("|")[1].strip() for line in PAGE.splitlines() if line.startswith("| `")}
    assert {f"`{reason}`" for reason in (*Reason, *Dropped, *NotStored)} <= lines
