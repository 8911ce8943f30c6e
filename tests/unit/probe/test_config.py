"""The configuration of the app's checks: what is refused, where, and without a secret."""

import pytest

from sidecar.model.errors import ConfigError
from sidecar.model.yaml.config import read_config
from sidecar.probe.checks.http.config import HttpCheckConfig
from sidecar.probe.checks.tcp.config import TcpCheckConfig
from sidecar.probe.config import ProbesConfig


def problem_of(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        read_config(ProbesConfig, "f", text, {})
    (line,) = str(caught.value).splitlines()
    return line


def test_a_check_without_a_kind_is_http() -> None:
    config = read_config(ProbesConfig, "f", "checks: [{url: 'http://h/'}, {name: t, kind: tcp, address: 'h:1'}]", {})
    first, second = config.config.checks
    assert isinstance(first, HttpCheckConfig)
    assert isinstance(second, TcpCheckConfig)


@pytest.mark.parametrize(
    ("check", "problem"),
    [
        ("{url: 'http://h', timeout_seconds: 0}", "f:1:45: `checks.0.timeout_seconds`: input should be greater than 0"),
        ("{kind: http, urll: 'http://h', url: 'http://h'}", "f:1:23: unknown key `checks.0.urll`; did you mean `url`?"),
        ("{kind: tcp, address: x}", "f:1:31: `checks.0.address`: `x` is not an address to listen on; use"),
        ("{kind: ftp}", "f:1:17: `checks.0.kind`: `ftp` is not one of 'http', 'tcp'"),
        ("{kind: tcp}", "f:1:10: `checks.0.address`: field required"),
        ("3", "f:1:10: `checks.0`: should be a mapping of keys to values"),
    ],
)
def test_a_mistake_in_a_check_is_told_at_its_place_by_the_users_path(check: str, problem: str) -> None:
    assert problem_of(f"checks: [{check}]").startswith(problem)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:0/",
        "http://h:abc/",
        "http://[/",
        "http://",
        "ftp://h/",
        "h:8080/healthz",
        "http://u:c4nary@h/",
        "ftp://u:c4nary@h/",
        "ftp://u:c4/nary@h/",
        "http://u:c4nary@[/",
        "http://c4nary@h:99999/",
        "u:c4nary@h",
        "ftp://h/?token=c4nary",
    ],
)
def test_a_url_that_cannot_be_asked_is_refused_without_its_credentials(url: str) -> None:
    problem = problem_of(f"checks: [{{url: '{url}'}}]")
    assert problem.startswith("f:1:16: `checks.0.url`: ")
    assert "nary" not in problem
    assert ("URL" in problem, "Value error" in problem) == (True, False)


@pytest.mark.parametrize("value", ["'.inf'", ".inf", "inf", ".nan", "true"])
def test_an_interval_is_a_finite_number(value: str) -> None:
    assert "`restart_grace_seconds`: input should be a " in problem_of(f"restart_grace_seconds: {value}")
