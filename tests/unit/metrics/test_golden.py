"""What requests become, against files that were written from the documents they name."""

from pathlib import Path

import pytest
from google.protobuf import text_format
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from sidecar.codec.exposition import encode
from sidecar.model.family import FamilySamples
from tests.conftest import ROOT
from tests.unit.metrics.conftest import Received

FOLDER = ROOT / "tests/golden/otlp_metrics"


def merged(families: list[FamilySamples]) -> list[FamilySamples]:
    """Return each family once, those about the store left out."""
    found: dict[str, FamilySamples] = {}
    for item in families:
        if not item.family.name.startswith("sidecar_"):
            before = found.get(item.family.name, item._replace(samples=[]))
            found[item.family.name] = item._replace(samples=[*before.samples, *item.samples])
    return list(found.values())


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txtpb")), ids=lambda path: path.stem)
def test_requests_become_what_the_documents_say(path: Path) -> None:
    received = Received()
    for text in path.read_text().split("---\n"):
        received.receive(text_format.Parse(text, ExportMetricsServiceRequest()))
    assert encode(merged(received.all())).decode() == path.with_suffix(".prom").read_text()
