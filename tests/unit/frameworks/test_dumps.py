"""What is seen of a real app is what it did; its recording has nothing of the machine that it ran on."""

import json
import re

import pytest

from scripts.frameworks.scenarios import SCENARIOS
from tests.unit.app.root import Root
from tests.unit.frameworks.conftest import DUMPS, dump_of, seen_of, seen_through_the_api

RECORDED = sorted(path.stem for path in DUMPS.glob("*.json"))

FOLDER_OF_A_MACHINE = re.compile(
    r"(?<![\w.:/-])/(?!srv/app/|usr/local/lib/python)(?=[a-z]+/[\w.-]+/)[\w./-]*\.(?:[cm]?js|py)\b"
)
ANOTHER_HOST = re.compile(r"https?://(?!127\.0\.0\.1|localhost:)[\w.-]+")
LINKS = {"https://opentelemetry.io", "https://sqlalche.me"}
"""Where versions of conventions and messages of libraries point to."""


@pytest.mark.parametrize("name", RECORDED)
def test_what_is_seen_of_an_app_is_what_it_did(name: str) -> None:
    dump = dump_of(name)
    assert seen_of(dump) == dump.truth


@pytest.mark.parametrize("name", ["apollo_n_plus_one", "fastapi_duplicate", "flask_failures", "flask_logged"])
async def test_a_whole_sidecar_tells_the_same(name: str, root: Root) -> None:
    dump = dump_of(name)
    assert await seen_through_the_api(dump, root) == dump.truth


def test_every_scenario_is_recorded_with_the_truth_that_it_has_today() -> None:
    truths = {scenario.name: scenario.truth for scenario in SCENARIOS}
    assert {name: dump_of(name).truth for name in RECORDED} == truths


@pytest.mark.parametrize("name", RECORDED)
def test_a_recording_says_nothing_of_the_machine_it_was_made_on(name: str) -> None:
    text = json.dumps(json.loads((DUMPS / f"{name}.json").read_text()), ensure_ascii=False).replace("\\n", "\n")
    assert FOLDER_OF_A_MACHINE.findall(text) == []
    assert {*ANOTHER_HOST.findall(text)} <= LINKS
