"""The one line of the log that says what runs and what does not."""

from typing import Any

from sidecar.app.config import SidecarConfig
from sidecar.app.started import RuleCounts, started
from sidecar.model.address import Address

ADDRESSES = {
    "pod": Address("::", 9464),
    "local": Address("127.0.0.1", 9465),
    "otlp_http": Address("127.0.0.1", 4318),
    "otlp_grpc": Address("127.0.0.1", 4317),
}


def line_of(config: dict[str, Any], rules: int = 0, groups: int = 0, receivers: int = 0, records: int = 0) -> str:
    counts = RuleCounts(rules, rules - records, groups, receivers)
    event = started(SidecarConfig.model_validate(config), ADDRESSES, counts, "sidecar.yaml")
    return event.message.format(**{name: getattr(event, name) for name in event.__slots__})


def test_everything_that_is_configured_is_named_with_its_address() -> None:
    line = line_of(
        {
            "postgres": [{"dsn": "postgresql://u:s3cret@db/shop"}, {"name": "other", "dsn": "postgresql://db/other"}],
            "redis": [{"url": "redis://cache"}],
            "app_metrics": [{"url": "http://127.0.0.1:8000/metrics"}],
            "probes": {"checks": [{"url": "http://127.0.0.1:8080/healthz"}]},
            "alertmanagers": [{"url": "http://alertmanager:9093"}],
            "forward": {"endpoint": "http://collector:4318"},
            "state": {"path": "state.db"},
        },
        rules=12,
        groups=1,
        receivers=1,
    )
    assert line == (
        "Sidecar is up, configuration from `sidecar.yaml`; listens on [::]:9464 (probes, /metrics), "
        "127.0.0.1:9465 (page, API), 127.0.0.1:4318 (OTLP/HTTP), 127.0.0.1:4317 (OTLP/gRPC); "
        "targets: postgres/postgres, postgres/other, redis/redis, app/app; "
        "checks: app; rules: 12 in 1 group; off: none."
    )


def test_what_is_off_is_named_with_the_key_that_turns_it_on() -> None:
    line = line_of({"otlp": {"http": {"listen": None}, "grpc": {"listen": None}}})
    assert "targets: none; checks: none; rules: 0 in 0 groups;" in line
    assert line.endswith(
        "off: checks of the app (`probes.checks`), alerts (`rules.files`, `rules.shipped`), OTLP (`otlp.http.listen`, "
        "`otlp.grpc.listen`), forwarding (`forward.endpoint`), state that survives a restart (`state.path`)."
    )


def test_rules_without_an_alertmanager_are_said_to_tell_nobody() -> None:
    assert "telling alerts to anybody (`alertmanagers`, `webhooks`), " in line_of({}, rules=2, groups=2)


def test_rules_that_only_record_are_no_alerts() -> None:
    line = line_of({}, rules=2, groups=1, records=2)
    assert "rules: 2 in 1 group;" in line
    assert "alerts (`rules.files`, `rules.shipped`), " in line
