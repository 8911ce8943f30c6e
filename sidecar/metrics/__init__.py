"""Received OTLP metrics as Prometheus families: names, labels, sums of deltas, buckets, limits. Pure."""
