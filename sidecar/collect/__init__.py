"""Scraped sources: Postgres, Redis and the sidecar itself."""
