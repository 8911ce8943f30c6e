"""What the page about alerting shows is what works."""

import re
from pathlib import Path
from typing import get_args

import pytest

from scripts.metrics_reference import own_families
from sidecar.app.build import build_parts, build_stores
from sidecar.app.config import SidecarConfig
from sidecar.app.files import load_good_files
from sidecar.app.foundation import lay_foundation
from sidecar.app.source import ConfigSource
from sidecar.deliver.relabel import Relabelling
from sidecar.deliver.relabel_config import Action
from sidecar.model.yaml.config import read_config
from tests.conftest import ROOT
from tests.fakes import FakeClock
from tests.unit.docs.test_examples import FENCED_YAML

PAGE = (ROOT / "docs/alerting.md").read_text()
CONFIGS = FENCED_YAML.findall(PAGE)


@pytest.mark.parametrize("text", CONFIGS)
def test_every_configuration_becomes_parts(text: str, tmp_path: Path) -> None:
    path = tmp_path / "sidecar.yaml"
    path.write_text(text)
    source = ConfigSource(path, {})
    located = source.read()
    files = load_good_files(source, located)
    base = lay_foundation(located.config, FakeClock())
    parts = build_parts(located.config, files, source, build_stores(located.config, base), base)
    made = [part.make() for part in parts if part.name.startswith("alertmanager/")]
    assert len(made) == len(located.config.alertmanagers)
    assert bool(files.rules) is located.config.rules.shipped


def test_relabelling_does_what_the_page_says() -> None:
    config = read_config(SidecarConfig, "alerting.md", CONFIGS[-1], {}).config
    relabelling = Relabelling(config.alertmanagers[0].alert_relabel_configs)
    assert relabelling.apply({"severity": "info"}) is None
    assert relabelling.apply({"severity": "warning", "pod": "a", "replica": "b"}) == {"severity": "warning"}


def test_metrics_and_actions_are_those_that_there_are() -> None:
    named = re.findall(r"^\| `((?:prometheus|sidecar)_\w+)` \|", PAGE, re.MULTILINE)
    known = {family.name for family in own_families()} | {f"{family.name}_total" for family in own_families()}
    assert set(named) - known == set()
    assert [action for action in get_args(Action) if f"`{action}`" not in PAGE] == []
