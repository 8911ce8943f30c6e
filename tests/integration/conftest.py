"""Fixtures of the integration tests."""

from tests.integration.servers import (
    postgres,
    postgres_15,
    postgres_18,
    redis_7,
    redis_server,
    valkey_9,
)

__all__ = ["postgres", "postgres_15", "postgres_18", "redis_7", "redis_server", "valkey_9"]
