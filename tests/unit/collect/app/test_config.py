"""Configuration of the app's endpoints."""

from typing import Any

import pytest
from pydantic import ValidationError

from sidecar.collect.app.config import AppMetricsConfig


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, "Field required"),
        ({"url": "127.0.0.1:8000/metrics"}, "is not an http or https URL"),
        ({"url": "ftp://h/metrics"}, "is not an http or https URL"),
        ({"url": "http://u:c4nary@h/metrics"}, "credentials do not belong into the URL"),
        ({"url": "http://h/metrics", "name": "My App"}, "should match pattern"),
        ({"url": "https://h/metrics", "ca_file": "x", "insecure_skip_verify": True}, "set one of them"),
    ],
)
def test_what_cannot_be_scraped_is_refused_and_no_secret_repeated(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason) as caught:
        AppMetricsConfig.model_validate(values)
    assert "c4nary" not in str(caught.value)


def test_metrics_are_not_merged_unless_asked() -> None:
    config = AppMetricsConfig(url="http://127.0.0.1:8000/metrics")
    assert (config.name, config.merge, config.max_series) == ("app", False, 5000)
