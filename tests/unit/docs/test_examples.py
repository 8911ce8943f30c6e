"""What the documentation shows is what works."""

import re
from pathlib import Path

import pytest

from sidecar.app.config import SidecarConfig
from sidecar.model.yaml.config import read_config
from tests.conftest import ROOT

FENCED_YAML = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)\)")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
ENV = {"DATABASE_URL": "postgresql://h", "REDIS_URL": "redis://h"}


def test_the_configuration_in_the_readme_loads() -> None:
    (text,) = FENCED_YAML.findall((ROOT / "README.md").read_text())
    config = read_config(SidecarConfig, "README.md", text, ENV).config
    assert len(config.alertmanagers) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()] == []


def test_every_shipped_alert_has_its_runbook() -> None:
    alerts = re.findall(
        r"^ *- alert: (\w+)", "".join(p.read_text() for p in (ROOT / "alerts").glob("*.rules.yml")), re.M
    )
    assert len(alerts) >= 7
    assert [name for name in alerts if not (ROOT / f"docs/runbooks/{name.lower()}.md").exists()] == []
