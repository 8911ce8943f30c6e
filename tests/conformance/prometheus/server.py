"""A Prometheus that scrapes nothing: its samples are pushed to it."""

import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from typing_extensions import override

from sidecar.model.series import SeriesBlock
from tests.conformance.prometheus.remote_write import write_request
from tests.servers import HOST, Prometheus

Answer = dict[str, Any]
"""`status` with `data`, or with `errorType` and `error`."""


class PushedPrometheus(Prometheus):
    """Takes samples of any time up to now, all series of a day in any order; samples of one series in theirs."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, ())

    @override
    def command(self) -> Sequence[str]:
        # The head takes what is at most half a block older than the newest sample.
        blocks = ("--storage.tsdb.min-block-duration=2d", "--storage.tsdb.max-block-duration=2d")
        return [*super().command(), "--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=100y", *blocks]

    def push(self, blocks: Iterable[SeriesBlock]) -> None:
        """Store every sample of `blocks`."""
        headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}
        with closing(HTTPConnection(HOST, self.port, timeout=60)) as connection:
            connection.request("POST", "/api/v1/write", write_request(blocks), headers)
            response = connection.getresponse()
            text = response.read().decode()
        assert response.status == 204, text


class Asked:
    """A query on its way; other work may be done before the answer is read.

    One connection serves one query after the other.
    """

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection(HOST, port, timeout=60)

    def instant(self, query: str, time_ms: int) -> None:
        """Ask for the value at `time_ms`."""
        self._post("query", query=query, time=_seconds(time_ms))

    def range(self, query: str, start_ms: int, end_ms: int, step_ms: int) -> None:
        """Ask for the values at `start_ms`, `start_ms + step_ms`, ... up to `end_ms`."""
        self._post("query_range", query=query, start=_seconds(start_ms), end=_seconds(end_ms), step=_seconds(step_ms))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def answer(self) -> Answer:
        """Return the answer to what was asked."""
        answer: Answer = json.loads(self._connection.getresponse().read())
        return answer

    def _post(self, path: str, **params: str) -> None:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        self._connection.request("POST", f"/api/v1/{path}", urlencode(params), headers)


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}"
