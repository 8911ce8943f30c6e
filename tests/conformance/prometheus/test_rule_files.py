"""Rule files: promtool's verdict and Prometheus' labels are ours, whatever YAML they are written in."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.request import urlopen

import pytest

from sidecar.app.source import read_text
from sidecar.model.errors import ConfigError
from sidecar.rules.group import AlertingRule, RuleGroup
from sidecar.rules.load import load_rules
from tests.conformance.prometheus.odd_rule_files import ODD_FILES
from tests.conformance.prometheus.rule_files import rule_files
from tests.servers import Prometheus, tool

GENERATED = 500
Texts = dict[str, str]
Content = list[tuple[str, Texts, Texts]]
"""Name, labels and annotations of each alert of a file, empty ones left out: they are as if they were not there."""


class RulesPrometheus(Prometheus):
    """Loads every rule file of its folder, and scrapes nothing."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, ())
        (directory / "prometheus.yml").write_text("rule_files: ['rules/*.yml']\n")

    def contents(self) -> Mapping[str, Content]:
        """Return what the files hold, by name."""
        with urlopen(f"{self.url}/api/v1/rules", timeout=20) as answer:
            groups = json.load(answer)["data"]["groups"]
        found: dict[str, Content] = {}
        for group in groups:
            content = [(r["name"], _given(r["labels"]), _given(r["annotations"])) for r in group["rules"]]
            found.setdefault(Path(group["file"]).name, []).extend(content)
        return found


@pytest.mark.integration
@pytest.mark.timeout(120)
def test_verdicts_are_those_of_promtool_and_labels_those_of_prometheus(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    generated = {f"{number:03}": text.encode() for number, text in enumerate(rule_files(GENERATED, seed=20))}
    for name, data in {**generated, **ODD_FILES}.items():
        (folder / f"{name}.yml").write_bytes(data)
    verdicts = promtool_verdicts(folder)
    assert set(verdicts) == {f"{name}.yml" for name in (*generated, *ODD_FILES)}
    assert min(GENERATED // 3, sum(verdicts.values())) == GENERATED // 3  # enough good ones ...
    assert sum(verdicts.values()) < len(verdicts) * 2 / 3  # ... and enough bad ones
    ours = {name: content_of(folder / name) for name in verdicts}
    assert [name for name, content in ours.items() if (content is not None) != verdicts[name]] == []
    for name in verdicts:
        if not verdicts[name]:
            (folder / name).unlink()
    with RulesPrometheus(tmp_path) as prometheus:
        theirs = prometheus.contents()
    assert {name: content for name, content in ours.items() if content and content != theirs[name]} == {}


def promtool_verdicts(folder: Path) -> dict[str, bool]:
    """Return whether each rule file of `folder` is good."""
    command = [str(tool("promtool")), "check", "rules", "--lint=none", *map(str, sorted(folder.glob("*.yml")))]
    output = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout.decode()
    parts = re.split(r"^Checking (.+\.yml)$", output, flags=re.MULTILINE)
    return {Path(name).name: "SUCCESS" in said for name, said in zip(parts[1::2], parts[2::2], strict=True)}


def content_of(path: Path) -> Content | None:
    """Return what we read from `path`, None for a file that we refuse."""
    try:
        groups = load_rules([(path.name, read_text(path))], 60_000)
    except ConfigError:
        return None
    return [entry for group in groups for entry in _entries(group)]


def _entries(group: RuleGroup) -> Content:
    rules = [rule for rule in group.rules if isinstance(rule, AlertingRule)]
    return [(rule.name, _given(dict(rule.labels)), _given(dict(rule.annotations))) for rule in rules]


def _given(texts: Texts) -> Texts:
    return {name: text for name, text in texts.items() if text}
