"""Lint of rules: what Prometheus takes and that is hardly meant."""
