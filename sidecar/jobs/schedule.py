"""Jobs: work that is done again and again, each by a runner of its own."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import random
from typing import ClassVar, Generic, TypeVar

from sidecar.runtime.clock import Clock, next_tick
from sidecar.runtime.ending import tells_to_end
from sidecar.runtime.events import Event, Events
from sidecar.runtime.lifecycle import reason_of
from sidecar.runtime.meter import Meter

ContextT = TypeVar("ContextT", contravariant=True)

MAX_JITTER_SECONDS = 60.0
"""How far the first run is put off at most: jobs, and the same job of replicas, do not start together."""


@dataclass(frozen=True, slots=True)
class Job(Generic[ContextT]):
    """Work that `run` does every `every_seconds`; with `leader_only`, of several replicas only the leader does it.

    `run` is given what it works on, by the small protocol that the job declares, and the clock. It may raise: that is
    reported and counted, and the next run comes all the same. It may be cancelled whenever it waits.
    """

    name: str
    every_seconds: float
    leader_only: bool
    run: Callable[[ContextT, Clock], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class JobFailed(Event):
    """A job failed that worked before, or never ran."""

    level: ClassVar[int] = logging.ERROR
    message: ClassVar[str] = "Job `{job}` failed: {error}. It runs again every {every_seconds:g} s."
    identity: ClassVar[tuple[str, ...]] = ("job",)
    job: str
    error: str
    every_seconds: float


@dataclass(frozen=True, slots=True)
class JobRecovered(Event):
    """A job that had failed works again."""

    message: ClassVar[str] = "Job `{job}` works again after {seconds:.0f} s."
    identity: ClassVar[tuple[str, ...]] = ("job",)
    job: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Scheduling:
    """What all jobs are run by; `is_leader` is asked before each run of a job that only the leader does."""

    clock: Clock
    meter: Meter
    events: Events
    is_leader: Callable[[], bool]
    chance: Callable[[], float] = random


class JobRunner(Generic[ContextT]):
    """The component of one job.

    The first run comes after a random part of the interval, of MAX_JITTER_SECONDS at most; later ones an interval
    apart. Runs never overlap: those that fall due during a run, or while the machine sleeps, are one, the next.
    """

    def __init__(self, job: Job[ContextT], context: ContextT, scheduling: Scheduling) -> None:
        self.name = job.name
        self._job = job
        self._context = context
        self._scheduling = scheduling
        self._clock = scheduling.clock
        self._events = scheduling.events
        self._meters = JobMeters(job.name, scheduling.meter)
        self._failing_since: float | None = None

    async def run(self, ready: Callable[[], None]) -> None:
        """Run the job until cancelled."""
        every = self._job.every_seconds
        first = self._clock.monotonic() + self._scheduling.chance() * min(every, MAX_JITTER_SECONDS)
        ready()
        due = first
        while True:
            await self._clock.sleep(max(0.0, due - self._clock.monotonic()))
            if not self._job.leader_only or self._scheduling.is_leader():
                await self._run_once()
            due = next_tick(self._clock.monotonic(), every, first)

    async def _run_once(self) -> None:
        began = self._clock.monotonic()
        try:
            await self._job.run(self._context, self._clock)
        except BaseException as error:
            if tells_to_end(error):
                raise
            self._meters.failures.inc()
            self._failed(error)
        else:
            self._meters.last_success.set(self._clock.now())
            self._succeeded()
        self._meters.runs.inc()
        self._meters.seconds.inc(self._clock.monotonic() - began)

    def _failed(self, error: BaseException) -> None:
        if self._failing_since is None:
            self._failing_since = self._clock.monotonic()
            self._events.emit(JobFailed(self.name, reason_of(error), self._job.every_seconds))

    def _succeeded(self) -> None:
        if self._failing_since is not None:
            self._events.emit(JobRecovered(self.name, self._clock.monotonic() - self._failing_since))
            self._failing_since = None


class JobMeters:
    """The metrics of one job. A label `job` would be taken for that of the target."""

    def __init__(self, name: str, meter: Meter) -> None:
        label = ["job_name"]
        text = "Runs of a scheduled job that ended, failed ones included."
        self.runs = meter.counter("sidecar_job_runs_total", text, label).labels(name)
        text = "Runs of a scheduled job that failed."
        self.failures = meter.counter("sidecar_job_failures_total", text, label).labels(name)
        text = "Time that the runs of a scheduled job took."
        self.seconds = meter.counter("sidecar_job_seconds_total", text, label).labels(name)
        text = "Unix time of the last run of a scheduled job that did not fail."
        self.last_success = meter.gauge("sidecar_job_last_success_timestamp_seconds", text, label).labels(name)
