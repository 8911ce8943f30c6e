"""There is one way to read what peers send, `sidecar/codec/peer`; whatever reads otherwise says here why it may."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
PEER = "sidecar/codec/peer/"

METHODS = {"splitlines", "decompressobj", "decompress", "ZstdDecompressor", "parsedate_to_datetime"}
"""Python's own readers that take too much, or raise in ways that nobody expects."""
SAFE = {"int", "bool", "len", "round", "sum", "max", "min"}
"""What gives a number whatever it is given: a `float` of it reads no text."""

NUMPY = "values of our own arrays"
OURS = "numbers of our own"
ROW = "a number as Postgres sent it in binary; a row where it is none is left out alone"
REPLY = "an integer of a reply, as redis-py has parsed it"
REASONS = {
    "sidecar/api/json/resources/queries.py": OURS,
    "sidecar/api/json/resources/monitoring_mutes.py": OURS,
    "sidecar/tsdb/latest.py": NUMPY,
    "sidecar/app/graph.py": NUMPY,
    "sidecar/codec/exposition.py": "a sample's value, which is a number already",
    "sidecar/collect/postgres/label_sets.py": OURS,
    "sidecar/collect/postgres/queries/values.py": ROW,
    "sidecar/collect/postgres/summary.py": OURS,
    "sidecar/collect/postgres/view.py": ROW,
    "sidecar/collect/postgres/views/blocking.py": ROW,
    "sidecar/collect/postgres/views/locks.py": ROW,
    "sidecar/collect/postgres/views/replication.py": ROW,
    "sidecar/collect/postgres/views/stat_activity.py": ROW,
    "sidecar/collect/postgres/views/waits.py": ROW,
    "sidecar/collect/postgres/views/wal_receiver.py": ROW,
    "sidecar/collect/postgres/wire.py": "numbers as Postgres spells them, which a pattern has found",
    "sidecar/collect/redis/lists.py": OURS,
    "sidecar/collect/redis/section.py": "a pattern has found the digits, and the range is bounded",
    "sidecar/collect/redis/sections/commandlog.py": REPLY,
    "sidecar/collect/redis/sections/keys.py": REPLY,
    "sidecar/collect/redis/sections/latency.py": REPLY,
    "sidecar/collect/redis/sections/latency_histogram.py": REPLY,
    "sidecar/collect/redis/sections/slowlog.py": REPLY,
    "sidecar/collect/redis/stream_info.py": REPLY,
    "sidecar/collect/redis/summary.py": OURS,
    "sidecar/collect/self.py": "a bound as prometheus_client writes it for our own histograms",
    "sidecar/deliver/telemetry/bridge.py": "a bound as prometheus_client writes it for our own histograms",
    "sidecar/derive/series.py": NUMPY,
    "sidecar/metrics/points.py": "a field of protobuf that is a number",
    "sidecar/model/go_duration.py": "below the codec; a pattern has found the digits, and the result may be infinite",
    "sidecar/promql/answer.py": NUMPY,
    "sidecar/promql/functions/histogram.py": "beside the codec; guarded, and what Prometheus would not take is NaN",
    "sidecar/promql/tally.py": NUMPY,
    "sidecar/rules/go_scalar.py": "numbers of YAML as Go reads them: a pattern has found the digits",
    "sidecar/rules/gotemplate/strings.py": "numbers of templates as Go reads them: a pattern has found the digits",
    "sidecar/rules/gotemplate/terms.py": OURS,
    "sidecar/rules/humanize.py": "a value of Go's template language, which knows what may be a number",
    "sidecar/rules/unit_tests/document.py": "a pattern has found the number of a duration",
    "sidecar/rules/unit_tests/notation.py": "a pattern has found the number, as Go reads it",
    "sidecar/rules/unit_tests/series.py": NUMPY,
    "sidecar/rules/template.py": "a value of PromQL, which is a number already",
    "sidecar/rules/template_functions.py": "a value of PromQL, which is a number already",
    "sidecar/spans/histogram.py": OURS,
    "sidecar/spans/exemplars.py": NUMPY,
    "sidecar/spans/queries/statistics.py": NUMPY,
    "sidecar/spans/traces/pack.py": "traces that we packed ourselves",
    "sidecar/spans/traces/selection.py": OURS,
    "sidecar/tsdb/head.py": OURS,
}


def readers(text: str) -> Iterator[str]:
    """Yield what reads text in Python's own way."""
    if not any(name in text for name in ("float", *METHODS)):
        return  # which spares the time to parse it
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            yield from _reader(node)


def _reader(call: ast.Call) -> Iterator[str]:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name) if name in METHODS:
            yield name
        case ast.Name(id="float") if call.args and not _is_number(call.args[0]):
            yield "float"
        case ast.Name(id="map") if isinstance(call.args[0], ast.Name) and call.args[0].id == "float":
            yield "float"
        case _:
            return


def _is_number(value: ast.expr) -> bool:
    match value:
        case ast.Constant() | ast.Compare() | ast.BoolOp() | ast.BinOp() | ast.UnaryOp(op=ast.Not()):
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in SAFE
        case _:
            return False


@cache
def found() -> dict[str, set[str]]:
    files = {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "sidecar").rglob("*.py")}
    read = {name: set(readers(path.read_text(encoding="utf-8"))) for name, path in sorted(files.items())}
    return {name: how for name, how in read.items() if how and not name.startswith(PEER)}


def test_nothing_else_reads_what_peers_send_without_a_reason() -> None:
    without = {name: how for name, how in found().items() if name not in REASONS}
    assert not without, f"read it by {PEER}, or write down why not"


def test_no_reason_is_left_of_what_is_gone() -> None:
    assert REASONS.keys() <= found().keys()


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("text.splitlines()", {"splitlines"}),
        ("zlib.decompressobj(31)", {"decompressobj"}),
        ("gzip.decompress(body)", {"decompress"}),
        ("from email.utils import parsedate_to_datetime\nparsedate_to_datetime(text)", {"parsedate_to_datetime"}),
        ("float(text)", {"float"}),
        ("float(headers['x'])", {"float"}),
        ("list(map(float, texts))", {"float"}),
        ("float('inf')", set()),
        ("float(a == b)", set()),
        ("float(sum(numbers))", set()),
        ("float(1 << 62)", set()),
        ("def f(x: float) -> float: return x", set()),
        ("isinstance(x, float)", set()),
    ],
)
def test_readers_are_found(text: str, how: set[str]) -> None:
    assert set(readers(text)) == how
