"""The page about the JSON API: every command on it is run, every resource, order and status is on it."""

import asyncio
import json
import re
import shutil
from typing import Any

import pytest

from sidecar.api.config import ApiConfig
from sidecar.app.config import SidecarConfig
from sidecar.model.yaml.config import read_config
from tests.conftest import ROOT
from tests.unit.api.json.resources.test_insights import World, batch_of, query_of, root_of, span_of, world
from tests.unit.docs.test_examples import FENCED_YAML

__all__ = ["batch_of", "query_of", "root_of", "span_of", "world"]

PAGE = (ROOT / "docs/api.md").read_text()
COMMANDS = re.findall(r"^ *(curl .*)$", PAGE, re.MULTILINE)
LISTED = dict(re.findall(r"^\| `/api/v1/((?!openapi)[\w/-]+)` \| .* \| (.*) \|$", PAGE, re.MULTILINE))
REFUSED = "limit=501"


async def run(command: str, world: World) -> Any:
    """Return what a command of the page prints."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not here")
    command = command.replace("http://127.0.0.1:9465", str(world.client.make_url("")))
    curl = await asyncio.create_subprocess_shell(
        command.replace("curl ", "curl -s ", 1), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await curl.communicate()
    return json.loads(output)


def test_the_configuration_is_the_default() -> None:
    (text,) = FENCED_YAML.findall(PAGE)
    assert read_config(SidecarConfig, "api.md", text, {}).config.api == ApiConfig()


@pytest.mark.parametrize("command", COMMANDS)
async def test_every_command_does_what_the_page_says(command: str, world: World) -> None:
    answer = await run(command, world)
    assert answer.get("status") == (400 if REFUSED in command else None)
    assert answer.get("items", [answer])
    assert "POST" not in command or answer["state"] in ("resolved", "ignored", "new")


async def test_the_answer_on_the_page_is_what_comes(world: World) -> None:
    (shown,) = re.findall(r"^```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert await run(COMMANDS[0], world) == json.loads(shown)


async def test_every_resource_and_its_orders_are_in_the_table(world: World) -> None:
    files = {path.stem for path in (ROOT / "sidecar/api/json/resources").glob("[!_]*.py")}
    assert {re.sub(r"\W", "_", noun) for noun in LISTED} == files
    document = await world.get("openapi.json")
    for noun in LISTED:
        parameters = {each["name"]: each for each in document["paths"][f"/api/v1/{noun}"]["get"]["parameters"]}
        orders = parameters["sort"]["schema"]["enum"] if "sort" in parameters else []
        assert set(orders) == set(re.findall(r"`(\w+)`", LISTED[noun])), noun


async def test_every_action_and_refusal_is_on_the_page(world: World) -> None:
    document = await world.get("openapi.json")
    operations = [(path, each) for path, item in document["paths"].items() for each in item.values()]
    statuses = {status for _, operation in operations for status in operation["responses"]} - {"200"}
    assert statuses <= set(re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE))
    actions = [path.rpartition("/")[2] for path, item in document["paths"].items() if "post" in item]
    assert len(actions) == 3
    assert all(f"`{action}`" in PAGE for action in actions)
