"""Prometheus' own metrics of rule groups, under the same names, so that its mixin works here too."""

from dataclasses import dataclass

from prometheus_client import Counter, Gauge, Histogram

from sidecar.rules.group import RuleGroup
from sidecar.runtime.meter import Meter

_LABELS = ("rule_group",)


@dataclass(frozen=True, slots=True)
class RuleMeters:
    """Counters and gauges by group; `duration` is of all groups together, as in Prometheus."""

    iterations: Counter
    missed: Counter
    evaluations: Counter
    failures: Counter
    duration: Histogram
    last_duration: Gauge
    last_evaluation: Gauge
    last_samples: Gauge
    interval: Gauge
    rules: Gauge

    @classmethod
    def on(cls, meter: Meter) -> "RuleMeters":
        """Make the metrics."""
        group = "prometheus_rule_group"
        return cls(
            iterations=meter.counter(f"{group}_iterations_total", "Evaluations due, missed ones included.", _LABELS),
            missed=meter.counter(
                f"{group}_iterations_missed_total", "Evaluations left out, the one before took too long.", _LABELS
            ),
            evaluations=meter.counter("prometheus_rule_evaluations_total", "Rules evaluated.", _LABELS),
            failures=meter.counter("prometheus_rule_evaluation_failures_total", "Rules that failed.", _LABELS),
            duration=meter.histogram(f"{group}_duration_seconds", "Duration of evaluations of a group."),
            last_duration=meter.gauge(f"{group}_last_duration_seconds", "Duration of the last evaluation.", _LABELS),
            last_evaluation=meter.gauge(
                f"{group}_last_evaluation_timestamp_seconds", "Unix time of the last evaluation.", _LABELS
            ),
            last_samples=meter.gauge(f"{group}_last_evaluation_samples", "Samples of the last evaluation.", _LABELS),
            interval=meter.gauge(f"{group}_interval_seconds", "Interval of the group.", _LABELS),
            rules=meter.gauge(f"{group}_rules", "Rules in the group.", _LABELS),
        )

    def open(self, group: RuleGroup) -> None:
        """Show `group` from zero."""
        for counter in (self.iterations, self.missed, self.evaluations, self.failures):
            counter.labels(group.key)
        self.interval.labels(group.key).set(group.interval_ms / 1000)
        self.rules.labels(group.key).set(len(group.rules))

    def close(self, key: str) -> None:
        """Show the group no more."""
        counters = (self.iterations, self.missed, self.evaluations, self.failures)
        gauges = (self.last_duration, self.last_evaluation, self.last_samples, self.interval, self.rules)
        for metric in (*counters, *gauges):
            metric.remove(key)
