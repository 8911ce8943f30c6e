"""The request body of Prometheus' remote write 1.0: a WriteRequest in snappy's block format."""

from collections.abc import Iterable
from typing import Any

import cramjam
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from sidecar.model.series import SeriesBlock, is_absent

_FIELD = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "prometheus"
_SCHEMA: dict[str, tuple[tuple[str, int, int | str], ...]] = {
    "WriteRequest": (("timeseries", 1, "TimeSeries"),),
    "TimeSeries": (("labels", 1, "Label"), ("samples", 2, "Sample")),
    "Label": (("name", 1, _FIELD.TYPE_STRING), ("value", 2, _FIELD.TYPE_STRING)),
    "Sample": (("value", 1, _FIELD.TYPE_FIXED64), ("timestamp", 2, _FIELD.TYPE_INT64)),
}
"""Fields as (name, number, type); a message is a repeated field.

A value is a double; as a fixed64, which is the same on the wire, the bits of a staleness marker stay what they are.
"""


def write_request(blocks: Iterable[SeriesBlock]) -> bytes:
    """Return the body with every sample of `blocks`, staleness markers included."""
    request = _WriteRequest()
    for block in blocks:
        values = block.values.copy()  # a block of its own: rows may lie apart in memory
        bits, filled, times = values.view("uint64"), ~is_absent(values), block.times
        for row, labels in enumerate(block.labels):
            series = request.timeseries.add()
            for name, value in labels:
                series.labels.add(name=name, value=value)
            columns = filled[row]
            for value, time in zip(bits[row, columns].tolist(), times[columns].tolist(), strict=True):
                series.samples.add(value=value, timestamp=time)
    return bytes(cramjam.snappy.compress_raw(request.SerializeToString()))


def _declare() -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(name="remote.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _SCHEMA.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            item = message.field.add(name=field, number=number, label=_FIELD.LABEL_OPTIONAL)
            if isinstance(kind, str):
                item.label, item.type, item.type_name = (
                    _FIELD.LABEL_REPEATED,
                    _FIELD.TYPE_MESSAGE,
                    f".{_PACKAGE}.{kind}",
                )
            else:
                item.type = kind  # type: ignore[assignment] # the stubs know the enum, not its values
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool


_WriteRequest: Any = message_factory.GetMessageClass(_declare().FindMessageTypeByName(f"{_PACKAGE}.WriteRequest"))
