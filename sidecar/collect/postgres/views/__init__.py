"""One file per collector of postgres_exporter; each defines a `VIEW`."""
