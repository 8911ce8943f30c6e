"""JSON as it is answered: valid for every reader, and written in one place."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.codec.json_text import json_bytes, json_text
from tests.conftest import ROOT

ENCODERS = {"dumps", "dump", "json_response", "encode", "Encoder", "model_dump_json", "JSONEncoder"}
ELSEWHERE = {
    "sidecar/codec/json_text.py": "the one place",
    "sidecar/runtime/log.py": "lines of the log, which are no answers",
    "sidecar/codec/alertmanager.py": "what Alertmanager is sent, of texts that are labels already",
    "sidecar/spans/error_groups/store.py": "records of the state file",
    "sidecar/api/json/paging.py": "cursors, which only we read",
    "sidecar/api/json/resources/endpoints.py": "ids of items, which only we read",
    "sidecar/api/json/routes.py": "the digest of a query, which goes into a cursor",
    "sidecar/collect/redis/passwords.py": "reads only",
    "sidecar/rules/unit_tests/texts.py": "differences as promtool prints them, for a terminal",
}

texts = st.text(st.characters() | st.characters(categories=["Cs"]), max_size=5)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


def refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


@given(value=values)
def test_everything_is_valid_json_and_unicode(value: Any) -> None:
    written = json_bytes(value)
    read = json.loads(written.decode("utf-8"), parse_constant=refuse)
    json.dumps(read, ensure_ascii=False).encode()
    assert json_text(value) == written.decode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), None),
        (float("-inf"), None),
        ("a\ud800b", "a\ufffdb"),
        ({"\udfff": [1, {"x": float("inf")}]}, {"\ufffd": [1, {"x": None}]}),
        (2**80, 2**80),
        (b"\xff\0", "/wA="),
        (1.5, 1.5),
    ],
)
def test_what_json_cannot_have_is_said_otherwise(value: Any, expected: Any) -> None:
    assert json.loads(json_bytes(value)) == expected


def encoders_in(path: Path) -> Iterator[str]:
    """Yield the calls in a module that write JSON, by any of the libraries there are."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and node.attr in ENCODERS:
            of = ast.unparse(node.value)
            if of in ("json", "msgspec.json", "web", "orjson", "pydantic_core") or node.attr == "model_dump_json":
                yield f"{of}.{node.attr}"


def test_nothing_else_writes_json_without_a_reason() -> None:
    found = {
        str(path.relative_to(ROOT)): names
        for path in sorted((ROOT / "sidecar").rglob("*.py"))
        if (names := [*encoders_in(path)])
    }
    assert {path: names for path, names in found.items() if path not in ELSEWHERE and "/demo/" not in path} == {}
