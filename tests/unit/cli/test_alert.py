"""`sidecar alert test`: every receiver is told, and what it answers is said without its URL."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from typing_extensions import override

from sidecar.cli import main


class Hook(BaseHTTPRequestHandler):
    """A service that refuses what comes to a path with `bad` in it."""

    paths: list[str]

    def do_POST(self) -> None:
        self.paths.append(self.path)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(400 if "bad" in self.path else 200)
        self.end_headers()
        self.wfile.write(self.path.encode())

    @override
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    Hook.paths = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def run(folder: Path, config: str, *arguments: str) -> Result:
    path = folder / "sidecar.yaml"
    path.write_text(config)
    return CliRunner().invoke(main, ["alert", "test", "--config", str(path), *arguments])


def test_every_receiver_is_told_and_the_code_is_0(tmp_path: Path, url: str) -> None:
    done = run(
        tmp_path,
        f"alertmanagers: [{{name: am, url: '{url}'}}]\n"
        f"webhooks: [{{name: chat, kind: slack, url: '{url}/canary'}}, {{name: own, kind: ntfy, url: '{url}/x'}}]",
    )
    assert done.exit_code == 0, done.output
    assert done.output.splitlines() == ["alertmanager/am: took it", "webhook/chat: took it", "webhook/own: took it"]
    assert Hook.paths == ["/api/v2/alerts", "/canary", "/"]


def test_one_that_refuses_is_named_without_its_url_and_the_code_is_1(tmp_path: Path, url: str) -> None:
    config = (
        f"webhooks: [{{name: chat, kind: slack, url: '{url}/bad-canary'}}, {{name: b, kind: teams, url: '{url}/y'}}]"
    )
    done = run(tmp_path, config)
    assert done.exit_code == 1
    assert "webhook/chat: status 400, `***`" in done.output
    assert "webhook/b: took it" in done.output
    assert "canary" not in done.output
    only = run(tmp_path, config, "--receiver", "b")
    assert (only.exit_code, only.output) == (0, "webhook/b: took it\n")


def test_without_any_receiver_the_code_is_1(tmp_path: Path) -> None:
    done = run(tmp_path, "{}")
    assert (done.exit_code, "no receiver is configured" in done.output) == (1, True)
    assert "no receiver is named `x`" in run(tmp_path, "{}", "--receiver", "x").output


def test_alertmanagers_that_are_looked_up_are_said_not_to_be_tried(tmp_path: Path) -> None:
    done = run(tmp_path, "alertmanagers: [{name: am, dns: {name: alerts.example}}]")
    assert (done.exit_code, "alertmanager/am: not tried" in done.output) == (1, True), done.output
