"""Events: one call logs and counts; repetitions are counted, not logged; a line is a line."""

import ast
import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from prometheus_client import CollectorRegistry

from sidecar.runtime.config import LogConfig
from sidecar.runtime.events import ComponentFailed, Event, Events
from sidecar.runtime.log import ConsoleFormatter, JsonFormatter
from sidecar.runtime.meter import Meter
from tests.conftest import ROOT
from tests.fakes import FakeClock


@dataclass(frozen=True, slots=True)
class AllAlike(Event):
    message: ClassVar[str] = "Alike: {text}."
    identity: ClassVar[tuple[str, ...]] = ()
    text: str


@dataclass(frozen=True, slots=True)
class NoneAlike(Event):
    message: ClassVar[str] = "Not alike: {text}."
    text: str


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


def test_the_text_of_an_exception_is_logged_without_credentials_in_every_format() -> None:
    for formatter in (JsonFormatter(), ConsoleFormatter()):
        stream = io.StringIO()
        events, _ = events_to(stream, FakeClock(), formatter)
        events.emit(ComponentFailed("a", "ValueError: postgres://u:c4nary@h/d", 1.0))
        assert "postgres://***@h/d" in stream.getvalue()
        assert "c4nary" not in stream.getvalue()


def test_what_names_no_identity_is_logged_each_time_and_what_names_no_field_once_a_minute() -> None:
    stream = io.StringIO()
    events, _ = events_to(stream, FakeClock(), JsonFormatter())
    for event in (NoneAlike("a"), NoneAlike("a"), AllAlike("a"), AllAlike("b")):
        events.emit(event)
    logged = [(line["event"], line["text"]) for line in map(json.loads, stream.getvalue().splitlines())]
    assert logged == [("NoneAlike", "a"), ("NoneAlike", "a"), ("AllAlike", "a")]


def event_classes() -> Iterator[ast.ClassDef]:
    """Yield the classes that derive an event, in all files."""
    for file in (ROOT / "sidecar").rglob("*.py"):
        if "(Event)" in (text := file.read_text()):
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.ClassDef) and "Event" in map(ast.unparse, node.bases):
                    yield node


def test_the_identity_of_every_event_names_fields_of_it() -> None:
    count = 0
    for event in event_classes():
        count += 1
        values = {ast.unparse(line.target): line.value for line in event.body if isinstance(line, ast.AnnAssign)}
        named = ast.literal_eval(identity) if (identity := values.get("identity")) else ()
        facts = {name for name, value in values.items() if value is None}
        assert facts.issuperset(named), event.name
    assert count > 40


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
