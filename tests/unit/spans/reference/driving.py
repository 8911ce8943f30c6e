"""Driving a workload through whatever takes spans: requests at their times, decisions every second."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from tests.workloads.building import Maker, of_service
from tests.workloads.posts import Post, Service, post

STARTED_AT = 1_700_000_000.0
"""When workloads begin; their spans have just ended then."""
ALL_DECIDED_SECONDS = 36.0
"""When every trace of a workload is decided on, after its last request."""
HEARTBEATS = (62.0, 123.0)
"""When requests follow that have nothing to do with it: what waits for a minute or two is over with the second."""
ALL_SETTLED_SECONDS = 130.0


class Takes(Protocol):
    """A sidecar as far as it takes spans."""

    def receive(self, post: Post, now: float) -> None:
        """Take a request at Unix time `now`."""
        ...

    def tick(self, now: float) -> None:
        """Do what is due at Unix time `now`."""
        ...


def drive(subject: Takes, posts: Iterable[Post]) -> Iterator[float]:
    """Send `posts`; yield the time after the last one, and when all that waited is over."""
    last = tick_at = STARTED_AT
    for sent in posts:
        last = STARTED_AT + sent.at
        while tick_at < last:
            subject.tick(tick_at)
            tick_at += 1.0
        subject.tick(last)
        subject.receive(sent, last)
    yield last + 0.25
    while tick_at < last + ALL_DECIDED_SECONDS:
        subject.tick(tick_at)
        tick_at += 1.0
    make = Maker(0)
    for after in HEARTBEATS:
        subject.tick(last + after)
        beat = make.server(make.trace(), route="/beat", code=200, seconds=0.001)
        subject.receive(post(0.0, of_service(Service("beat"), [beat])), last + after)
    for after in range(1, 7):
        subject.tick(last + HEARTBEATS[-1] + after)
    yield last + ALL_SETTLED_SECONDS
