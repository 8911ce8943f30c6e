"""What the page about custom queries shows is what works."""

import re

from sidecar.app.config import SidecarConfig
from sidecar.collect.postgres.queries.config import QueryConfig, Usage
from sidecar.collect.postgres.queries.load import load_queries
from sidecar.model.yaml.config import read_config
from tests.conftest import ROOT

PAGE = (ROOT / "docs/custom-queries.md").read_text()
EXAMPLE = ROOT / "config/examples/queries.yaml"

CONFIGURATION, FILE = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_configuration_names_queries_files() -> None:
    (target,) = read_config(SidecarConfig, "page", CONFIGURATION, {}).config.postgres
    assert target.queries == ("queries.yaml", "queries.d/*.yaml")


def test_the_file_is_the_shipped_example_and_loads() -> None:
    assert EXAMPLE.read_text() == FILE
    queries = {query.namespace: query for query in load_queries([("page", FILE)], (), 10.0)}
    assert [family.name for family in queries["shop_orders"].families().values()] == [
        "shop_orders_count",
        "shop_orders_last_timestamp_seconds",
    ]
    assert [query.per_database for query in queries.values()] == [True, False, True]


def test_every_key_and_usage_is_explained() -> None:
    explained = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (.*?) \|", PAGE, re.MULTILINE))))
    explained |= set(re.findall(r"`(cache_seconds)` is another name", PAGE))
    assert explained == {*QueryConfig.model_fields, *Usage}
