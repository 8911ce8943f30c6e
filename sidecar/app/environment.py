"""Zero configuration: the environment variables that apps and the two exporters already use.

Whoever comes from postgres_exporter or redis_exporter changes the image and the port, nothing else.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError

from sidecar.app.config import SidecarConfig
from sidecar.app.variables import POD_LISTEN, first_set
from sidecar.model.config import Located, mistakes_in
from sidecar.model.document import Path
from sidecar.model.errors import ConfigError, Problem

NAME = "environment"


def read_environment(env: Mapping[str, str]) -> Located[SidecarConfig]:
    """Return the configuration that `env` asks for; raise ConfigError when a value is not usable.

    A problem names the variable that the value came from.
    """
    reading = _Reading(env)
    try:
        return Located(SidecarConfig.model_validate(reading.data()), reading.problem_at)
    except ValidationError as error:
        mistakes = mistakes_in(SidecarConfig, error)
        raise ConfigError([reading.problem_at(path, message) for path, message, _ in mistakes]) from error


class _Reading:
    """Reads `env` into the shape of the configuration, and remembers which variable each part came from."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._names: dict[Path, str] = {}

    def data(self) -> dict[str, Any]:
        """Return the configuration as plain data; raise ConfigError for a file that cannot be read."""
        return {
            "postgres": self._postgres(),
            "redis": self._redis(),
            "probes": {"checks": self._checks()},
            "alertmanagers": [{"url": url} for url in self._words(("alertmanagers",), "ALERTMANAGER_URL")],
            "rules": {"files": list(self._words(("rules", "files"), "SIDECAR_RULE_FILES"))},
            "pod": self._given(("pod", "listen"), *POD_LISTEN),
            "api": self._given(("api", "listen"), "SIDECAR_API_LISTEN"),
            "otlp": {"http": self._otlp()},
            "log": self._given(("log", "format"), "SIDECAR_LOG_FORMAT"),
        }

    def problem_at(self, path: Path, message: str) -> Problem:
        """Return a problem of the variable that the value at `path`, or what is around it, came from."""
        sources = (self._names.get(path[:length]) for length in range(len(path), 0, -1))
        name = next(filter(None, sources), None)
        return Problem(NAME, 0, 0, f"`{name}`: {message}" if name else message)

    def _first(self, path: Path, *names: str) -> str:
        name, value = first_set(self._env, *names)
        if value:
            self._names[path] = name
        return value

    def _given(self, path: Path, *names: str) -> dict[str, Any]:
        value = self._first(path, *names)
        return {str(path[-1]): value} if value else {}

    def _words(self, path: Path, name: str) -> Iterator[str]:
        words = self._first(path, name).split(",")
        yield from (word.strip() for word in words if word.strip())

    def _otlp(self) -> dict[str, Any]:
        given = self._given(("otlp", "http", "listen"), "SIDECAR_OTLP_LISTEN")
        return {"listen": None} if given.get("listen") == "off" else given

    def _checks(self) -> list[dict[str, Any]]:
        url = self._first(("probes", "checks"), "SIDECAR_APP_URL")
        return [{"kind": "http", "url": url}] if url else []

    def _postgres(self) -> list[dict[str, Any]]:
        place: Path = ("postgres",)
        dsn = self._first(place, "DATA_SOURCE_NAME", "DATABASE_URL")
        if dsn:
            return [{"dsn": dsn}]
        file = self._first(place, "DATA_SOURCE_NAME_FILE")
        if file:
            return [{"dsn_file": file}]
        uri = self._first(place, "DATA_SOURCE_URI") or self._content("DATA_SOURCE_URI_FILE")
        return [self._postgres_at(uri)] if uri else []

    def _postgres_at(self, uri: str) -> dict[str, Any]:
        user = self._env.get("DATA_SOURCE_USER") or self._content("DATA_SOURCE_USER_FILE")
        password = self._env.get("DATA_SOURCE_PASS", "")
        login = f"{quote(user, safe='')}{':' + quote(password, safe='') if password else ''}@" if user else ""
        return {"dsn": f"postgresql://{login}{uri}"} | self._named({"password_file": "DATA_SOURCE_PASS_FILE"})

    def _redis(self) -> list[dict[str, Any]]:
        url = self._first(("redis",), "REDIS_ADDR", "REDIS_URL")
        if not url:
            return []
        target = {"url": url if "://" in url else f"redis://{url}"}
        names = {"username": "REDIS_USER", "password": "REDIS_PASSWORD", "password_file": "REDIS_PASSWORD_FILE"}
        return [target | self._named(names)]

    def _named(self, names: Mapping[str, str]) -> dict[str, str]:
        return {key: self._env[name] for key, name in names.items() if self._env.get(name)}

    def _content(self, name: str) -> str:
        """Return what the file holds that the variable `name` names; nothing if it names none."""
        file_name = self._env.get(name)
        if not file_name:
            return ""
        try:
            with open(file_name, encoding="utf-8") as file:
                return file.read().strip()
        except OSError as error:
            raise _refused(name, f"cannot read `{file_name}`: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise _refused(name, f"`{file_name}` is not UTF-8 text") from error


def _refused(name: str, message: str) -> ConfigError:
    return ConfigError([Problem(NAME, 0, 0, f"`{name}`: {message}")])
