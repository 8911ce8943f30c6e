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


def test_lists_and_maps_are_json() -> None:
    inner = list_of(AnyValue(int_value=1))
    items = [AnyValue(string_value='é"'), AnyValue(double_value=0.5), AnyValue(bytes_value=b"\xff"), inner]
    of_map = AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="a", value=inner), KeyValue(key="b")]))
    found = texts(x=list_of(*items), y=list_of(), z=of_map)
    assert found == {"x": '["é\\"",0.5,"/w==",[1]]', "y": "[]", "z": '{"a":[1],"b":null}'}


def test_numbers_that_are_none_are_texts_as_in_the_json_of_protobuf() -> None:
    numbers = {name: AnyValue(double_value=float(name)) for name in ("nan", "inf", "-inf")}
    assert [*texts(**numbers).values()] == ["NaN", "Infinity", "-Infinity"]
    assert texts(x=list_of(*numbers.values())) == {"x": '["NaN","Infinity","-Infinity"]'}


def test_long_lists_are_told_apart_and_what_cannot_be_parsed_says_nothing() -> None:
    long = [list_of(*[AnyValue(bool_value=last)], *[AnyValue(bool_value=True)] * LIST_BYTES) for last in (True, False)]
    found = texts(x=long[0], y=long[1])
    assert found["x"] != found["y"]
    assert max(map(len, found.values())) < 50
    assert attribute_texts([b"\xff"]) == {}
