"""The names of Prometheus' HTTP API under /api/v1, which none of our resources takes.

Source: prometheus.io/docs/prometheus/latest/querying/api, and the routes of Prometheus 3.
"""

NAMES = frozenset(
    {
        "admin",
        "alertmanagers",
        "alerts",
        "features",
        "format_query",
        "label",
        "labels",
        "metadata",
        "notifications",
        "otlp",
        "parse_query",
        "query",
        "query_exemplars",
        "query_range",
        "read",
        "rules",
        "scrape_pools",
        "series",
        "status",
        "targets",
        "write",
    }
)
