"""A password in every place where one can stand is in no log, label, error, answer or argument list."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template

import asyncpg
import pytest
from typing_extensions import override

from sidecar.demo.servers import PostgresServer, ValkeyServer
from tests.integration.servers import full_backlog
from tests.servers import Sidecar, eventually, get_text, samples_of
from tests.unit.deliver.telemetry.receiving import receiver

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

CANARY = "c4n@ry/p?ss"
ENCODED = "c4n%40ry%2Fp%3Fss"
PORT_LIKE = "24683"
TRACES = (CANARY, ENCODED, "c4n", f":{PORT_LIKE}")
"""The last ones find what a split at a special character would leave, as a name, a host or a port."""

CONFIG = f"""\
scrape_interval_seconds: 0.3
log: {{level: debug}}
postgres:
  - {{name: url, dsn: "postgresql://canary:{ENCODED}@${{PG}}/postgres"}}
  - {{name: query, dsn: "postgresql://${{PG}}/postgres?user=canary&password={ENCODED}"}}
  - {{name: pairs, dsn: "host=127.0.0.1 port=${{PG_PORT}} user=canary password='{CANARY}' dbname=postgres"}}
  - {{name: file, dsn_file: "${{DIR}}/dsn"}}
  - {{name: password, dsn: "postgresql://canary@${{PG}}/postgres", password_file: "${{DIR}}/password"}}
  - {{name: wrong, dsn: "postgresql://nobody:{ENCODED}@${{PG}}/postgres"}}
  - {{name: away, timeout_seconds: 0.5, dsn: "postgresql://canary:{ENCODED}@127.0.0.1:${{NOWHERE}}/postgres"}}
  - {{name: malformed, dsn_file: "${{DIR}}/malformed"}}
  - {{name: digits, dsn_file: "${{DIR}}/digits"}}
  - {{name: hash, dsn_file: "${{DIR}}/hash"}}
  - {{name: mark, dsn_file: "${{DIR}}/mark"}}
  - {{name: cut, dsn_file: "${{DIR}}/cut"}}
redis:
  - {{name: url, url: "redis://:{ENCODED}@${{REDIS}}/0"}}
  - {{name: key, url: "redis://${{REDIS}}/0", password: "{CANARY}"}}
  - {{name: query, url: "redis://${{REDIS}}/0?password={ENCODED}"}}
  - {{name: many, url: "redis://${{REDIS}}/0", password_file: "${{DIR}}/passwords"}}
  - {{name: file, url_file: "${{DIR}}/redis_url"}}
  - {{name: password, url: "redis://${{REDIS}}/0", password_file: "${{DIR}}/password"}}
  - {{name: wrong, url: "redis://canary:{ENCODED}@${{REDIS}}/0"}}
  - {{name: away, timeout_seconds: 0.5, url: "redis://:{ENCODED}@127.0.0.1:${{NOWHERE}}/0"}}
  - {{name: malformed, url_file: "${{DIR}}/redis_malformed"}}
  - {{name: socket, url: "unix://canary:{ENCODED}@/nowhere.sock"}}
  - {{name: digits, url_file: "${{DIR}}/redis_digits"}}
  - {{name: mark, url_file: "${{DIR}}/redis_mark"}}
  - {{name: host, url_file: "${{DIR}}/redis_host"}}
  - {{name: others, url: "redis://${{REDIS}}/0", password_file: "${{DIR}}/others"}}
app_metrics:
  - name: app
    url: "http://127.0.0.1:${{NOWHERE}}/metrics"
    timeout_seconds: 0.5
    bearer_token_file: "${{DIR}}/password"
alertmanagers:
  - {{name: basic, url: "http://127.0.0.1:1", basic_auth: {{username: u, password: "{CANARY}"}}}}
  - {{name: bearer, url: "http://127.0.0.1:1", bearer_token: "{CANARY}"}}
telemetry:
  endpoint: "${{COLLECTOR}}"
  headers: {{Authorization: "Bearer {CANARY}"}}
  export_interval_seconds: 0.3
"""
UNESCAPED = {
    "digits": f"postgresql://canary:{PORT_LIKE}/{CANARY}@${{PG}}/postgres",
    "hash": f"postgresql://canary:{PORT_LIKE}#{CANARY}@${{PG}}/postgres",
    "mark": f"postgresql://canary:{PORT_LIKE}?{CANARY}=x@${{PG}}/postgres",
    "cut": f"postgresql://${{PG}}/postgres?user=nobody&password=x&{CANARY}=x&schema=public",
}
"""From files, because a configuration is refused for them."""

GOOD = [f"postgres/{name}" for name in ("url", "query", "pairs", "file", "password")]
GOOD += [f"redis/{name}" for name in ("url", "key", "query", "many", "file", "password")]
BAD = [f"postgres/{name}" for name in ("wrong", "away", "malformed", "digits", "hash", "mark", "cut")]
BAD += [f"redis/{name}" for name in ("wrong", "away", "malformed", "socket", "digits", "mark", "host", "others")]
BAD += ["app/app"]


@pytest.fixture
async def role(postgres: PostgresServer) -> None:
    """A role whose password is the canary."""
    connection = await asyncpg.connect(postgres.dsn)
    await connection.execute("DROP ROLE IF EXISTS canary")
    await connection.execute(f"CREATE ROLE canary LOGIN PASSWORD '{CANARY}'")
    await connection.close()


@pytest.fixture(scope="module")
def locked_redis() -> Iterator[ValkeyServer]:
    """Valkey whose password is the canary."""
    with ValkeyServer(password=CANARY) as server:
        yield server


@pytest.mark.usefixtures("role")
async def test_no_answer_and_no_line_of_the_log_has_it(
    postgres: PostgresServer, locked_redis: ValkeyServer, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text(CANARY)
    (tmp_path / "dsn").write_text(f"postgresql://canary:{ENCODED}@{postgres.host}:{postgres.port}/postgres")
    (tmp_path / "malformed").write_text(f"postgresql://canary:{CANARY}@{postgres.host}:{CANARY}/postgres")
    for name, dsn in UNESCAPED.items():
        (tmp_path / name).write_text(Template(dsn).substitute({"PG": f"{postgres.host}:{postgres.port}"}))
    (tmp_path / "redis_url").write_text(f"redis://:{ENCODED}@{locked_redis.host}:{locked_redis.port}/0")
    (tmp_path / "redis_malformed").write_text(f"redis://:{CANARY}@{locked_redis.host}:{CANARY}/0")
    (tmp_path / "redis_digits").write_text(f"redis://:{PORT_LIKE}/{CANARY}@{locked_redis.host}:{locked_redis.port}/0")
    (tmp_path / "redis_mark").write_text(f"redis://canary:{PORT_LIKE}?{CANARY}=x@{locked_redis.host}:1/0")
    (tmp_path / "redis_host").write_text(f"redis://{CANARY}:x@{locked_redis.host}:{locked_redis.port}/0")
    (tmp_path / "passwords").write_text(json.dumps({f"redis://{locked_redis.host}:{locked_redis.port}/0": CANARY}))
    (tmp_path / "others").write_text(json.dumps({"redis://elsewhere": CANARY}))
    with full_backlog() as nowhere:
        async with receiver() as collector:
            env = {
                "DIR": str(tmp_path),
                "PG": f"{postgres.host}:{postgres.port}",
                "PG_PORT": str(postgres.port),
                "REDIS": f"{locked_redis.host}:{locked_redis.port}",
                "NOWHERE": str(nowhere),
                "COLLECTOR": collector.url,
            }
            answers, log = await answers_and_log_of(Sidecar(tmp_path, CONFIG, env))
    assert log.count("is down") >= len(BAD)
    assert {span.name for span in collector.spans} == {"scrape postgres", "scrape redis", "scrape app"}
    assert {headers["Authorization"] for headers in collector.headers} == {f"Bearer {CANARY}"}
    assert_clean("\n".join([*answers, log, *map(str, [*collector.traces, *collector.metrics])]))


async def answers_and_log_of(configured: Sidecar) -> tuple[list[str], str]:
    """Return all that `configured` shows, what it was started with and what it logged."""
    with configured as sidecar:

        async def ups() -> Mapping[str, float]:
            values = samples_of((await get_text(f"{sidecar.url}/metrics"))[1])
            return {
                f"{kind}/{target}": values.get(f'sidecar_target_up{{kind="{kind}",target="{target}"}}', -1.0)
                for kind, target in (name.split("/") for name in GOOD + BAD)
            }

        expected = dict.fromkeys(GOOD, 1.0) | dict.fromkeys(BAD, 0.0)
        await eventually(ups, lambda found: found == expected)
        answers = [(await get_text(f"{sidecar.url}/{path}"))[1] for path in PATHS]
        answers += [(await get_text(f"{sidecar.url}/probe?target={name}"))[1] for name in GOOD + BAD]
        answers += [(await get_text(sidecar.page_url))[1], arguments_of(sidecar)]
        sidecar.config_path.write_text(sidecar.config_path.read_text().replace("dsn: ", "dns: ", 1))
        await eventually(lambda: log_of(sidecar), lambda log: "dns" in log)
    return answers, sidecar.log


PATHS = ("metrics", "livez?verbose", "readyz?verbose", "startupz?verbose", f"probe?target={ENCODED}")


def arguments_of(sidecar: Sidecar) -> str:
    return Path(f"/proc/{sidecar.pid}/cmdline").read_text()


async def log_of(sidecar: Sidecar) -> str:
    return sidecar.log


def assert_clean(text: str) -> None:
    """Fail on what the canary, or a part of it, stands in."""
    assert [line for line in text.splitlines() if any(trace in line for trace in TRACES)] == []


class FromEnvironment(Sidecar):
    """A sidecar without a configuration file."""

    @override
    def command(self) -> list[str]:
        return [sys.executable, "-m", "sidecar", "run"]


VARIABLES = {
    "uri": {
        "DATA_SOURCE_URI": "${PG}/postgres?sslmode=disable",
        "DATA_SOURCE_USER": "canary",
        "DATA_SOURCE_PASS": CANARY,
        "REDIS_ADDR": "redis://${REDIS}",
        "REDIS_PASSWORD": CANARY,
    },
    "of an app": {
        "DATABASE_URL": f"postgresql+asyncpg://canary:{ENCODED}@${{PG}}/postgres?schema=public",
        "REDIS_URL": f"redis://:{ENCODED}@${{REDIS}}/0?protocol=3",
    },
    "of the exporters": {
        "DATA_SOURCE_NAME": f"postgresql://canary:{ENCODED}@${{PG}}/postgres",
        "REDIS_ADDR": f"redis://:{ENCODED}@${{REDIS}}",
    },
    "files": {
        "DATA_SOURCE_URI_FILE": "${DIR}/uri",
        "DATA_SOURCE_USER_FILE": "${DIR}/user",
        "DATA_SOURCE_PASS_FILE": "${DIR}/password",
        "REDIS_ADDR": "${REDIS}",
        "REDIS_PASSWORD_FILE": "${DIR}/password",
    },
    "files of everything": {
        "DATA_SOURCE_NAME_FILE": "${DIR}/dsn",
        "REDIS_ADDR": "${REDIS}",
        "REDIS_PASSWORD_FILE": "${DIR}/passwords",
    },
    "unescaped": {
        "DATA_SOURCE_NAME_FILE": "${DIR}/digits",
        "REDIS_URL": f"redis://nobody:{ENCODED}@${{REDIS}}/0",
    },
    "unescaped in another way": {
        "DATA_SOURCE_NAME_FILE": "${DIR}/hash",
        "REDIS_ADDR": f"nobody:{ENCODED}@${{REDIS}}",
    },
}


@pytest.mark.usefixtures("role")
@pytest.mark.parametrize("case", VARIABLES)
async def test_variables_of_the_environment_are_not_repeated(
    case: str, postgres: PostgresServer, locked_redis: ValkeyServer, tmp_path: Path
) -> None:
    places = {
        "DIR": str(tmp_path),
        "PG": f"{postgres.host}:{postgres.port}",
        "REDIS": f"{locked_redis.host}:{locked_redis.port}",
    }
    for name, content in (
        ("uri", "${PG}/postgres?sslmode=disable"),
        ("user", "canary"),
        ("password", CANARY),
        ("passwords", json.dumps({"redis://${REDIS}": CANARY})),
        ("dsn", f"postgresql://canary:{ENCODED}@${{PG}}/postgres"),
        *UNESCAPED.items(),
    ):
        (tmp_path / name).write_text(Template(content).substitute(places))
    env = {name: Template(value).substitute(places) for name, value in VARIABLES[case].items()}
    sidecar = FromEnvironment(tmp_path, "", env | {"SIDECAR_OTLP_LISTEN": "off"})
    listeners = {"SIDECAR_LISTEN": f"127.0.0.1:{sidecar.port}", "SIDECAR_API_LISTEN": f"127.0.0.1:{sidecar.api_port}"}
    sidecar._env |= listeners
    up = 0 if case.startswith("unescaped") else 1
    with sidecar:

        async def metrics() -> str:
            return (await get_text(f"{sidecar.url}/metrics"))[1]

        text = await eventually(metrics, lambda text: told(text, "pg_up", up) and told(text, "redis_up", up))
        assert_clean(text + (await get_text(sidecar.page_url))[1] + sidecar.log)


@pytest.mark.parametrize("case", UNESCAPED)
@pytest.mark.parametrize("variable", ["DATABASE_URL", "DATA_SOURCE_NAME"])
def test_variable_that_is_no_dsn_is_refused_by_its_name_alone(variable: str, case: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sidecar", "run"],
        capture_output=True,
        text=True,
        check=False,
        env={variable: Template(UNESCAPED[case]).substitute({"PG": "127.0.0.1:5432"})},
    )
    assert done.returncode != 0
    assert f"`{variable}`: the DSN is not a URL" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("variable", "address"),
    [
        ("REDIS_URL", f"redis://:{PORT_LIKE}/{CANARY}@127.0.0.1:6379/0"),
        ("REDIS_ADDR", f"canary:{PORT_LIKE}?{CANARY}=x@127.0.0.1:6379"),
        ("REDIS_ADDR", f"redis://:{CANARY}@127.0.0.1:port"),
    ],
)
def test_an_address_of_redis_that_is_none_is_told_by_its_variable_and_without_its_password(
    variable: str, address: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sidecar", "check"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, variable: address},
    )
    assert done.returncode == 1
    assert f"`{variable}`" in done.stdout + done.stderr
    assert_clean(done.stdout + done.stderr)


def told(text: str, name: str, value: int) -> bool:
    """Return whether the page has `name`, with labels or without, and `value` in each line."""
    values = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
    return bool(values) and set(values) == {str(value)}


@pytest.mark.parametrize(
    "setting",
    [
        f"postgres: [{{dsn: 'postgres:{CANARY}@127.0.0.1:5432'}}]",
        f"postgres: [{{dsn: 'mysql://u:{ENCODED}@127.0.0.1/x'}}]",
        f"postgres: [{{dsn: 'postgresql://u:{ENCODED}@h/x', timeout_seconds: {CANARY!r}}}]".replace(CANARY, "often"),
        f"postgres: [{{dsn: ['postgresql://u:{ENCODED}@h/x']}}]",
        f"postgres: [{{dsn: 'postgresql://u:{PORT_LIKE}/{CANARY}@h/x', timeout_seconds: often}}]",
        f"redis: [{{url: 'redis://:{PORT_LIKE}/{CANARY}@h', timeout_seconds: often}}]",
        f"redis: [{{url: 'http://:{ENCODED}@127.0.0.1'}}]",
        f"redis: [{{url: 'redis://h', passwort: '{CANARY}'}}]",
        f"redis: [{{url: 'redis://h', password: ['{CANARY}']}}]",
        f"app_metrics: [{{url: 'http://u:{ENCODED}@h/metrics', max_series: no}}]",
        f"alertmanagers: [{{url: 'http://u:{ENCODED}@h'}}]",
        f"telemetry: {{endpoint: 'http://u:{ENCODED}@h'}}",
        f"telemetry: {{headers: {{Authorization: ['{CANARY}']}}}}",
        f"alertmanagers: [{{url: 'http://h', basic_auth: {{username: u, password: {{a: '{CANARY}'}}}}}}]",
    ],
)
def test_a_mistake_beside_a_password_is_told_without_it(setting: str, tmp_path: Path) -> None:
    path = tmp_path / "sidecar.yaml"
    path.write_text(setting + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "sidecar", "check", "--config", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "sidecar.yaml:1:" in done.stdout + done.stderr
    assert_clean(done.stdout + done.stderr)
