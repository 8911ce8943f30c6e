"""What the SDK logs: the reason of a failed export, anything else an event, and no secret."""

import logging

from sidecar.deliver.telemetry.sdk_log import SdkLog, SdkWarned
from tests.fakes import RecordedEvents

SDK = logging.getLogger("opentelemetry.sdk.something")


def test_the_first_line_of_an_export_is_its_reason_without_the_secrets() -> None:
    events = RecordedEvents()
    log = SdkLog(events, ["s3cret"])
    with log.listening():
        log.begin()
        SDK.warning("refused with s3cret and token=abc, ")
        SDK.error("gave up")
        assert log.end() == "refused with *** and token=***"
    assert events.seen == []


def test_a_line_that_the_sdk_leaves_out_as_a_repetition_is_taken_from_the_export_before() -> None:
    log = SdkLog(RecordedEvents(), [])
    with log.listening():
        log.begin()
        SDK.error("deadline exceeded")
        log.end()
        log.begin()
        assert log.end() == "deadline exceeded"


def test_anything_else_is_an_event_as_long_as_telemetry_is_on() -> None:
    events = RecordedEvents()
    with SdkLog(events, []).listening():
        SDK.warning("Invalid type.")
        SDK.info("of no interest")
    SDK.warning("late")
    assert events.seen == [SdkWarned("Invalid type")]


def test_the_log_of_the_process_has_none_of_it() -> None:
    root = logging.getLogger()
    seen: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: seen.append(record.name)  # type: ignore[method-assign]
    root.addHandler(handler)
    try:
        with SdkLog(RecordedEvents(), []).listening():
            SDK.error("inside")
        SDK.error("after")
    finally:
        root.removeHandler(handler)
    assert seen == ["sidecar.tests"]
