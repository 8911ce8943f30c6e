"""What the page about the state file says is what works."""

import re

from sidecar.app.config import SidecarConfig
from sidecar.model.yaml.config import read_config
from sidecar.runtime.state.database import SET_ASIDE
from sidecar.runtime.state.error import Reason
from tests.conftest import ROOT
from tests.unit.docs.test_examples import FENCED_YAML

PAGE = (ROOT / "docs/state-file.md").read_text()


def test_the_configuration_loads() -> None:
    (text,) = FENCED_YAML.findall(PAGE)
    assert read_config(SidecarConfig, "state-file.md", text, {}).config.state.path


def test_every_trouble_with_a_name_is_explained() -> None:
    explained = set(re.findall(r"^\| [^|]+ \| `(\w+)` \|", PAGE, re.MULTILINE))
    assert explained == {reason.value for reason in Reason} - {Reason.OTHER.value}
    assert f"up to {SET_ASIDE}" in PAGE
