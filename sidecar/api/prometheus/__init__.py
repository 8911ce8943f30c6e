"""The HTTP API of Prometheus, which shares /api/v1 with the JSON API."""
