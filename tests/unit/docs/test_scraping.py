"""The scrape configurations of the documentation: Prometheus takes each of them."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.servers import tool

EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs/scraping.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_scrape_configuration_is_one_that_prometheus_takes(example: str, tmp_path: Path) -> None:
    config = tmp_path / "prometheus.yml"
    config.write_text(example)
    done = subprocess.run([tool("promtool"), "check", "config", config], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
