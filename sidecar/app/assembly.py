"""What a configuration becomes: the stores that reloads never swap, and the parts that they do."""

import socket
from collections.abc import Iterable, Iterator
from functools import cache, partial

from sidecar import __version__
from sidecar.api.config import ApiConfig
from sidecar.api.listener import Listener
from sidecar.api.local import local_app, local_listener
from sidecar.api.metrics import metrics_response
from sidecar.api.targets import TargetHandler
from sidecar.app.config import SidecarConfig
from sidecar.app.conversion import Conversion
from sidecar.app.files import Files, Rules, load_good_files
from sidecar.app.foundation import Foundation
from sidecar.app.listeners import pod_part, watchdog_part
from sidecar.app.local import local_content
from sidecar.app.masking import RequestMasking
from sidecar.app.overview import overview
from sidecar.app.parts import Part, TierName
from sidecar.app.queries import Queries, with_queries
from sidecar.app.received_metrics import names_of
from sidecar.app.registry import JOBS, REDIS_SECTIONS
from sidecar.app.resources import resources
from sidecar.app.source import ConfigSource
from sidecar.app.stores import Stores
from sidecar.collect.app.config import AppMetricsConfig
from sidecar.collect.app.runner import AppRunner
from sidecar.collect.config import TargetConfig
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.queries.query import Query
from sidecar.collect.postgres.runner import PostgresRunner
from sidecar.collect.redis.config import RedisConfig
from sidecar.collect.redis.runner import RedisRunner
from sidecar.collect.runner import ScrapeContext, Target
from sidecar.collect.self import SelfCollector, Source, families_of
from sidecar.deliver.alertmanager import AlertmanagerSender
from sidecar.deliver.config import AlertmanagerConfig
from sidecar.deliver.otlp import ForwardContext, Forwarder
from sidecar.deliver.telemetry.component import OwnTelemetry
from sidecar.deliver.telemetry.component import Surroundings as Telemetered
from sidecar.jobs.evaluate import RuleEvaluation, Surroundings
from sidecar.jobs.schedule import Job, JobRunner, Scheduling
from sidecar.model.family import FamilySamples
from sidecar.model.labels import Labels, labels_of
from sidecar.probe.config import AnyCheckConfig, TcpCheckConfig
from sidecar.probe.http import HttpCheck
from sidecar.probe.runner import Check, CheckRunner
from sidecar.probe.tcp import TcpCheck
from sidecar.receive.otlp.grpc import OtlpGrpcReceiver
from sidecar.receive.otlp.http import OtlpHttpReceiver
from sidecar.receive.otlp.reception import Reception, Sinks, reception_of
from sidecar.rules.evaluation import Evaluator, Sending
from sidecar.rules.template import Templates
from sidecar.runtime.component import Component
from sidecar.runtime.publish.merge import Guest
from sidecar.runtime.state.database import Database
from sidecar.runtime.state.file import StateFile
from sidecar.runtime.watch import FileWatch


class Assembly:
    """Makes the parts of a configuration around the stores."""

    def __init__(self, config: SidecarConfig, base: Foundation) -> None:
        self.config = config
        self.stores = Stores(config, base)
        self._base = base
        base.pod.metrics = partial(metrics_response, self.stores.pages)
        failed = base.meter.counter(
            "redis_target_scrape_request_errors_total", "Requests for the page of one target that got none."
        )
        base.pod.target = TargetHandler(self.stores.targets, failed.inc)

    load_files = staticmethod(load_good_files)

    def adopt(self, config: SidecarConfig) -> None:
        """Note that the parts of `config` run now, and give the stores its limits."""
        self.config = config
        self.stores.adopt(config)

    def parts(self, config: SidecarConfig, files: Files, source: ConfigSource) -> tuple[Part, ...]:
        """Return all parts of `config`, downstream first; nothing is opened."""
        return (
            watchdog_part(self._base),
            pod_part(config.pod, self._base),
            self._local_part(config.api),
            *self._telemetry_parts(config),
            *self._state_parts(config),
            *self._forward_parts(config),
            *(self._sender_part(receiver) for receiver in config.alertmanagers),
            self._rules_part(config, files.rules),
            self._watch_part(source),
            *self._job_parts(),
            *self._target_parts(config, files.queries),
            *(self._app_part(config, settings) for settings in config.app_metrics),
            *(self._check_part(check) for check in config.probes.checks),
            *self._otlp_parts(config),
            self._self_part(config),
        )

    def _local_part(self, config: ApiConfig) -> Part:
        shown = resources(self.stores, self._base.clock)
        content = local_content(self._base, lambda: overview(self.config, self.stores, self._base), shown)
        app = local_app(content, config)

        def make() -> Component:
            return Listener(local_listener(config), app)

        return Part("local", TierName.API, config, make)

    def _telemetry_parts(self, config: SidecarConfig) -> Iterator[Part]:
        base, settings = self._base, config.telemetry
        instance = dict(_target_labels(config, None, None))["instance"]
        attributes = {"service.name": "sidecar", "service.version": __version__, "service.instance.id": instance}
        attributes |= settings.resource_attributes

        def make() -> Component:
            around = Telemetered(base.clock, base.meter, base.events, base.tracing, base.started_at)
            return OwnTelemetry(settings, attributes, around)

        if settings.endpoint is not None:
            yield Part("telemetry", TierName.DELIVER, (settings, attributes), make)

    def _sender_part(self, config: AlertmanagerConfig) -> Part:
        name = f"alertmanager/{config.name}"

        def make() -> Component:
            sender = AlertmanagerSender(config, self._base.meter, self._base.events, self._base.tracing)
            self.stores.receivers.add(name, sender)
            return sender

        def forget() -> None:
            self.stores.receivers.remove(name)
            self._base.meter.forget("alertmanager", config.name)

        return Part(name, TierName.DELIVER, config, make, forget)

    def _state_parts(self, config: SidecarConfig) -> Iterator[Part]:
        def make() -> Component:
            base = self._base
            return StateFile(Database(str(config.state.path)), self.stores.state, base.clock, base.meter, base.events)

        if config.state.path is not None:
            # In the first tier, so that whoever still has something to keep stops before it.
            yield Part("state", TierName.API, config.state, make)

    def _forward_parts(self, config: SidecarConfig) -> Iterator[Part]:
        def make() -> Component:
            base = self._base
            mask = RequestMasking(config.redact)
            shown = self.stores.redactor.text
            context = ForwardContext(self.stores.state, Conversion(), mask, base.clock, base.meter, base.events, shown)
            forwarder = Forwarder(config.forward, context)
            self.stores.forwards.add(forwarder.name, forwarder)
            return forwarder

        if config.forward.endpoint is not None:
            settings = (config.forward, config.redact if config.forward.redact else None)
            yield Part("forward", TierName.DELIVER, settings, make, lambda: self.stores.forwards.remove("forward"))

    def _rules_part(self, config: SidecarConfig, rules: Rules) -> Part:
        def make() -> Component:
            sending = Sending(
                dict(config.rules.external_labels),
                config.rules.external_url,
                round(config.rules.resend_delay_seconds * 1000),
            )
            base, stores = self._base, self.stores
            surroundings = Surroundings(
                base.clock, base.events, base.meter, stores.head, stores.queries, (stores.receivers,), base.tracing
            )
            return RuleEvaluation(rules, stores.rules, Evaluator(Templates(), sending), surroundings)

        return Part("rules", TierName.JOBS, (config.rules, rules), make)

    def _watch_part(self, source: ConfigSource) -> Part:
        control, clock = self._base.control, self._base.clock

        def make() -> Component:
            return FileWatch(source.signature, lambda: source.texts.signature, control.reload, clock)

        return Part("watch", TierName.JOBS, (), make)

    def _job_parts(self) -> Iterator[Part]:
        base = self._base
        # Without a lease there is nobody to share the work with: everybody leads.
        scheduling = Scheduling(base.clock, base.meter, base.events, is_leader=lambda: True)
        jobs: tuple[Job[Stores], ...] = JOBS
        for job in jobs:
            yield Part(job.name, TierName.JOBS, (), partial(JobRunner, job, self.stores, scheduling))

    def _target_parts(self, config: SidecarConfig, queries: Queries) -> Iterator[Part]:
        context = self._scrape_context()

        def part(target: Target, settings: PostgresConfig | RedisConfig, own: tuple[Query, ...] = ()) -> Part:
            def make() -> Component:
                if isinstance(settings, PostgresConfig):
                    return PostgresRunner(settings, with_queries(own, settings, context.events), target, context)
                return RedisRunner(settings, REDIS_SECTIONS, target, context)

            kind = "postgres" if isinstance(settings, PostgresConfig) else "redis"
            name = f"{kind}/{target.name}"
            return Part(name, TierName.COLLECT, (settings, target, own), make, partial(self._end, name))

        for postgres in config.postgres:
            target = _target(config, postgres, several=len(config.postgres) > 1)
            yield part(target, postgres, queries[postgres.name])
        for redis in config.redis:
            yield part(_target(config, redis, several=len(config.redis) > 1), redis)

    def _app_part(self, config: SidecarConfig, settings: AppMetricsConfig) -> Part:
        base, publisher = self._base, self.stores.publisher
        target = _target(config, settings, several=len(config.app_metrics) > 1)
        name = f"app/{target.name}"

        def make() -> Component:
            publisher.admit(name, Guest(settings.merge, base.events))
            return AppRunner(settings, target, self._scrape_context())

        return Part(name, TierName.COLLECT, (settings, target), make, partial(self._end, name))

    def _scrape_context(self) -> ScrapeContext:
        base = self._base
        return ScrapeContext(self.stores.publisher, base.clock, base.events, base.meter, base.tracing)

    def _end(self, source: str) -> None:
        self.stores.publisher.end(source, round(self._base.clock.now() * 1000))

    def _check_part(self, config: AnyCheckConfig) -> Part:
        def make() -> Component:
            base = self._base
            check: Check = TcpCheck(config) if isinstance(config, TcpCheckConfig) else HttpCheck(config)
            return CheckRunner(config, check, base.board, base.clock, base.meter, base.events)

        forget = partial(self._base.meter.forget, "check", config.name)
        return Part(f"probe/{config.name}", TierName.COLLECT, config, make, forget)

    def _otlp_parts(self, config: SidecarConfig) -> Iterator[Part]:
        @cache
        def reception() -> Reception:
            stores = self.stores
            sinks = Sinks(
                stores.pipeline_for(config.spans),
                stores.metrics.of(config.otlp.metrics),
                stores.logs.of(config.otlp.logs),
                stores.forwards,
            )
            return reception_of(config.otlp, sinks, self._base.clock)

        settings = (config.otlp, config.spans)  # of both, because they share the limits
        meter = self._base.meter
        if config.otlp.http.listen is not None:
            yield Part("otlp_http", TierName.COLLECT, settings, lambda: OtlpHttpReceiver(reception(), meter))
        if config.otlp.grpc.listen is not None:
            yield Part("otlp_grpc", TierName.COLLECT, settings, lambda: OtlpGrpcReceiver(reception(), meter))

    def _self_part(self, config: SidecarConfig) -> Part:
        target = _target_labels(config, None, None)

        def make() -> Component:
            return SelfCollector(
                self.stores.head,
                target,
                config.scrape_interval_seconds,
                self._base.clock,
                self._base.events,
                (
                    Source("self", lambda: families_of(self._base.meter.registry)),
                    Source(
                        "spans",
                        lambda: self.stores.pipeline.families(self._base.clock.now()),
                        self.stores.pages.put_in_steps,
                        lambda: self.stores.pipeline.has_more,
                    ),
                    Source("otlp_metrics", self._received_metrics, self.stores.pages.put_in_steps),
                    Source(
                        "otlp_logs",
                        lambda: self.stores.logs.current.families(self._base.clock.now()),
                        self.stores.pages.put_in_steps,
                    ),
                ),
            )

        return Part("self", TierName.COLLECT, (target, config.scrape_interval_seconds), make)

    def _received_metrics(self) -> Iterable[FamilySamples]:
        taken = names_of(self.stores.pages.types("otlp_metrics"))
        return self.stores.metrics.current.families(self._base.clock.now(), taken)


def _target(config: SidecarConfig, settings: TargetConfig, several: bool) -> Target:
    labels = _target_labels(config, settings.job, settings.instance)
    interval = settings.scrape_interval_seconds or config.scrape_interval_seconds
    return Target(settings.name, interval, labels, (("target", settings.name),) if several else ())


def _target_labels(config: SidecarConfig, job: str | None, instance: str | None) -> Labels:
    """Return job and instance as a Prometheus that scrapes our pod listener would have them, unless configured."""
    ours = config.instance or f"{socket.gethostname()}:{config.pod.listen.port}"
    return labels_of({"job": job or config.job, "instance": instance or ours})
