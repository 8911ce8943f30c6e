"""Zero configuration: the environment variables that apps and the two exporters already use.

Whoever comes from postgres_exporter or redis_exporter changes the image and the port, nothing else.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError

from sidecar.app.config import SidecarConfig
from sidecar.model.errors import ConfigError, Problem

NAME = "environment"


def config_of_environment(env: Mapping[str, str]) -> SidecarConfig:
    """Return the configuration that `env` asks for; raise ConfigError when a value is not usable."""
    data: dict[str, Any] = {
        "postgres": [target] if (target := _postgres(env)) else [],
        "redis": [target] if (target := _redis(env)) else [],
        "probes": {"checks": list(_checks(env))},
        "alertmanagers": [{"url": url} for url in _words(env, "ALERTMANAGER_URL")],
        "rules": {"files": list(_words(env, "SIDECAR_RULE_FILES"))},
    }
    listen = env.get("SIDECAR_LISTEN") or env.get("PG_EXPORTER_WEB_LISTEN_ADDRESS")
    listen = listen or env.get("REDIS_EXPORTER_WEB_LISTEN_ADDRESS")
    if listen:
        data["pod"] = {"listen": listen}
    if env.get("SIDECAR_LOG_FORMAT"):
        data["log"] = {"format": env["SIDECAR_LOG_FORMAT"]}
    try:
        return SidecarConfig.model_validate(data)
    except ValidationError as error:
        problems = [Problem(NAME, 0, 0, f"`{_where(item['loc'])}`: {item['msg']}") for item in error.errors()]
        raise ConfigError(problems) from error


def _where(path: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in path)


def _words(env: Mapping[str, str], name: str) -> Iterator[str]:
    yield from (word.strip() for word in env.get(name, "").split(",") if word.strip())


def _postgres(env: Mapping[str, str]) -> dict[str, Any] | None:
    dsn = env.get("DATA_SOURCE_NAME") or env.get("DATABASE_URL")
    if dsn:
        return {"dsn": dsn}
    if env.get("DATA_SOURCE_NAME_FILE"):
        return {"dsn_file": env["DATA_SOURCE_NAME_FILE"]}
    uri = env.get("DATA_SOURCE_URI") or _content(env, "DATA_SOURCE_URI_FILE")
    if not uri:
        return None
    user = env.get("DATA_SOURCE_USER") or _content(env, "DATA_SOURCE_USER_FILE")
    password = env.get("DATA_SOURCE_PASS", "")
    login = f"{quote(user, safe='')}{':' + quote(password, safe='') if password else ''}@" if user else ""
    target: dict[str, Any] = {"dsn": f"postgresql://{login}{uri}"}
    if env.get("DATA_SOURCE_PASS_FILE"):
        target["password_file"] = env["DATA_SOURCE_PASS_FILE"]
    return target


def _redis(env: Mapping[str, str]) -> dict[str, Any] | None:
    url = env.get("REDIS_ADDR") or env.get("REDIS_URL")
    if not url:
        return None
    target: dict[str, Any] = {"url": url if "://" in url else f"redis://{url}"}
    names = {"REDIS_USER": "username", "REDIS_PASSWORD": "password", "REDIS_PASSWORD_FILE": "password_file"}
    return target | {key: env[name] for name, key in names.items() if env.get(name)}


def _checks(env: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    if env.get("SIDECAR_APP_URL"):
        yield {"kind": "http", "url": env["SIDECAR_APP_URL"]}


def _content(env: Mapping[str, str], name: str) -> str:
    path = env.get(name)
    if not path:
        return ""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError as error:
        raise ConfigError([Problem(NAME, 0, 0, f"`{name}`: cannot read `{path}`: {error.strerror}")]) from error
