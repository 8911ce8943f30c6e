"""The configurations on the page about webhooks load, and have every kind."""

import re
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner

from sidecar.app.config import SidecarConfig
from sidecar.cli import main
from sidecar.deliver.webhook.config import WebhookKind
from sidecar.model.yaml.config import read_config
from tests.conftest import ROOT
from tests.unit.docs.test_examples import FENCED_YAML

PAGE = (ROOT / "docs/webhooks.md").read_text()
ENV = {"SLACK_URL": "https://hooks.slack.example/services/a/b/c", "DEAD_MAN_URL": "https://hc.example/a"}
CONFIGS = [read_config(SidecarConfig, "webhooks.md", text, ENV).config for text in FENCED_YAML.findall(PAGE)]


def test_every_kind_is_shown() -> None:
    assert {webhook.kind for webhook in CONFIGS[0].webhooks} == set(get_args(WebhookKind))
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set(get_args(WebhookKind))


def test_mutes_are_shown_with_an_end_and_with_windows() -> None:
    migration, nights = next(config.mutes for config in CONFIGS if config.mutes)
    assert migration.ends_at is not None
    assert len(nights.windows) == 2


@pytest.mark.parametrize("key", ["group_wait_seconds", "group_interval_seconds", "retry_seconds"])
def test_defaults_are_those_of_the_configuration(key: str) -> None:
    found = re.search(rf"`{key}` \((\d+)\)", PAGE)
    assert found
    assert float(found[1]) == CONFIGS[0].webhooks[0].model_dump()[key]


def test_the_commands_on_the_page_say_what_receivers_answer(tmp_path: Path, unused_tcp_port: int) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}/canary"
    (tmp_path / "sidecar.yaml").write_text(f"webhooks: [{{name: team, kind: slack, url: '{url}'}}]\n")
    lines = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
    assert len(lines) == 2
    for line in lines:
        words = line.replace("sidecar.yaml", str(tmp_path / "sidecar.yaml")).split()[1:]
        done = CliRunner().invoke(main, words)
        assert (done.exit_code, done.output.startswith("webhook/team: ")) == (1, True), done.output
        assert "canary" not in done.output
