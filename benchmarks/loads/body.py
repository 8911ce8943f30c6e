"""A body that is sent again and again, each time as that of other traces that have just ended."""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from benchmarks.loads import protobuf, text
from benchmarks.loads.spans import Request, Span

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]

_HEX = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.uint8).reshape(256, 2)
_DIGITS = 19
"""Of nanoseconds since 1970, from 2001 to 2286."""


class Body:
    """A request in one of OTLP's formats, whose ids and times can be written anew in their places."""

    def __init__(self, request: Request, is_json: bool) -> None:
        self._is_json = is_json
        self._content = (text if is_json else protobuf).request(request)
        trace_ids, span_ids, times = _parts(request)
        self._trace_ids, self._span_ids = _matrix(trace_ids), _matrix(span_ids)
        self._times = np.array(times, np.int64)
        self._newest = int(self._times.max())
        self._find_places(request)

    def __len__(self) -> int:
        """Return how many bytes it is, in each of its versions."""
        return len(self._content)

    def version(self, number: int, now_nano: int) -> bytes:
        """Return it with ids that no other version has, and with the last of its times at `now_nano`.

        What belongs together in one version does so in each; all else is the same, durations included.
        """
        content = bytearray(self._content)
        view = np.frombuffer(content, np.uint8)
        mask = np.frombuffer(blake2b(number.to_bytes(8), digest_size=16).digest(), np.uint8)
        _write(view, self._trace_places, self._written(self._trace_ids ^ mask))
        _write(view, self._span_places, self._written(self._span_ids ^ mask[:8]))
        _write(view, self._time_places, self._written_times(self._times + (now_nano - self._newest)))
        return bytes(content)

    def _written(self, ids: Bytes) -> Bytes:
        return _HEX[ids].reshape(len(ids), -1) if self._is_json else ids

    def _written_times(self, times: Numbers) -> Bytes:
        if self._is_json:
            return times.astype(f"S{_DIGITS}").view(np.uint8).reshape(len(times), _DIGITS)
        return times.astype("<u8").view(np.uint8).reshape(len(times), 8)

    def _find_places(self, request: Request) -> None:
        """Find each part behind the one before, in the order in which both formats write them."""
        trace_ids = map(bytes, self._written(self._trace_ids))
        span_ids = map(bytes, self._written(self._span_ids))
        times = map(bytes, self._written_times(self._times))
        trace_places, span_places, time_places = [], [], []
        place = 0
        for span in _spans(request):
            trace_places.append(place := self._content.index(next(trace_ids), place))
            ids, moments = 2 if span.parent_id else 1, 2 + len(span.events)
            span_places += [place := self._content.index(next(span_ids), place + 1) for _ in range(ids)]
            time_places += [place := self._content.index(next(times), place + 1) for _ in range(moments)]
        self._trace_places, self._span_places = np.array(trace_places), np.array(span_places)
        self._time_places = np.array(time_places)


def _spans(request: Request) -> Iterable[Span]:
    return (span for spans in request.scopes.values() for span in spans)


def _parts(request: Request) -> tuple[list[bytes], list[bytes], list[int]]:
    """Return the trace ids, the span ids and the times of a request, in the order in which they are written."""
    trace_ids, span_ids, times = [], [], []
    for span in _spans(request):
        trace_ids.append(span.trace_id)
        span_ids += [span.span_id, span.parent_id] if span.parent_id else [span.span_id]
        times += [span.start_nano, span.end_nano, *(event.at_nano for event in span.events)]
    return trace_ids, span_ids, times


def _matrix(ids: list[bytes]) -> Bytes:
    return np.frombuffer(b"".join(ids), np.uint8).reshape(len(ids), -1)


def _write(content: Bytes, places: Numbers, rows: Bytes) -> None:
    content[places[:, None] + np.arange(rows.shape[1])] = rows
