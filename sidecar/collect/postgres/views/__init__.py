"""One file per view, those of postgres_exporter and our own; each defines a `VIEW`."""
