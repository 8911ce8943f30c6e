"""Names of environment variables that more than one command reads; light, for `sidecar healthcheck`."""

from collections.abc import Mapping

POD_LISTEN = ("SIDECAR_LISTEN", "PG_EXPORTER_WEB_LISTEN_ADDRESS", "REDIS_EXPORTER_WEB_LISTEN_ADDRESS")

TRUE = frozenset({"1", "t", "true"})
FALSE = frozenset({"0", "f", "false"})
"""What the exporters, being Go's, take for true and false, in any case."""


def first_set(env: Mapping[str, str], *names: str) -> tuple[str, str]:
    """Return name and value of the first of `names` that is set and not empty, or two empty strings."""
    return next(((name, env[name]) for name in names if env.get(name)), ("", ""))
