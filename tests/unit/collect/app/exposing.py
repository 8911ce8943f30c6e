"""A registry with one metric of every kind, and answers made of text."""

import gzip

from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram, Info, Summary

from sidecar.collect.app.connection import Answer
from sidecar.collect.app.parse import OPENMETRICS, Limits, Parsing
from sidecar.model.family import FamilySamples

LIMITS = Limits(1_000_000, 5000)


def registry_of_every_kind() -> CollectorRegistry:
    """Return a registry as an app has one."""
    registry = CollectorRegistry()
    Counter("orders", "Orders.", ["status"], registry=registry).labels("paid").inc(3)
    Gauge("queue_length", 'Jobs "waiting".\nAll of them.', registry=registry).set(-0.5)
    histogram = Histogram("request_seconds", "Time.", ["path"], buckets=(0.1, 1, 2.5), registry=registry)
    histogram.labels('/a"b\\c\nd').observe(0.3, {"trace_id": "abc"})
    Summary("payload_bytes", "Size.", registry=registry).observe(7)
    Info("build", "Build.", registry=registry).info({"version": "1.2"})
    Enum("state", "State.", states=["up", "down"], registry=registry).state("down")
    return registry


def text(body: str) -> Answer:
    """Return `body` as an answer in the text format."""
    return Answer("text/plain", "", body.encode())


def openmetrics(body: str) -> Answer:
    """Return `body` as an answer in OpenMetrics, its end added."""
    return Answer(OPENMETRICS, "", f"{body}# EOF\n".encode())


def gzipped(answer: Answer) -> Answer:
    """Return `answer` compressed."""
    return answer._replace(encoding="gzip", body=gzip.compress(answer.body))


def families_in(answer: Answer, limits: Limits = LIMITS) -> list[FamilySamples]:
    """Return what is parsed of `answer`."""
    return Parsing(answer, limits).families()
