"""Attributes as texts: the specification's form of every type."""

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from sidecar.codec.otlp.texts import LIST_BYTES, attribute_texts


def texts(**values: AnyValue) -> dict[str, str]:
    return attribute_texts([KeyValue(key=key, value=value).SerializeToString() for key, value in values.items()])


def list_of(*values: AnyValue) -> AnyValue:
    return AnyValue(array_value=ArrayValue(values=values))


def test_scalars() -> None:
    assert texts(
        a=AnyValue(string_value="é"),
        b=AnyValue(bool_value=True),
        c=AnyValue(int_value=-(2**63)),
        d=AnyValue(double_value=2.5),
        e=AnyValue(double_value=100),
        f=AnyValue(bytes_value=b"\xff"),
        g=AnyValue(),
    ) == {"a": "é", "b": "true", "c": "-9223372036854775808", "d": "2.5", "e": "100", "f": "/w==", "g": ""}


def test_lists_are_json_and_what_is_nested_in_them_is_null() -> None:
    inner = list_of(AnyValue(int_value=1))
    items = [AnyValue(string_value='é"'), AnyValue(double_value=0.5), AnyValue(bytes_value=b"\xff"), inner]
    assert texts(x=list_of(*items), y=list_of()) == {"x": '["é\\"",0.5,"/w==",null]', "y": "[]"}


def test_maps_long_lists_and_what_cannot_be_parsed_say_nothing() -> None:
    long = list_of(*[AnyValue(bool_value=True)] * (LIST_BYTES // 2))
    found = texts(x=long, y=AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="a")])))
    assert found == {"x": "", "y": ""}
    assert attribute_texts([b"\xff"]) == {}
