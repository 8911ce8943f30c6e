"""What sends alerts: a package, a list in the configuration and a line in the registry, and it runs."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any, ClassVar, get_args

import pytest
from pydantic import ValidationError

from sidecar import deliver
from sidecar.app.build import build_parts, build_stores
from sidecar.app.config import SidecarConfig
from sidecar.app.files import Files
from sidecar.app.foundation import lay_foundation
from sidecar.app.registry import SENDERS
from sidecar.app.reload import Part, TierName
from sidecar.app.source import ConfigSource
from sidecar.deliver.outcome import Delivered, Outcome
from sidecar.deliver.sender import Attempt, SenderKind, SenderLimits
from sidecar.model.alert import Alert
from sidecar.model.config import Config
from sidecar.runtime.lifecycle import open_tier
from tests.fakes import FakeClock, RecordedEvents, until
from tests.unit.deliver.receiving import PostFailing, PostRecovered

ALERT = Alert({"alertname": "A"}, {}, 0, 1, "")


class PostConfig(Config):
    name: str = "main"


class PostSender:
    """A kind of sender that nobody knows but this test."""

    kind: ClassVar[SenderKind] = SenderKind("post", "alerts", "posts", PostFailing, PostRecovered)
    sent: ClassVar[list[Alert]] = []

    def __init__(self, config: PostConfig) -> None:
        self.receiver = config.name
        self.limits = SenderLimits(queue_capacity=10, batch_size=10, timeout_seconds=1)

    async def send(self, batch: Any, _: Attempt, /) -> Outcome:
        self.sent.extend(batch)
        return Delivered()


class ConfigWithPosts(SidecarConfig):
    posts: tuple[PostConfig, ...] = ()


class World:
    """The parts of a configuration with a post office in it."""

    def __init__(self) -> None:
        self.base = lay_foundation(SidecarConfig(), FakeClock())
        self.config = ConfigWithPosts(posts=(PostConfig(),))
        self.stores = build_stores(self.config, self.base)

    def part(self, name: str) -> Part:
        parts = build_parts(self.config, Files((), {}), ConfigSource(None, {}), self.stores, self.base)
        return next(part for part in parts if part.name == name)

    def shown(self) -> set[str]:
        return {sample.name for family in self.base.meter.registry.collect() for sample in family.samples}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    kind: type[Config] = PostConfig
    monkeypatch.setitem(SENDERS, kind, PostSender)
    monkeypatch.setattr(PostSender, "sent", [])
    return World()


async def test_a_new_kind_of_sender_gets_the_alerts_by_being_configured_and_registered(world: World) -> None:
    part = world.part("post/main")
    assert part.tier is TierName.DELIVER
    async with open_tier(world.base.clock, RecordedEvents()) as tier:
        await tier.start(part.make())
        world.stores.receivers.accept([ALERT])
        await until(lambda: bool(PostSender.sent))
    assert PostSender.sent == [ALERT]


def test_a_sender_that_is_gone_gets_nothing_and_leaves_no_meters(world: World) -> None:
    part = world.part("post/main")
    part.make()
    assert "prometheus_posts_sent_total" in world.shown()
    part.forget()
    assert "prometheus_posts_sent_total" not in world.shown()
    world.stores.receivers.accept([ALERT])
    assert PostSender.sent == []


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("postgres", {"dsn": "postgresql://h"}),
        ("redis", {"url": "redis://h"}),
        ("app_metrics", {"url": "http://h"}),
        ("alertmanagers", {"url": "http://h"}),
        ("webhooks", {"kind": "slack", "url": "http://h"}),
        ("posts", {}),
    ],
)
def test_two_of_a_kind_may_not_have_the_same_name(field: str, address: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="name `a` is given twice") as caught:
        ConfigWithPosts.model_validate({field: [{"name": "a", **address}, {"name": "a", **address}]})
    assert caught.value.errors()[0]["loc"] == (field,)


def test_every_sender_is_registered_under_a_configuration_that_the_root_has_a_list_of() -> None:
    packages = [found.name for found in iter_modules(deliver.__path__, f"{deliver.__name__}.") if found.ispkg]
    senders = {
        value
        for package in packages
        for found in iter_modules(import_module(package).__path__, f"{package}.")
        for value in vars(import_module(found.name)).values()
        if isinstance(value, type) and isinstance(getattr(value, "kind", None), SenderKind)
    }
    assert senders == set(SENDERS.values())
    listed = {item for field in SidecarConfig.model_fields.values() for item in get_args(field.annotation)}
    assert set(SENDERS) <= listed
