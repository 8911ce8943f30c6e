"""A real Prometheus that answers the same questions over the same samples."""
