"""What the page about queues shows is what works."""

import subprocess
from pathlib import Path
from typing import get_args

from sidecar.app.config import SidecarConfig
from sidecar.collect.redis.queue_config import AnyQueueConfig
from sidecar.collect.redis.sections.queues import numbers_of, permissions
from sidecar.model.yaml.config import read_config
from sidecar.rules.load import load_rules
from tests.conftest import ROOT
from tests.unit.docs.test_examples import FENCED_YAML
from tests.unit.rules.promtool import find_promtool

PAGE = (ROOT / "docs/queues.md").read_text()
CONFIGURATION, RULES = FENCED_YAML.findall(PAGE)
REDIS = read_config(SidecarConfig, "queues.md", CONFIGURATION, {}).config.redis[0]


def test_the_table_has_every_kind_and_state() -> None:
    table = [line for line in PAGE.splitlines() if line.startswith("| `")]
    models = get_args(get_args(AnyQueueConfig)[0])
    kinds = {kind for model in models for kind in get_args(model.model_fields["kind"].annotation)}
    assert {word for line in table for word in line.split("|")[1].replace("`", "").replace(",", "").split()} == kinds
    for queue in REDIS.queues:
        (row,) = (line for line in table if f"`{queue.kind}`" in line.split("|")[1])
        assert [number.state for number in numbers_of(queue, 0.0) if f"`{number.state}`" not in row] == []


def test_the_line_in_the_text_is_the_one_of_the_log() -> None:
    (celery, *_) = REDIS.queues
    assert f"ACL SETUSER sidecar {' '.join(permissions(REDIS.model_copy(update={'queues': (celery,)})))}" in PAGE


def test_the_alerts_are_understood(tmp_path: Path) -> None:
    (group,) = load_rules([("queues.yml", RULES)], 60_000)
    assert len(group.rules) == 2
    path = tmp_path / "queues.yml"
    path.write_text(RULES)
    subprocess.run([find_promtool(), "check", "rules", path], check=True, capture_output=True)
