"""The map is true: every path it names exists."""

import re

from tests.conftest import ROOT

PATH = re.compile(r"`((?:sidecar|docs|tests|scripts|config)/[\w./-]*)`")


def test_every_path_that_the_architecture_page_names_exists() -> None:
    paths = PATH.findall((ROOT / "docs/architecture.md").read_text())
    assert len(paths) > 10
    assert [path for path in paths if not (ROOT / path).exists()] == []
