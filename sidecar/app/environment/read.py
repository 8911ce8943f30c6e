"""Zero configuration: the environment variables that apps and the two exporters already use.

Whoever comes from postgres_exporter or redis_exporter changes the image and the port, nothing else.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from sidecar.app.config import SidecarConfig
from sidecar.app.environment.postgres import postgres_targets
from sidecar.app.environment.reading import Reading
from sidecar.app.environment.redis import log_settings, redis_targets
from sidecar.app.environment.variables import POD_LISTEN
from sidecar.model.yaml.config import Located, UnusableError
from sidecar.model.yaml.validation import mistakes_in, salvaged


def read_environment(env: Mapping[str, str]) -> Located[SidecarConfig]:
    """Return the configuration that `env` asks for; raise UnusableError when a value is not usable.

    A problem names the variable that the value came from.
    """
    reading = Reading(env)
    data = _data(reading)
    problems = list(reading.problems)
    try:
        config = SidecarConfig.model_validate(data)
    except ValidationError as error:
        mistakes = mistakes_in(SidecarConfig, error)
        problems += [reading.problem_at(path, message) for path, message, _ in mistakes]
        config = salvaged(SidecarConfig, data)
    located = Located(config, reading.problem_at)
    if problems:
        raise UnusableError(problems, located)
    return located


def _data(reading: Reading) -> dict[str, Any]:
    return {
        "postgres": postgres_targets(reading),
        "redis": redis_targets(reading),
        "probes": {"checks": _checks(reading)},
        "alertmanagers": [{"url": url} for url in reading.words(("alertmanagers",), "ALERTMANAGER_URL")],
        "rules": {"files": list(reading.words(("rules", "files"), "SIDECAR_RULE_FILES"))},
        "pod": reading.given(("pod", "listen"), *POD_LISTEN),
        "api": reading.given(("api", "listen"), "SIDECAR_API_LISTEN"),
        "otlp": {"http": _receiver(reading, "http", "SIDECAR_OTLP_LISTEN"), "grpc": _grpc(reading)},
        "log": log_settings(reading),
    }


def _receiver(reading: Reading, transport: str, *names: str) -> dict[str, Any]:
    given = reading.given(("otlp", transport, "listen"), *names)
    return {"listen": None} if given.get("listen") == "off" else given


def _grpc(reading: Reading) -> dict[str, Any]:
    """Return where gRPC listens; who turns OTLP off without a word about gRPC means both."""
    all_off = reading.env.get("SIDECAR_OTLP_LISTEN") == "off"
    return _receiver(reading, "grpc", "SIDECAR_OTLP_GRPC_LISTEN") or ({"listen": None} if all_off else {})


def _checks(reading: Reading) -> list[dict[str, Any]]:
    url = reading.first(("probes", "checks"), "SIDECAR_APP_URL")
    return [{"kind": "http", "url": url}] if url else []
