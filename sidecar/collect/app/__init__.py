"""The app's own /metrics: one connection per endpoint."""
