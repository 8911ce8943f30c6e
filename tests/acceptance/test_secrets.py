"""A password in every place where one can stand is in no log, label, error, answer or argument list."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import asyncpg
import pytest
from typing_extensions import override

from sidecar.demo.servers import PostgresServer, ValkeyServer
from tests.integration.servers import full_backlog
from tests.servers import Sidecar, eventually, get_text, samples_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

CANARY = "c4n@ry/p?ss"
ENCODED = "c4n%40ry%2Fp%3Fss"
TRACES = (CANARY, ENCODED, "c4n")
"""The last one finds what a split at a special character would leave."""

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
redis:
  - {{name: url, url: "redis://:{ENCODED}@${{REDIS}}/0"}}
  - {{name: key, url: "redis://${{REDIS}}/0", password: "{CANARY}"}}
  - {{name: file, url_file: "${{DIR}}/redis_url"}}
  - {{name: password, url: "redis://${{REDIS}}/0", password_file: "${{DIR}}/password"}}
  - {{name: wrong, url: "redis://canary:{ENCODED}@${{REDIS}}/0"}}
  - {{name: away, timeout_seconds: 0.5, url: "redis://:{ENCODED}@127.0.0.1:${{NOWHERE}}/0"}}
app_metrics:
  - name: app
    url: "http://127.0.0.1:${{NOWHERE}}/metrics"
    timeout_seconds: 0.5
    bearer_token_file: "${{DIR}}/password"
alertmanagers:
  - {{name: basic, url: "http://127.0.0.1:1", basic_auth: {{username: u, password: "{CANARY}"}}}}
  - {{name: bearer, url: "http://127.0.0.1:1", bearer_token: "{CANARY}"}}
"""
GOOD = [f"postgres/{name}" for name in ("url", "query", "pairs", "file", "password")]
GOOD += [f"redis/{name}" for name in ("url", "key", "file", "password")]
BAD = ["postgres/wrong", "postgres/away", "postgres/malformed", "redis/wrong", "redis/away", "app/app"]


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
    (tmp_path / "redis_url").write_text(f"redis://:{ENCODED}@{locked_redis.host}:{locked_redis.port}/0")
    with full_backlog() as nowhere:
        env = {
            "DIR": str(tmp_path),
            "PG": f"{postgres.host}:{postgres.port}",
            "PG_PORT": str(postgres.port),
            "REDIS": f"{locked_redis.host}:{locked_redis.port}",
            "NOWHERE": str(nowhere),
        }
        with Sidecar(tmp_path, CONFIG, env) as sidecar:

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
            answers += [(await get_text(sidecar.page_url))[1]]
            arguments = arguments_of(sidecar)
            sidecar.config_path.write_text(sidecar.config_path.read_text().replace("dsn: ", "dns: ", 1))
            await eventually(lambda: log_of(sidecar), lambda log: "dns" in log)
            log = sidecar.log
    assert log.count("is down") >= len(BAD)
    assert_clean("\n".join([*answers, arguments, log]))


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


@pytest.mark.usefixtures("role")
async def test_variables_of_the_environment_are_not_repeated(
    postgres: PostgresServer, locked_redis: ValkeyServer, tmp_path: Path
) -> None:
    env = {
        "DATA_SOURCE_URI": f"{postgres.host}:{postgres.port}/postgres?sslmode=disable",
        "DATA_SOURCE_USER": "canary",
        "DATA_SOURCE_PASS": CANARY,
        "REDIS_ADDR": f"redis://{locked_redis.host}:{locked_redis.port}",
        "REDIS_PASSWORD": CANARY,
        "SIDECAR_OTLP_LISTEN": "off",
    }
    sidecar = FromEnvironment(tmp_path, "", env)
    listeners = {"SIDECAR_LISTEN": f"127.0.0.1:{sidecar.port}", "SIDECAR_API_LISTEN": f"127.0.0.1:{sidecar.api_port}"}
    sidecar._env |= listeners
    with sidecar:

        async def metrics() -> str:
            return (await get_text(f"{sidecar.url}/metrics"))[1]

        text = await eventually(metrics, lambda text: "\npg_up 1\n" in text and "\nredis_up 1\n" in text)
        assert_clean(text + (await get_text(sidecar.page_url))[1] + sidecar.log)


@pytest.mark.parametrize(
    "setting",
    [
        f"postgres: [{{dsn: 'postgres:{CANARY}@127.0.0.1:5432'}}]",
        f"postgres: [{{dsn: 'mysql://u:{ENCODED}@127.0.0.1/x'}}]",
        f"postgres: [{{dsn: 'postgresql://u:{ENCODED}@h/x', timeout_seconds: {CANARY!r}}}]".replace(CANARY, "often"),
        f"postgres: [{{dsn: ['postgresql://u:{ENCODED}@h/x']}}]",
        f"redis: [{{url: 'http://:{ENCODED}@127.0.0.1'}}]",
        f"redis: [{{url: 'redis://h', passwort: '{CANARY}'}}]",
        f"redis: [{{url: 'redis://h', password: ['{CANARY}']}}]",
        f"app_metrics: [{{url: 'http://u:{ENCODED}@h/metrics', max_series: no}}]",
        f"alertmanagers: [{{url: 'http://u:{ENCODED}@h'}}]",
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
