"""What is told before anything starts: two listeners of one configuration that cannot both have their port."""

import pytest

from sidecar.app.config import SidecarConfig
from sidecar.app.environment.read import read_environment
from sidecar.model.errors import ConfigError
from sidecar.model.yaml.config import read_config


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "pod: {listen: '127.0.0.1:9'}\napi: {listen: '127.0.0.1:9'}",
            "`api.listen` `127.0.0.1:9` is where `pod.listen`",
        ),
        ("pod: {listen: 9465}", "`api.listen` `127.0.0.1:9465` is where `pod.listen`"),
        ("pod: {listen: '0.0.0.0:4318'}", "`otlp.http.listen` `127.0.0.1:4318` is where `pod.listen`"),
        ("otlp: {grpc: {listen: ':4318'}}", "`otlp.grpc.listen` `:4318` is where `otlp.http.listen`"),
        ("pod: {listen: '[::1]:9'}\notlp: {http: {listen: ':9'}}", "`otlp.http.listen` `:9` is where `pod.listen`"),
    ],
)
def test_two_listeners_at_one_port_are_a_mistake_that_names_both(text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(SidecarConfig, "sidecar.yaml", text, {})
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "pod: {listen: '127.0.0.1:0'}\napi: {listen: '127.0.0.1:0'}",
        "pod: {listen: '127.0.0.2:9465'}",
        "pod: {listen: '[::1]:9465'}",
        "pod: {listen: '0.0.0.0:9'}\notlp: {http: {listen: '[::1]:9'}}",
        "pod: {listen: 4318}\notlp: {http: {listen: null}}",
    ],
)
def test_those_that_may_have_their_ports_are_none(text: str) -> None:
    read_config(SidecarConfig, "sidecar.yaml", text, {})


def test_the_environment_is_told_so_too() -> None:
    with pytest.raises(ConfigError, match=r"`api\.listen` `127\.0\.0\.1:9465` is where `pod\.listen` listens"):
        read_environment({"SIDECAR_LISTEN": "9465"})
