"""Configuration of the trace store."""

from pydantic import Field

from sidecar.model.config import Config

MIB = 1 << 20


class TracesConfig(Config):
    """Which traces are kept, and how much memory they may take."""

    max_bytes: int = Field(
        16 * MIB, ge=MIB, description="Memory of kept traces, which are compressed to a third as a rule."
    )
    max_traces: int = Field(5_000, gt=0, le=100_000, description="The most kept traces.")
    max_undecided_bytes: int = Field(
        16 * MIB,
        ge=MIB,
        description="Memory of traces that are not decided on yet; beyond it, the oldest are decided on early.",
    )
    max_spans_per_trace: int = Field(
        1_000, gt=0, le=5_000, description="Spans that are kept of one trace; further ones are only counted."
    )
    max_bytes_per_trace: int = Field(
        MIB, ge=10_000, description="Bytes of the spans that are kept of one trace, as received."
    )
    decide_after_seconds: float = Field(
        5.0, gt=0, le=600, description="How long after its local root arrived a trace is decided on."
    )
    decide_without_root_after_seconds: float = Field(
        30.0, gt=0, le=600, description="How long after its first span arrived a trace is decided on in any case."
    )
    slowest_per_endpoint: int = Field(
        5, ge=0, le=100, description="How many of the slowest traces of the last hour are kept of each endpoint."
    )
    sample_ratio: float = Field(
        0.1,
        ge=0,
        le=1,
        description="Share of the other traces that is kept as a sample, by a hash of the trace id: every sidecar "
        "with the same ratio chooses the same traces.",
    )
    max_kept_per_endpoint_per_second: float = Field(
        1.0,
        gt=0,
        le=1_000,
        description="Failed traces of an endpoint that are kept per second after the first ten, and likewise sampled "
        "ones: it bounds what keeping costs while everything fails.",
    )
