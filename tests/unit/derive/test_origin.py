"""Who sent a signal, as its resource says."""

from collections.abc import Sequence

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from sidecar.derive.origin import Origin, origin_of
from sidecar.model.redact import unmasked
from tests.unit.spans.conftest import attributes

SAID = {"service.name": "shop", "telemetry.sdk.language": "python", "service.version": "2", "tenant": "a", "host": "h"}


def raw(said: dict[str, str], more: Sequence[KeyValue] = ()) -> bytes:
    return Resource(attributes=[*attributes(said), *more]).SerializeToString()


def test_a_resource_that_says_nothing_is_an_unknown_service() -> None:
    assert origin_of(b"", unmasked) == Origin("unknown_service")


def test_a_resource_says_who_sent_it_and_what_was_asked_for() -> None:
    assert origin_of(raw(SAID), unmasked) == Origin("shop", "python", "2")
    more = frozenset({"tenant", "absent"})
    assert origin_of(raw(SAID), unmasked, more) == Origin("shop", "python", "2", (("tenant", "a"),))


def test_a_list_that_was_asked_for_is_json() -> None:
    both = AnyValue(array_value=ArrayValue(values=[AnyValue(string_value=text) for text in "ab"]))
    resource = raw({"service.name": "shop"}, [KeyValue(key="tags", value=both)])
    assert origin_of(resource, unmasked, frozenset({"tags"})).attributes == (("tags", '["a","b"]'),)


def test_all_that_a_resource_says_is_masked_and_bounded() -> None:
    resource = raw({**SAID, "service.name": "x" * 1000})
    found = origin_of(resource, lambda key, value: "*" if key == "tenant" else value, frozenset({"tenant"}))
    assert found == Origin("x" * 256, "python", "2", (("tenant", "*"),))
