"""What the section `telemetry` takes, and what it refuses without repeating a secret."""

from pathlib import Path

import pytest

from sidecar.app.config import SidecarConfig
from sidecar.app.source import ConfigSource
from sidecar.deliver.telemetry.config import TelemetryConfig
from sidecar.model.errors import ConfigError
from sidecar.model.yaml.config import read_config


def telemetry_of(text: str) -> TelemetryConfig:
    return read_config(SidecarConfig, "sidecar.yaml", text, {}).config.telemetry


def test_it_is_off_unless_an_endpoint_is_set_whatever_the_environment_says(tmp_path: Path) -> None:
    path = tmp_path / "sidecar.yaml"
    path.write_text("job: shop\n")
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER": "otlp"}
    for source in (ConfigSource(path, env), ConfigSource(None, env)):
        assert source.read().config.telemetry.endpoint is None


def test_the_secret_of_a_header_is_in_no_text_of_the_configuration() -> None:
    config = telemetry_of("telemetry: {endpoint: 'http://h:4318/', headers: {Authorization: 'Bearer c4nary'}}")
    assert config.endpoint == "http://h:4318"
    assert "c4nary" not in f"{config!r} {config} {config.model_dump_json()}"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("endpoint: 'h:4318'", "is not an http or https URL"),
        ("endpoint: 'http://u:c4nary@h'", "credentials do not belong into the URL"),
        ("endpoint: 'http://h/?key=c4nary'", "a URL with a query or a fragment cannot have a path added to it"),
        ("endpoint: 'http://h/otlp', protocol: grpc", "has a path, which means nothing with the protocol `grpc`"),
        ("endpoint: 'http://h/otlp/v1/traces'", "`endpoint` is a base URL: leave `/v1/traces`"),
        ("headers: {'a b': c4nary}", "`a b` is not the name of a header"),
        ('headers: {a: "c4nary\\nx: y"}', "the value of `a` must be printable ASCII"),
        ("protocol: http", "input should be 'http/protobuf' or 'grpc'"),
        ("sampling_ratio: 2", "less than or equal to 1"),
        ("resource_attributes: {'': x}", "an attribute needs a name"),
    ],
)
def test_a_mistake_is_told_at_its_place_and_without_the_secret(settings: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        telemetry_of(f"telemetry: {{{settings}}}")
    assert message in str(caught.value)
    assert str(caught.value).startswith("sidecar.yaml:1:")
    assert "c4nary" not in str(caught.value)


@pytest.mark.parametrize(
    ("endpoint", "listener", "pod"),
    [
        ("http://127.0.0.1:4318", "otlp.http.listen", ":80"),
        ("http://127.0.0.1:4317", "otlp.grpc.listen", ":80"),
        ("http://localhost:4318", "otlp.http.listen", ":80"),
        ("http://[::1]:4318", "otlp.http.listen", ":80"),
        ("http://0.0.0.0:4318", "otlp.http.listen", ":80"),
        ("http://localhost:9000", "api.listen", ":80"),
        ("http://127.0.0.1", "pod.listen", ":80"),
        ("http://10.0.0.7:80", "pod.listen", "10.0.0.7:80"),
    ],
)
def test_an_endpoint_that_is_our_own_listener_is_refused(endpoint: str, listener: str, pod: str) -> None:
    text = f"telemetry: {{endpoint: '{endpoint}'}}\npod: {{listen: '{pod}'}}\napi: {{listen: '127.0.0.1:9000'}}\n"
    with pytest.raises(ConfigError) as caught:
        telemetry_of(text)
    (problem,) = caught.value.problems
    said = f"`telemetry`: `endpoint` `{endpoint}` is the sidecar itself, it listens there by `{listener}`"
    assert (problem.line, problem.message) == (1, said)


@pytest.mark.parametrize(
    ("endpoint", "otlp"),
    [
        ("http://127.0.0.1:5317", "{http: {listen: '127.0.0.1:4318'}}"),
        ("http://collector:4318", "{http: {listen: '127.0.0.1:4318'}}"),
        ("http://127.0.0.1:4318", "{http: {listen: null}}"),
        ("http://127.0.0.1:4318", "{http: {listen: '10.0.0.7:4318'}}"),
    ],
)
def test_an_endpoint_elsewhere_is_taken(endpoint: str, otlp: str) -> None:
    assert telemetry_of(f"telemetry: {{endpoint: '{endpoint}'}}\notlp: {otlp}").endpoint == endpoint


def test_a_mistake_in_a_listener_is_told_alone() -> None:
    with pytest.raises(ConfigError) as caught:
        telemetry_of("telemetry: {endpoint: 'http://127.0.0.1:4318'}\notlp: {http: {listen: nowhere}}")
    assert len(caught.value.problems) == 1
