"""Spans as columns are what protobuf's parser says of each, however they are written."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from sidecar.codec.otlp.attributes import Wanted, pick, status_code_of
from sidecar.codec.otlp.columns import ODD_SPANS, ReadSpans, SpanReader
from sidecar.codec.otlp.facts import Side
from sidecar.codec.otlp.schema import Span
from sidecar.codec.otlp.tracestate import adjusted_count
from sidecar.codec.otlp.wire import delimited, varint
from sidecar.codec.peer.ids import span_id_of, trace_id_of
from sidecar.model.span import SpanBatch, SpanGroup

WANTED = ("http.route", "db.query.text", "db.statement", "a")


def attribute(key: str, value: str) -> bytes:
    return KeyValue(key=key, value=AnyValue(string_value=value)).SerializeToString()


IDS = st.sampled_from([b"", b"t" * 16, bytes(16), b"s" * 8, bytes(8), b"\0" * 7 + b"s", b"x" * 15, b"y" * 200])
TEXTS = st.sampled_from([b"", b"a", b"GET /a", b"\xff\xfe", b"n" * 127, b"n" * 128, b"n" * 16_383, b"n" * 16_384])
STATES = st.sampled_from([b"", b"ot=th:8", b"ot=th:c", b"x=y", b"ot=th:8,x=" + b"z" * 200])
ATTRIBUTES = st.one_of(
    st.builds(attribute, st.sampled_from([*WANTED, "other"]), st.sampled_from(["", "x", "SELECT 1", "y" * 3000])),
    st.sampled_from([b"", b"\x0a", b"\x12\x00\x0a\x01a", b"\xff"]),
)
STATUSES = st.sampled_from([b"", b"\x18\x00", b"\x18\x01", b"\x18\x02", b"\x12\x01x\x18\x02", b"\x18\x07", b"\x18"])
EIGHT = st.one_of(st.just(bytes(8)), st.binary(min_size=8, max_size=8))
KINDS = st.one_of(st.integers(0, 5), st.sampled_from([6, 127, 128, 255, (1 << 64) - 1]))


def field(number: int, content: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return content.map(lambda raw: delimited(varint(number << 3 | 2), raw))


HEAD = [
    field(1, IDS),
    field(2, IDS),
    field(3, STATES),
    field(4, IDS),
    field(5, TEXTS),
    KINDS.map(lambda kind: b"\x30" + varint(kind)),
    EIGHT.map(lambda raw: b"\x39" + raw),
    EIGHT.map(lambda raw: b"\x41" + raw),
]
TAIL = [
    st.lists(field(9, ATTRIBUTES), max_size=4).map(b"".join),
    field(11, st.sampled_from([b"", b"\x12\x01e"])),
    field(13, st.sampled_from([b"", b"\x0a\x02\x82\x01"])),
    field(15, STATUSES),
    st.binary(min_size=4, max_size=4).map(lambda raw: b"\x85\x01" + raw),
]
ODD = st.sampled_from(
    [
        b"\x82\x01\x04abcd",  # flags, packed
        b"\x82\x81\x00\x04abcd",  # and with a tag that is longer than it need be
        b"\x32\x01\x03",  # a kind, packed
        b"\x28\x05",  # a name that is a number
        b"\x79abcdefgh",  # a status that is one
        b"\xaa\x80\x00\x01b",  # a name whose tag is longer than it need be
        b"\x2a\x81\x80\x00b",  # or its length
        b"\xa2\x06\x01u",  # a field that nobody knows
        b"\x50\x01",  # a count of attributes that were dropped
    ]
)


def usual(*, head: bool = True) -> st.SearchStrategy[bytes]:
    """Return spans in the order of their fields, each there or not."""
    parts = [st.one_of(st.just(b""), part) for part in ([*HEAD, *TAIL] if head else TAIL)]
    return st.tuples(*parts).map(b"".join)


ANY_ORDER = st.lists(st.one_of(*HEAD, *TAIL, ODD), max_size=12).map(b"".join)
SPANS = st.one_of(usual(), usual(), st.tuples(usual(), ODD).map(b"".join), ANY_ORDER)


def batch_of(spans: Iterable[bytes], *more: Sequence[bytes]) -> SpanBatch:
    """Return `spans` of one resource, and `more` of others."""
    groups = []
    for number, of_one in enumerate([[*spans], *more]):
        resource = delimited(b"\x0a", attribute("service.name", f"{number}"))
        groups.append(SpanGroup(resource, b"s", of_one))
    return SpanBatch(5.0, groups)


def side(*keys: str) -> Side:
    return Side(keys, Wanted(keys))


def reader() -> SpanReader:
    return SpanReader(side(*WANTED), side(WANTED[0]))


def identities_of(subject: SpanReader, spans: Sequence[bytes]) -> list[int]:
    return [int(identity) for read in subject.read(batch_of(spans)) for identity in read.facts.identity]


def identity_alone(span: bytes) -> int:
    return side(*WANTED).fact_of(Span.FromString(span), len(span))[0]


def ours(read: Iterable[ReadSpans]) -> list[tuple[Any, ...]]:
    """Return all that the columns say of each span."""
    return [
        (
            columns.trace_id(place),
            columns.id_of(place),
            int(columns.parent_id[place]).to_bytes(8, "little") if columns.parent_id[place] else b"",
            columns.data[columns.name_at[place] : columns.name_end[place]],
            int(columns.kind[place]),
            int(columns.start_nano[place]),
            int(columns.end_nano[place]),
            1.0 if columns.weights is None else float(columns.weights[place]),
            int(columns.flags[place]),
            int(facts.status[place]),
            facts.text[place],
            columns.sources[columns.source_of[place]].resource,
            Span.FromString(columns.raw(place)),
        )
        for columns, facts in read
        for place in range(len(columns))
    ]


def naive(batch: SpanBatch) -> list[tuple[Any, ...]]:
    return [
        (
            trace_id_of(span.trace_id),
            span_id_of(span.span_id),
            span_id_of(span.parent_span_id),
            span.name,
            span.kind if 0 <= span.kind <= 5 else 0,
            span.start_time_unix_nano,
            span.end_time_unix_nano,
            adjusted_count(span.trace_state) if span.trace_state else 1.0,
            span.flags,
            status_code_of(span.status),
            text_of(span.attributes) if span.kind not in (3, 4) else None,
            group.resource,
            span,
        )
        for group in batch.groups
        for span in map(Span.FromString, group.spans)
    ]


def text_of(attributes: Sequence[bytes]) -> bytes | None:
    found = pick(attributes, {b"db.query.text", b"db.statement"})
    return found.get(b"db.query.text") or found.get(b"db.statement")


@settings(max_examples=120)
@given(st.lists(SPANS, max_size=6), st.lists(SPANS, max_size=3), st.sampled_from([1, 10]))
def test_columns_say_of_each_span_what_protobuf_does(spans: list[bytes], more: list[bytes], times: int) -> None:
    batch, subject = batch_of(spans * times, more), reader()
    for _ in range(3):  # what was seen twice is remembered
        assert ours(subject.read(batch)) == naive(batch)


@settings(max_examples=60)
@given(st.lists(usual(head=False), min_size=6, max_size=12), st.data())
def test_identities_are_the_same_for_the_same_wanted_attributes_and_status_only(
    spans: list[bytes], data: st.DataObject
) -> None:
    subject = reader()
    found = identities_of(subject, spans)
    shuffled = data.draw(st.permutations(range(len(spans))))
    again = identities_of(subject, [spans[place] for place in shuffled])
    assert again == [found[place] for place in shuffled]
    assert [*map(identity_alone, spans)] == found
    wanted_in = subject.side_of(0).wanted_in
    meant = [(tuple(wanted_in(span)), status_code_of(Span.FromString(span).status)) for span in spans]
    for left in range(len(spans)):
        for right in range(left):
            assert (found[left] == found[right]) == (meant[left] == meant[right])


def tail(*attributes: tuple[str, str], status: bytes = b"") -> bytes:
    return b"".join(delimited(b"\x4a", attribute(*each)) for each in attributes) + delimited(b"\x7a", status)


def test_structured_attributes_of_one_sender_never_share_an_identity() -> None:
    texts = [str(number) for number in range(40)]
    pairs = [tail(("a", left), ("http.route", right)) for left in texts for right in texts]
    swapped = [tail(("http.route", right), ("a", left)) for left in texts for right in texts]
    twice = [tail(("a", left), ("a", right)) for left in texts for right in texts]
    thrice = [tail(*[("a", text)] * count) for text in texts for count in range(3, 20)]
    statuses = [tail(("a", text), status=b"\x18" + bytes([code])) for text in texts for code in range(3, 90)]
    spans = [*pairs, *swapped, *twice, *thrice, *statuses]
    found = identities_of(reader(), spans)
    assert len(set(found)) == len(set(spans))


def test_attributes_whose_keys_look_like_wanted_ones_are_not_wanted() -> None:
    alike = ["http.r_oute", "http.r.route", "http.rXroute", "db.query_text", "db.queXy.text", "A", "", "\0"]
    spans = [tail((key, "x")) for key in alike for _ in range(2)]
    assert {*identities_of(reader(), spans)} == {identity_alone(b"")}


def test_a_field_of_a_head_that_stands_behind_others_is_read_like_one_before_them() -> None:
    flags_first = [usual_span(number) for number in range(20)]
    spans = [
        b"\x85\x01\x01\x01\0\0" + tail(("a", "1")) + span.SerializeToString() for number, span in enumerate(flags_first)
    ]
    (read,) = reader().read(batch_of(spans))
    assert ours([read]) == naive(batch_of(spans))


def usual_span(number: int) -> trace_pb2.Span:
    attributes = [KeyValue(key="a", value=AnyValue(string_value=f"{number % 7}"))]
    span = trace_pb2.Span(name="op", kind=trace_pb2.Span.SPAN_KIND_SERVER, attributes=attributes, flags=0x101)
    span.trace_id, span.span_id = number.to_bytes(16, "big"), number.to_bytes(8, "big")
    return span


@pytest.mark.parametrize("odd", [b"\x2a\x01x", b"\x0a\x01t", b"\x32\x01\x03", b"\x82\x01\x00", b"\x2a\x81\x80\x00b"])
def test_many_odd_spans_come_in_steps_with_all_others_in_their_order(odd: bytes) -> None:
    spans = [usual_span(number).SerializeToString() + (odd if number % 3 else b"") for number in range(1500)]
    batch, subject = batch_of(spans), reader()
    steps = subject.read(batch)
    read, longest = [], 0.0
    while True:
        begun = time.thread_time()
        step = next(steps, None)
        longest = max(longest, time.thread_time() - begun)
        if step is None:
            break
        read.append(step)
    assert ours(read) == naive(batch)
    assert longest < 0.05  # 5 ms on a quiet machine
    reads_late_fields = odd in (b"\x2a\x01x", b"\x0a\x01t", b"\x32\x01\x03")
    assert max(len(step.columns) for step in read) <= (1500 if reads_late_fields else ODD_SPANS)


@pytest.mark.parametrize(("length", "count"), [(0, 60_000), (700, 12_000)])
def test_unlike_attributes_take_bounded_memory(length: int, count: int) -> None:
    meanings = side(*WANTED).meanings
    for first in range(0, count, 1000):
        texts = [attribute("a", f"{first + place}" + "x" * length) for place in range(1000)]
        for _ in range(2):
            meanings.of(texts)
    assert 0 < sum(len(each) + 150 for each in meanings._known) <= 4 << 20


def test_a_part_of_the_columns_has_its_own_spans() -> None:
    (read,) = reader().read(batch_of([usual_span(number).SerializeToString() for number in range(5)]))
    part = read.columns.part(1, 3)
    assert [part.id_of(place) for place in range(len(part))] == [number.to_bytes(8, "big") for number in (1, 2)]
    assert part.raw(1) == read.columns.raw(2)
