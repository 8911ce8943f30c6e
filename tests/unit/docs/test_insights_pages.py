"""What the pages about errors, queries and redaction say is what holds."""

import re
from typing import Any

import pytest
from pydantic import BaseModel

from scripts.metrics_reference import families_in
from sidecar import spans
from sidecar.app.config import SidecarConfig
from sidecar.fingerprint.statement import normalised
from sidecar.model.yaml.config import read_config
from sidecar.spans.error_groups.group import State
from sidecar.spans.exceptions import FINGERPRINTS
from sidecar.spans.queries.findings import Kind
from sidecar.spans.queries.statistics import SEVERITIES
from tests.conftest import ROOT
from tests.unit.docs.test_examples import FENCED_YAML

PAGES = {name: (ROOT / f"docs/{name}.md").read_text() for name in ("errors", "queries", "redaction")}
SECTIONS = {"errors": "errors", "queries": "queries", "redaction": "redact"}


def given(model: BaseModel) -> dict[str, Any]:
    """Return the settings that were given, of models inside too."""
    return {
        name: given(value) if isinstance(value := getattr(model, name), BaseModel) else value
        for name in model.model_fields_set
    }


@pytest.mark.parametrize("page", PAGES)
def test_the_defaults_are_those_of_the_page(page: str) -> None:
    section = SECTIONS[page]
    shown = getattr(read_config(SidecarConfig, page, FENCED_YAML.findall(PAGES[page])[0], {}).config, section)
    assert given(shown)
    assert shown == getattr(SidecarConfig(), section)


def test_every_example_loads() -> None:
    examples = [text for page in PAGES.values() for text in FENCED_YAML.findall(page)]
    assert len(examples) == 4
    for text in examples:
        read_config(SidecarConfig, "docs", text, {})


@pytest.mark.parametrize("page", PAGES)
def test_metrics_of_the_page_exist_with_these_labels(page: str) -> None:
    families = {family.name: set(family.labels) for family in families_in(spans)}
    for name, labels in re.findall(r"`(sidecar_\w+)(?:\{([^}]*)\})?`", PAGES[page]):
        assert set(re.findall(r"(\w+)(?:=|,|$)", re.sub(r'"[^"]*"', "", labels))) <= families[name], name


def test_the_tables_have_every_state_kind_severity_and_key() -> None:
    rows = {page: set(re.findall(r"^\| `([^`]+)`", text, re.MULTILINE)) for page, text in PAGES.items()}
    assert {state.value for state in State} <= rows["errors"]
    assert {*(kind.value for kind in Kind), *SEVERITIES} <= rows["queries"]
    assert rows["redaction"] == set(type(SidecarConfig().redact).model_fields)
    assert all(f"`{key}`" in PAGES["errors"] for key in FINGERPRINTS)


def test_queries_are_kept_as_the_table_shows() -> None:
    table = re.findall(r"^\| `([^|]+)`(?: \((\w+)\))? \| `([^|]+)` \|$", PAGES["queries"], re.MULTILINE)
    assert len(table) == 4
    for sent, system, kept in table:
        assert normalised(system.lower() or "postgresql", sent) == kept
