"""Events: one call logs and counts; repetitions are counted, not logged; a line is a line."""

import io
import json
import logging

from prometheus_client import CollectorRegistry

from sidecar.runtime.config import LogConfig
from sidecar.runtime.events import ComponentFailed, Events
from sidecar.runtime.log import ConsoleFormatter, JsonFormatter
from sidecar.runtime.meter import Meter
from tests.fakes import FakeClock


def events_to(stream: io.StringIO, clock: FakeClock, formatter: logging.Formatter) -> tuple[Events, CollectorRegistry]:
    registry = CollectorRegistry()
    logger = logging.getLogger(f"sidecar.test.{id(stream)}")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger.addHandler(handler)
    return Events(logger, Meter(registry), clock), registry


def test_a_repeated_event_is_logged_once_a_minute_and_counted_each_time() -> None:
    stream, clock = io.StringIO(), FakeClock()
    events, registry = events_to(stream, clock, JsonFormatter())
    for _ in range(3):
        events.emit(ComponentFailed("a", "boom", 1.0))
    events.emit(ComponentFailed("b", "boom", 1.0))
    clock.pass_by(61)
    events.emit(ComponentFailed("a", "boom", 1.0))
    components = [json.loads(line)["component"] for line in stream.getvalue().splitlines()]
    assert components == ["a", "b", "a"]
    assert registry.get_sample_value("sidecar_events_total", {"event": "ComponentFailed", "level": "error"}) == 5


def test_a_line_break_in_a_value_does_not_make_a_second_line_in_either_format() -> None:
    for formatter in (JsonFormatter(), ConsoleFormatter()):
        stream = io.StringIO()
        events, _ = events_to(stream, FakeClock(), formatter)
        events.emit(ComponentFailed("a", "one\ntwo\x1b[31m", 1.0))
        assert len(stream.getvalue().splitlines()) == 1
        assert "\x1b" not in stream.getvalue()


def test_json_lines_carry_the_event_its_fields_and_a_utc_time() -> None:
    stream = io.StringIO()
    events, _ = events_to(stream, FakeClock(), JsonFormatter())
    events.emit(ComponentFailed("a", "boom", 1.5))
    line = json.loads(stream.getvalue())
    assert (line["event"], line["component"], line["retry_seconds"]) == ("ComponentFailed", "a", 1.5)
    assert line["message"] == "Component `a` failed: boom. Trying again in 1.5 s."
    assert line["time"].endswith("Z")


def test_logging_defaults_to_what_its_reader_wants_at_info() -> None:
    assert (LogConfig().format, LogConfig().level) == ("auto", "info")
