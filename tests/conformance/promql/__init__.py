"""Runs upstream's promqltest scripts and recorded answers of a real Prometheus against our engine."""
