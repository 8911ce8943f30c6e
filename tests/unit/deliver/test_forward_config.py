"""The configuration of forwarding."""

from typing import Any

import pytest
from pydantic import ValidationError

from sidecar.deliver.config import ForwardConfig


def test_nothing_is_forwarded_by_default() -> None:
    assert ForwardConfig().endpoint is None


def test_secrets_are_not_shown() -> None:
    config = ForwardConfig.model_validate({"endpoint": "http://c:4318/", "headers": {"Authorization": "canary"}})
    assert "canary" not in repr(config)
    assert config.endpoint == "http://c:4318"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"endpoint": "c:4318"}, "not an http or https URL"),
        ({"endpoint": "http://u:canary@c"}, "credentials do not belong"),
        ({"endpoint": "http://c/v1/traces"}, "leave `/v1/traces` out"),
        ({"endpoint": "http://c/base", "protocol": "grpc"}, "has no path"),
        ({"headers": {"a b": "canary"}}, "`a b` is not a name"),
        ({"headers": {"Content-Type": "canary"}}, "cannot be set"),
        ({"header_files": {"grpc-timeout": "f"}}, "cannot be set"),
        ({"headers": {"A": "canary"}, "header_files": {"a": "f"}}, "in `headers` and in `header_files`"),
        ({"certificate_file": "f"}, "set both"),
        ({"queue_max_bytes": 10, "spill_max_bytes": 9}, "must not be less"),
        ({"signals": ["spans"]}, "'traces', 'metrics' or 'logs'"),
    ],
)
def test_a_mistake_is_told_without_its_secret(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        ForwardConfig.model_validate(given)
    assert "canary" not in str(caught.value)
