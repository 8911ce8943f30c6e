"""What the page about the service graph says is so."""

import re

from sidecar.spans.config import ServiceGraphConfig, SpansConfig
from sidecar.spans.service_graph.edges import BOUNDS, Connection
from sidecar.spans.service_graph.halves import MOST
from tests.conftest import ROOT
from tests.unit.docs.test_spans_page import families

PAGE = (ROOT / "docs/service-graph.md").read_text()


def test_every_metric_is_on_the_page_and_none_that_is_not_there() -> None:
    table = PAGE[: PAGE.index("The labels are")]
    found = {name for name in families("default") if name.startswith("traces_service_graph_")}
    assert set(re.findall(r"`(traces_service_graph_[a-z_]+)`", table)) == found


def test_every_type_of_connection_is_on_the_page() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| ", PAGE, re.MULTILINE)
    assert {kind.value for kind in Connection if kind.value} <= {*rows}


def test_figures_on_the_page_are_those_of_the_code() -> None:
    config = ServiceGraphConfig()
    assert (config.max_edges_per_service, SpansConfig().max_services, MOST) == (50, 10, 10_000)
    assert 2 * (len(BOUNDS) + 1 + 2) + 2 == 40
    assert (BOUNDS[0], BOUNDS[-1]) == (0.002, 15.0)
