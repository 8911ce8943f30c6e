"""What is seen of the dumps that are kept outside the repository is what their apps did, as far as that is known."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.frameworks.conftest import Dump, seen_of

TRUTHS: dict[str, dict[str, Any]] = {
    "domexception": {"errors": 1, "groups": 1},
    "express_one_failure": {"errors": 1, "groups": 1},
    "express_one_pg_failure": {"errors": 1, "groups": 1, "calls": 1},
    "express_three_errors": {"errors": 3, "groups": 3},
    "graphql_n1": {"calls": 9, "n_plus_one": [8]},
    "leak_redis_multiline": {"statements": 1, "calls": 1},
    "pg_pool_connect": {"statements": 1, "calls": 1},
    "pg_pool_wait": {"statements": 1, "calls": 4},
    "pg_three_errors": {"errors": 3, "groups": 3, "statements": 3},
    "redis_eval_lua": {"statements": 1, "calls": 1},
    "sequelize_three_tables": {"statements": 3, "calls": 3},
    "typeorm_n1": {"calls": 8},
}


@pytest.mark.parametrize("name", TRUTHS)
def test_what_is_seen_of_a_shared_dump_is_what_its_app_did(name: str, shared_data: Path) -> None:
    path = shared_data.parent / f"cases/frameworks/node/{name}.json"
    if not path.exists():
        pytest.skip(f"no dump at {path}")
    truth = TRUTHS[name]
    body = json.dumps(json.loads(path.read_text()))
    seen = seen_of(Dump(truth, [("traces", body)]))
    assert {what: seen[what] for what in truth} == truth
