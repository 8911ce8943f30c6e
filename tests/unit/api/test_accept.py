"""Negotiation, with the headers that scrapers really send."""

import pytest

from sidecar.api.accept import accepts_gzip, exposition_format
from sidecar.codec.exposition import Format

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
OLD_OPENMETRICS = "application/openmetrics-text; version=0.0.1; charset=utf-8"

PROMETHEUS_2_42 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_2_28 = "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
PROMETHEUS_3_WITH_PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6," + PROMETHEUS_3
)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        (PROMETHEUS_2_42, OPENMETRICS),
        (PROMETHEUS_2_28, OLD_OPENMETRICS),
        (PROMETHEUS_3, OPENMETRICS),
        (PROMETHEUS_3_WITH_PROTOBUF, OPENMETRICS),
        ("application/openmetrics-text", OPENMETRICS),
        ('Application/OpenMetrics-Text; Version="1.0.0"', OPENMETRICS),
        ("", TEXT),
        ("*/*", TEXT),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT),
        ("text/plain;version=0.0.4", TEXT),
        ("text/plain,application/openmetrics-text;q=0.9", TEXT),
        ("text/plain;q=0.5,application/openmetrics-text;version=1.0.0", OPENMETRICS),
        ("text/plain;version=1.0.0,application/openmetrics-text;q=0.1", OPENMETRICS),
        ("application/openmetrics-text;version=2.0.0", TEXT),
        ("application/openmetrics-text;q=0,text/plain", TEXT),
        ("application/openmetrics-text;q=0", TEXT),
        ("application/openmetrics-text;q=nonsense", OPENMETRICS),
        ("application/openmetrics-text;q=nan", OPENMETRICS),
        ("text/plain;q=0.1,application/openmetrics-text;q=0_0", OPENMETRICS),
        (";;,=,;q=", TEXT),
    ],
)
def test_best_format_that_is_ours_is_chosen(accept: str, content_type: str) -> None:
    form = Format.OPENMETRICS if "openmetrics" in content_type else Format.TEXT
    assert exposition_format(accept) == (form, content_type)


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("identity", False),
        ("", False),
        ("br", False),
    ],
)
def test_gzip_is_sent_to_whoever_names_it_and_does_not_refuse_it(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted
