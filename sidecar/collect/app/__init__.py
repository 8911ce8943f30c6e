"""The app's own /metrics: one connection per endpoint, parsed by prometheus_client."""
