"""The configurations on the page about webhooks load, and have every kind."""

import re
from typing import get_args

import pytest

from sidecar.app.config import SidecarConfig
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
