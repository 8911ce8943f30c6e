"""Attributes that JSON cannot have, in kept traces as they are answered."""

import json
from base64 import b64encode
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from sidecar.codec.json_text import json_bytes
from sidecar.codec.otlp.trace_json import otlp_json
from sidecar.model.steps import finished
from sidecar.redaction.config import RedactConfig
from sidecar.redaction.telemetry import Redactor
from sidecar.spans.traces.tree import jaeger_tree
from tests.unit.spans.traces.building import START, Fed, span, trace_id

RAW = b"\xff\xfe\0binary"
SECRET = b"password=hunter2 of somebody"


def refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def answers_of(**values: AnyValue) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the attributes of a span in OTLP/JSON, and in the tree."""
    fed = Fed(Redactor(RedactConfig()), sample_ratio=1.0)
    sent = span(1, 1)
    for key, value in values.items():
        sent.attributes.add(key=key, value=value)
    fed.give(sent)
    fed.wait(6)
    groups = fed.full().groups
    otlp = json.loads(finished(otlp_json(trace_id(1), groups)), parse_constant=refuse)
    tree = json.loads(json_bytes(finished(jaeger_tree(trace_id(1), groups, fed.now, START))), parse_constant=refuse)
    attributes = otlp["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"]
    return (
        {item["key"]: item["value"] for item in attributes},
        {tag["key"]: tag["value"] for tag in tree["spans"][0]["tags"]},
    )


def test_numbers_that_are_none_are_texts_at_any_depth() -> None:
    nan = AnyValue(double_value=float("nan"))
    nested = AnyValue()
    nested.kvlist_value.values.add(key="inner").value.array_value.values.extend([nan, AnyValue(bytes_value=RAW)])
    otlp, tree = answers_of(nan=nan, inf=AnyValue(double_value=float("-inf")), nested=nested)
    assert (otlp["nan"], otlp["inf"]) == ({"doubleValue": "NaN"}, {"doubleValue": "-Infinity"})
    inner = otlp["nested"]["kvlistValue"]["values"][0]["value"]["arrayValue"]["values"]
    assert inner == [{"doubleValue": "NaN"}, {"bytesValue": b64encode(RAW).decode()}]
    assert (tree["nan"], tree["inf"]) == ("NaN", "-Infinity")
    assert json.loads(tree["nested"]) == {"inner": ["NaN", b64encode(RAW).decode()]}


def test_bytes_stay_bytes_unless_there_is_a_secret_in_them() -> None:
    otlp, tree = answers_of(raw=AnyValue(bytes_value=RAW), secret=AnyValue(bytes_value=SECRET))
    assert otlp["raw"] == {"bytesValue": b64encode(RAW).decode()}
    assert tree["raw"] == RAW.hex()
    assert "hunter2" not in json.dumps(otlp["secret"]) + json.dumps(tree["secret"])
    assert b64encode(SECRET).decode() not in json.dumps(otlp)


def test_integers_that_browsers_would_round_are_texts_in_the_tree() -> None:
    otlp, tree = answers_of(large=AnyValue(int_value=2**63 - 1), small=AnyValue(int_value=2**53 - 1))
    assert (otlp["large"], tree["large"]) == ({"intValue": str(2**63 - 1)}, str(2**63 - 1))
    assert tree["small"] == 2**53 - 1
