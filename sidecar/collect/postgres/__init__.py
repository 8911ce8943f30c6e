"""Postgres servers: one file per statistics view, one runner around them."""
