"""The strict reader: prometheus_client's parser of OpenMetrics, for pages as they are."""

import re
from collections.abc import Sequence

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

PERCENTILE = re.compile(r'^(redis_latency_percentiles_usec\{.*quantile=")([\d.]+)"', re.MULTILINE)


def openmetrics_families(page: str) -> Sequence[Metric]:
    """Return the families of `page`; raise ValueError where it is not OpenMetrics.

    Redis' quantiles count to 100, as in its exporter; the standard knows none above 1, so here they are divided.
    """
    readable = PERCENTILE.sub(lambda found: f'{found[1]}{float(found[2]) / 100}"', page)
    return list(text_string_to_metric_families(readable))  # type: ignore[no-untyped-call] # it leaves that out
