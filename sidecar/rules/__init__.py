"""Prometheus rule files: loading, templates and the alert state machine. Pure."""
