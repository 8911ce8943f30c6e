"""The app is killed: readiness goes at its threshold, liveness only after the grace; all is back after its restart."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from typing_extensions import override

from tests.servers import HOST, Program, Sidecar, eventually, get_text, samples_of

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

CONFIG = """\
probes:
  restart_grace_seconds: 3
  settle_seconds: 0
  minimum_dwell_seconds: 0
  checks: [{kind: http, url: "${APP}/", interval_seconds: 0.2, timeout_seconds: 0.2}]
"""
Answers = tuple[int, int, int]


class App(Program):
    """Any app with an HTTP port."""

    name = "app"

    @override
    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", "http.server", str(self.port), "--bind", HOST]

    @override
    def ready_url(self) -> str:
        return self.url


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    folder = tmp_path / "app"
    folder.mkdir()
    with App(folder) as running:
        yield running


async def test_the_probes_tell_what_the_app_does(app: App, tmp_path: Path) -> None:
    with Sidecar(tmp_path, CONFIG, {"APP": app.url}) as sidecar:

        async def answers() -> Answers:
            """Of /startupz, /livez and /readyz."""
            startup, live, ready = [(await get_text(f"{sidecar.url}/{path}"))[0] for path in PATHS]
            return startup, live, ready

        await eventually(answers, lambda seen: seen == (200, 200, 200))

        app.stop()
        await eventually(answers, lambda seen: seen == (200, 200, 503), 3)
        samples = samples_of((await get_text(f"{sidecar.url}/metrics"))[1])
        assert samples['sidecar_probe_success{check="app"}'] == 0
        await eventually(answers, lambda seen: seen == (200, 503, 503), 6)
        assert (await get_text(f"{sidecar.url}/livez/self"))[0] == 200
        assert "[-]app failed" in (await get_text(f"{sidecar.url}/livez?verbose"))[1]

        app.start()
        await eventually(answers, lambda seen: seen == (200, 200, 200))


PATHS = ("startupz", "livez", "readyz")
