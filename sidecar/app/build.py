"""What a configuration becomes: the stores that reloads never swap, and the parts that they do, tier by tier.

First which parts there are and what each depends on, then how the component of each is made. Nothing is opened here.
"""

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from importlib import import_module
from itertools import chain
from typing import Protocol

from sidecar import __version__
from sidecar.api.config import ApiConfig
from sidecar.api.listener import Listener
from sidecar.api.local import ApiFailed, LocalContent, local_app, local_listener
from sidecar.api.metrics import metrics_response
from sidecar.api.targets import TargetHandler
from sidecar.app.config import SidecarConfig
from sidecar.app.files import Files, Rules
from sidecar.app.foundation import Foundation, first_parts
from sidecar.app.graph import graph
from sidecar.app.overview import overview
from sidecar.app.registry import CHECKS, JOBS, POSTGRES_VIEWS, REDIS_SECTIONS, RESOURCES, SENDERS
from sidecar.app.reload import Part, TierName
from sidecar.app.source import ConfigSource
from sidecar.app.stores import Stores
from sidecar.collect.app.config import AppMetricsConfig
from sidecar.collect.app.runner import AppRunner
from sidecar.collect.config import TargetConfig
from sidecar.collect.postgres.config import PostgresConfig
from sidecar.collect.postgres.queries.query import Query
from sidecar.collect.redis.config import RedisConfig
from sidecar.collect.runner import ScrapeContext, Target, phase_of
from sidecar.collect.self import SelfCollector
from sidecar.deliver.alertmanager.config import AlertmanagerConfig
from sidecar.deliver.alertmanager.runner import LOOKUP, AlertmanagerRunner
from sidecar.deliver.alertmanager.sender import AlertmanagerSender
from sidecar.deliver.masking import RequestMasking
from sidecar.deliver.otlp import ForwardContext, Forwarder
from sidecar.deliver.sender import SenderContext, SenderRunner
from sidecar.deliver.telemetry.component import OwnTelemetry
from sidecar.deliver.telemetry.component import Surroundings as Telemetered
from sidecar.deliver.telemetry.config import TelemetryConfig
from sidecar.deliver.webhook.config import DeadManConfig, WebhookConfig
from sidecar.deliver.webhook.dead_man import DeadMan
from sidecar.deliver.webhook.runner import WebhookRunner
from sidecar.jobs.evaluate import RuleEvaluation, Surroundings
from sidecar.jobs.finish import Finish
from sidecar.jobs.schedule import Job, JobRunner, Scheduling
from sidecar.model.alert import Alert
from sidecar.model.config import Config
from sidecar.model.labels import Labels, labels_of
from sidecar.model.sample import Sink
from sidecar.model.target import TargetName
from sidecar.probe.check import CheckContext
from sidecar.probe.checks.config import CheckConfig
from sidecar.probe.runner import CheckRunner
from sidecar.receive.otlp.grpc import OtlpGrpcReceiver
from sidecar.receive.otlp.http import OtlpHttpReceiver
from sidecar.receive.otlp.reception import Reception, Sinks, reception_of
from sidecar.rules.evaluation import Evaluator, Sending
from sidecar.rules.template import Templates
from sidecar.runtime.component import Component
from sidecar.runtime.lifecycle import reason_of
from sidecar.runtime.publish.merge import AppFamilies
from sidecar.runtime.state.database import Database
from sidecar.runtime.state.file import StateFile
from sidecar.runtime.watch import FileWatch


class Receiver(Component, Sink[Sequence[Alert]], Protocol):
    """What tells receivers of alerts."""


_POSTGRES, _REDIS = "sidecar.collect.postgres.target", "sidecar.collect.redis.runner"


def import_drivers(config: SidecarConfig) -> None:
    """Import what `config` needs to reach others; meant for a thread, before the parts are made.

    asyncpg takes 3 MB and redis 9, with a tenth of a second: for those alone who have such a target.
    """
    if config.postgres:
        import_module(_POSTGRES)
    if config.redis:
        import_module(_REDIS)
    if any(alertmanager.dns for alertmanager in config.alertmanagers):
        import_module(LOOKUP)


def build_stores(config: SidecarConfig, base: Foundation) -> Stores:
    """Return the stores of `config`; the pod listener shows from now on what they hold."""
    stores = Stores(config, base)
    failed = base.meter.counter(
        "redis_target_scrape_request_errors_total", "Requests for the page of one target that got none."
    )
    base.pod.plug_in(partial(metrics_response, stores.pages), TargetHandler(stores.targets, failed.inc))
    return stores


def build_parts(
    config: SidecarConfig, files: Files, source: ConfigSource, stores: Stores, base: Foundation
) -> tuple[Part, ...]:
    """Return all parts of `config`, downstream first."""
    return (
        *_api_tier(config, stores, base),
        *_deliver_tier(config, stores, base),
        *_jobs_tier(config, files.rules, source, stores, base),
        *_collect_tier(config, files, stores, base),
    )


def _api_tier(config: SidecarConfig, stores: Stores, base: Foundation) -> Iterator[Part]:
    yield from first_parts(config.pod, base)
    yield Part("local", TierName.API, config.api, partial(_local_listener, config.api, stores, base))
    if config.state.path is not None:
        # In the first tier, so that whoever still has something to keep stops before it.
        path = str(config.state.path)
        yield Part("state", TierName.API, config.state, partial(_state_file, path, stores, base))


def _deliver_tier(config: SidecarConfig, stores: Stores, base: Foundation) -> Iterator[Part]:
    if config.telemetry.endpoint is not None:
        attributes = _resource_attributes(config)
        make = partial(_own_telemetry, config.telemetry, attributes, base)
        yield Part("telemetry", TierName.DELIVER, (config.telemetry, attributes), make)
    if config.forward.endpoint is not None:
        settings = (config.forward, config.redact if config.forward.redact else None)
        forget = partial(stores.forwards.remove, "forward")
        yield Part("forward", TierName.DELIVER, settings, partial(_forwarder, config, stores, base), forget)
    if config.dead_man is not None:
        yield _dead_man_part(config.dead_man, stores, base)
    lists = (value for _, value in config if isinstance(value, tuple))
    url = config.rules.external_url
    yield from (_sender_part(item, url, stores, base) for item in chain(*lists) if type(item) in SENDERS)


def _jobs_tier(
    config: SidecarConfig, rules: Rules, source: ConfigSource, stores: Stores, base: Foundation
) -> Iterator[Part]:
    yield Part("rules", TierName.JOBS, (config.rules, rules), partial(_rule_evaluation, config, rules, stores, base))
    yield Part("watch", TierName.JOBS, (), partial(_file_watch, source, base))
    yield Part("finish", TierName.JOBS, (), lambda: Finish(stores.insights.finish, base.clock.steady))
    # Without a lease there is nobody to share the work with: everybody leads.
    scheduling = Scheduling(base.clock, base.meter, base.events, is_leader=lambda: True)
    jobs: tuple[Job[Stores], ...] = JOBS
    for job in jobs:
        yield Part(job.name, TierName.JOBS, (), partial(JobRunner, job, stores, scheduling))


def _collect_tier(config: SidecarConfig, files: Files, stores: Stores, base: Foundation) -> Iterator[Part]:
    context = ScrapeContext(stores.publisher, base.clock, base.events, base.meter, base.tracing)
    for postgres in config.postgres:
        target, own = _target(config, postgres, several=len(config.postgres) > 1), files.queries[postgres.name]
        make = partial(_postgres_runner, postgres, own, target, context)
        yield _target_part("postgres", target, (postgres, own), make, stores, base)
    for redis in config.redis:
        target = _target(config, redis, several=len(config.redis) > 1)
        runner = partial(_redis_runner, redis, target, context)
        yield _target_part("redis", target, redis, runner, stores, base)
    for app in config.app_metrics:
        target = _target(config, app, several=len(config.app_metrics) > 1)
        yield _target_part("app", target, app, partial(_app_runner, app, target, context, stores), stores, base)
    for check in config.probes.checks:
        forget = partial(base.meter.forget, "check", check.name)
        yield Part(f"probe/{check.name}", TierName.COLLECT, check, partial(_check_runner, check, stores, base), forget)
    yield from _receiver_parts(config, stores, base)
    labels = _target_labels(config, None, None)
    interval = config.scrape_interval_seconds
    collector = partial(SelfCollector, stores.head, labels, interval, base.clock, base.events, stores.sources)
    yield Part("self", TierName.COLLECT, (labels, interval), collector)


def _sender_part(config: Config, external_url: str, stores: Stores, base: Foundation) -> Part:
    runner_of: Callable[[SenderContext], Receiver]
    if isinstance(config, AlertmanagerConfig):
        kind, receiver = AlertmanagerSender.kind.name, config.name
        runner_of = partial(AlertmanagerRunner, config)
    else:
        sender = SENDERS[type(config)](config)
        kind, receiver = sender.kind.name, sender.receiver
        runner_of = partial(SenderRunner[Alert], sender)
        if isinstance(config, WebhookConfig):
            runner_of = partial(WebhookRunner, config, external_url, stores.mutes.is_muted)
    name = f"{kind}/{receiver}"

    def make() -> Component:
        context = SenderContext(base.clock, base.meter, base.events, base.tracing, stores.redactor.text)
        runner = runner_of(context)
        stores.receivers.add(name, runner)
        return runner

    def forget() -> None:
        stores.receivers.remove(name)
        base.meter.forget(kind, receiver)

    settings = (config, external_url) if isinstance(config, WebhookConfig) else config
    return Part(name, TierName.DELIVER, settings, make, forget)


def _dead_man_part(config: DeadManConfig, stores: Stores, base: Foundation) -> Part:
    def make() -> Component:
        context = SenderContext(base.clock, base.meter, base.events, shown=stores.redactor.text)
        dead_man = DeadMan(config, context)
        stores.receivers.add(dead_man.name, dead_man)
        return dead_man

    return Part(DeadMan.name, TierName.DELIVER, config, make, partial(stores.receivers.remove, DeadMan.name))


def _target_part(
    kind: str, target: Target, settings: object, make: Callable[[], Component], stores: Stores, base: Foundation
) -> Part:
    name = str(TargetName(kind, target.name))

    def forget() -> None:
        stores.publisher.end(name, round(base.clock.now() * 1000))

    return Part(name, TierName.COLLECT, (settings, target), make, forget)


def _receiver_parts(config: SidecarConfig, stores: Stores, base: Foundation) -> Iterator[Part]:
    settings = (config.otlp, config.spans)  # of both, because they share the limits
    reception = cache(partial(_reception, config, stores, base))
    if config.otlp.http.listen is not None or config.otlp.grpc.listen is not None:
        # With the settings of the pipeline: so none of its spans waits when another pipeline takes its place.
        yield Part("gather", TierName.COLLECT, config.spans, lambda: stores.gather)
    if config.otlp.http.listen is not None:
        yield Part("otlp_http", TierName.COLLECT, settings, lambda: OtlpHttpReceiver(reception(), base.meter))
    if config.otlp.grpc.listen is not None:
        yield Part("otlp_grpc", TierName.COLLECT, settings, lambda: OtlpGrpcReceiver(reception(), base.meter))


def _local_listener(config: ApiConfig, stores: Stores, base: Foundation) -> Component:
    context = stores.resource_context(base.clock)
    content = LocalContent(
        lambda: overview(stores.config, stores, base),
        [resource(context) for resource in RESOURCES],
        lambda error: base.events.emit(ApiFailed(reason_of(error))),
        stores.catch_up,
        partial(graph, queries=stores.queries, clock=base.clock),
    )
    return Listener(local_listener(config), local_app(content, config))


def _state_file(path: str, stores: Stores, base: Foundation) -> Component:
    return StateFile(Database(path), stores.state, base.clock, base.meter, base.events)


def _own_telemetry(config: TelemetryConfig, attributes: Mapping[str, str], base: Foundation) -> Component:
    around = Telemetered(base.clock, base.meter, base.events, base.tracing, base.started_at)
    return OwnTelemetry(config, attributes, around)


def _forwarder(config: SidecarConfig, stores: Stores, base: Foundation) -> Component:
    mask, shown = RequestMasking(config.redact), stores.redactor.text
    context = ForwardContext(stores.state, mask, base.clock, base.meter, base.events, shown)
    forwarder = Forwarder(config.forward, context)
    stores.forwards.add(forwarder.name, forwarder)
    return forwarder


def _rule_evaluation(config: SidecarConfig, rules: Rules, stores: Stores, base: Foundation) -> Component:
    settings = config.rules
    resend_delay_ms = round(settings.resend_delay_seconds * 1000)
    bases = {"runbook_url": settings.runbook_base_url, "dashboard_url": settings.dashboard_base_url}
    sending = Sending(
        dict(settings.external_labels),
        settings.external_url,
        resend_delay_ms,
        {name: base for name, base in bases.items() if base},
    )
    evaluator = Evaluator(Templates(), sending)
    around = Surroundings(
        clock=base.clock,
        events=base.events,
        meter=base.meter,
        series=stores.head,
        queries=stores.queries,
        receivers=(stores.receivers,),
        tracing=base.tracing,
        page=stores.pages,
        exposes=settings.expose,
        settle_seconds=2 * _longest_interval(config),
    )
    return RuleEvaluation(rules, stores.rules, evaluator, around)


def _file_watch(source: ConfigSource, base: Foundation) -> Component:
    return FileWatch(source.signature, lambda: source.texts.signature, base.control.reload, base.clock)


def _postgres_runner(config: PostgresConfig, own: Sequence[Query], target: Target, context: ScrapeContext) -> Component:
    runner: Component = import_module(_POSTGRES).postgres_runner(config, POSTGRES_VIEWS, own, target, context)
    return runner


def _redis_runner(config: RedisConfig, target: Target, context: ScrapeContext) -> Component:
    runner: Component = import_module(_REDIS).RedisRunner(config, REDIS_SECTIONS, target, context)
    return runner


def _app_runner(config: AppMetricsConfig, target: Target, context: ScrapeContext, stores: Stores) -> Component:
    stores.publisher.merge(str(TargetName("app", target.name)), AppFamilies(config.merge, context.events))
    return AppRunner(config, target, context)


def _check_runner(config: CheckConfig, stores: Stores, base: Foundation) -> Component:
    check = CHECKS[type(config)](config, CheckContext(base.clock, stores.queries))
    return CheckRunner(config, check, base.board, base.clock, base.meter, base.events)


def _reception(config: SidecarConfig, stores: Stores, base: Foundation) -> Reception:
    stores.spans.of(config.spans)
    sinks = Sinks(
        stores.gather,
        stores.metrics.of(config.otlp.metrics),
        stores.logs.of(config.otlp.logs),
        stores.forwards,
    )
    return reception_of(config.otlp, sinks, base.clock.steady)


def _resource_attributes(config: SidecarConfig) -> dict[str, str]:
    instance = dict(_target_labels(config, None, None))["instance"]
    ours = {"service.name": "sidecar", "service.version": __version__, "service.instance.id": instance}
    return ours | config.telemetry.resource_attributes


def _target(config: SidecarConfig, settings: TargetConfig, several: bool) -> Target:
    labels = _target_labels(config, settings.job, settings.instance)
    interval = _interval(config, settings)
    extra = (("target", settings.name),) if several else ()
    phase = phase_of(f"{_instance(config)} {type(settings).__name__} {settings.name}")
    return Target(settings.name, interval, labels, extra, phase * interval)


def _interval(config: SidecarConfig, settings: TargetConfig) -> float:
    return settings.scrape_interval_seconds or config.scrape_interval_seconds


def _longest_interval(config: SidecarConfig) -> float:
    return max([config.scrape_interval_seconds, *(_interval(config, target) for _, target in config.targets)])


def _target_labels(config: SidecarConfig, job: str | None, instance: str | None) -> Labels:
    """Return job and instance as a Prometheus that scrapes our pod listener would have them, unless configured."""
    return labels_of({"job": job or config.job, "instance": instance or _instance(config)})


def _instance(config: SidecarConfig) -> str:
    return config.instance or f"{socket.gethostname()}:{config.pod.listen.port}"
