"""Bodies of webhooks: as they stand in tests/golden/webhook, and within the limits of each service for any text."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.codec.webhook.alertmanager import MAX_ALERTS, alertmanager_body, fingerprint, go_time
from sidecar.codec.webhook.discord import discord_body
from sidecar.codec.webhook.ntfy import ntfy_body
from sidecar.codec.webhook.pagerduty import pagerduty_body
from sidecar.codec.webhook.slack import slack_body
from sidecar.codec.webhook.teams import teams_body
from sidecar.model.alert import Alert
from sidecar.model.notification import Notification
from tests.conftest import ROOT

GOLDEN = ROOT / "tests/golden/webhook"
BODIES: dict[str, Callable[[Notification, str], dict[str, Any]]] = {
    "alertmanager": alertmanager_body,
    "slack": slack_body,
    "teams": teams_body,
    "discord": discord_body,
    "pagerduty": pagerduty_body,
    "ntfy": ntfy_body,
}
KEYS = {"pagerduty": "routing-key", "ntfy": "topic"}
NOW = 1_700_000_100_500


def alert(instance: str, ends_ms: int = NOW + 240_000, **labels: str) -> Alert:
    return Alert(
        {"alertname": "QueueStands", "severity": "critical", "job": "shop", "instance": instance, **labels},
        {
            "summary": f"Queue of {instance} <!channel> *stands* & waits",
            "description": "More words.",
            "runbook_url": "https://runbooks.example/queue",
        },
        NOW - 60_500,
        ends_ms,
        "http://sidecar.example/graph?g0.expr=queue+%3E+1&g0.tab=1",
    )


def notification(*alerts: Alert) -> Notification:
    key = '{}:{alertname="QueueStands"}'
    return Notification("chat", key, {"alertname": "QueueStands"}, alerts, NOW, "http://sidecar.example")


CASES = {
    "firing": notification(alert("a:1"), alert("b:1"), alert("c:1", NOW - 1000)),
    "resolved": notification(alert("a:1", NOW - 1000)),
    "many": notification(*(alert(f"host-{number}:1") for number in range(12))),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", BODIES)
def test_the_body_is_the_golden_one(kind: str, case: str) -> None:
    body = BODIES[kind](CASES[case], KEYS.get(kind, ""))
    assert body == json.loads((GOLDEN / f"{kind}.{case}.json").read_text())


def test_every_golden_body_has_its_case() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {f"{kind}.{case}.json" for kind in BODIES for case in CASES}


def test_the_fingerprint_is_that_of_prometheus() -> None:
    assert fingerprint(Alert({}, {}, 0, 0, "")) == "cbf29ce484222325"
    assert fingerprint(alert("a:1")) == fingerprint(alert("a:1", 0))


@pytest.mark.parametrize(
    ("time_ms", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1_700_000_000_000, "2023-11-14T22:13:20Z"),
        (1_700_000_000_120, "2023-11-14T22:13:20.12Z"),
        (1_700_000_000_001, "2023-11-14T22:13:20.001Z"),
    ],
)
def test_times_have_as_many_decimals_as_they_need(time_ms: int, text: str) -> None:
    assert go_time(time_ms) == text


TEXTS = st.one_of(
    st.text(max_size=40), st.builds(lambda text: text * 2000, st.sampled_from(["a", "&", "*", "😀", "é"]))
)
ALERTS = st.builds(
    lambda name, value, summary, url, ends: Alert(
        {"alertname": name, "instance": value, "severity": "critical"},
        {"summary": summary, "runbook_url": f"https://h/{url}"},
        NOW - 1000,
        NOW + ends,
        f"http://h/{url}",
    ),
    TEXTS,
    TEXTS,
    TEXTS,
    TEXTS,
    st.sampled_from([-1, 1]),
)


def units(text: str) -> int:
    return len(text.encode("utf-16-le", errors="replace")) // 2


def sized(body: dict[str, Any]) -> int:
    return len(json.dumps(body, ensure_ascii=False).encode(errors="replace"))


def within_slack(body: dict[str, Any]) -> Iterator[bool]:
    yield len(body["blocks"]) <= 50
    yield units(body["text"]) <= 4000
    for block in body["blocks"]:
        if "text" in block:
            yield 1 <= units(block["text"]["text"]) <= (150 if block["type"] == "header" else 3000)


def within_teams(body: dict[str, Any]) -> Iterator[bool]:
    yield sized(body) <= 28 * 1024


def within_discord(body: dict[str, Any]) -> Iterator[bool]:
    (embed,) = body["embeds"]
    yield 1 <= units(embed["title"]) <= 256
    yield 1 <= units(embed["description"]) <= 4096
    yield units(embed["title"]) + units(embed["description"]) <= 6000
    yield body["allowed_mentions"] == {"parse": []}


def within_pagerduty(body: dict[str, Any]) -> Iterator[bool]:
    yield sized(body) <= 512 * 1024
    yield len(body["dedup_key"]) <= 255
    if body["event_action"] == "trigger":
        yield 1 <= units(body["payload"]["summary"]) <= 1024
        yield bool(body["payload"]["source"])


def within_ntfy(body: dict[str, Any]) -> Iterator[bool]:
    yield len(body["message"].encode(errors="replace")) <= 4096
    yield sized(body) <= 4096 * 4
    yield 1 <= body["priority"] <= 5


LIMITS = {
    "slack": within_slack,
    "teams": within_teams,
    "discord": within_discord,
    "pagerduty": within_pagerduty,
    "ntfy": within_ntfy,
}


@pytest.mark.parametrize("kind", LIMITS)
@settings(max_examples=20)
@given(ALERTS, st.sampled_from([1, 3, 12]))
def test_every_body_is_within_the_limits_of_its_service(kind: str, alert: Alert, count: int) -> None:
    told = notification(*[alert] * count)
    assert [fits for fits in LIMITS[kind](BODIES[kind](told, "key")) if not fits] == []


def test_a_body_of_alertmanager_says_how_many_alerts_it_leaves_out() -> None:
    body = alertmanager_body(notification(*(alert(str(number)) for number in range(MAX_ALERTS + 3))))
    assert (len(body["alerts"]), body["truncatedAlerts"]) == (MAX_ALERTS, 3)  # type: ignore[arg-type]


def test_the_end_of_a_group_closes_the_incident_that_it_opened() -> None:
    opened, closed = (pagerduty_body(CASES[case], "key") for case in ("firing", "resolved"))
    assert (opened["event_action"], closed["event_action"]) == ("trigger", "resolve")
    assert opened["dedup_key"] == closed["dedup_key"]
