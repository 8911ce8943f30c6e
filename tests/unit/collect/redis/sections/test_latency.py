"""Spikes of latency."""

import pytest

from sidecar.collect.redis.sections.latency import SECTION
from tests.unit.collect.redis.answering import answered, asked, server_of, wire

INFO = {"redis_version": "7.0.15"}


def test_spikes_by_event() -> None:
    spikes = [["command", 1795401231, 125, 300], ["fork", 1795401200, 7, 7]]
    assert answered(SECTION, server_of(INFO), {"LATENCY LATEST": wire(spikes)}) == {
        'redis_latency_spike_last{event_name="command"}': 1795401231,
        'redis_latency_spike_last{event_name="fork"}': 1795401200,
        'redis_latency_spike_duration_seconds{event_name="command"}': pytest.approx(0.125),
        'redis_latency_spike_duration_seconds{event_name="fork"}': pytest.approx(0.007),
    }


def test_nothing_measured_is_nothing_told() -> None:
    assert answered(SECTION, server_of(INFO), {"LATENCY LATEST": []}) == {}


def test_a_sentinel_is_not_asked() -> None:
    assert asked(SECTION, server_of(INFO)) == ["LATENCY LATEST"]
    assert asked(SECTION, server_of({**INFO, "sentinel_masters": "1"})) == []
