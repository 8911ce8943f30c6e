"""An app's families beside the sidecar's: on /metrics, in the head and on the app's own page."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sidecar.model.family import Family, FamilySamples, MetricType, Sample
from sidecar.model.labels import METRIC_NAME, Labels
from sidecar.model.sample import SampleBatch
from sidecar.model.steps import finished
from sidecar.runtime.pages import Pages
from sidecar.runtime.publish.merge import AppFamilies, FamilyLeftOut
from sidecar.runtime.publish.publisher import Publisher
from sidecar.runtime.target_pages import TargetPages
from sidecar.tsdb.config import HeadConfig
from sidecar.tsdb.head import Head
from tests.fakes import FakeClock, RecordedEvents
from tests.servers import samples_of

APP, DATABASE = "app/shop", "redis/main"
TARGET: Labels = (("instance", "pod:9464"), ("job", "sidecar"))


def gauge(name: str, value: float, kind: MetricType = MetricType.GAUGE, labels: Labels = ()) -> FamilySamples:
    return FamilySamples(Family(name, kind, f"Help of {name}."), [Sample(name, labels, value)])


class Published:
    """A publisher with one app, and where its batches went."""

    def __init__(self, merge: bool = True) -> None:
        self.clock = FakeClock()
        self.events = RecordedEvents(self.clock)
        self.pages = Pages(self.clock.monotonic)
        self.targets = TargetPages(self.clock.monotonic)
        self.head = Head(HeadConfig())
        self.publisher = Publisher(self.pages, self.targets, self.head, self.clock)
        self.publisher.merge(APP, AppFamilies(merge, self.events))

    def scrape(self, source: str, *families: FamilySamples, extra: Labels = ()) -> None:
        self.clock.pass_by(15)
        finished(self.publisher.accept_in_steps(SampleBatch(source, self.now_ms, TARGET, families, True, extra)))

    @property
    def now_ms(self) -> int:
        return round(self.clock.now() * 1000)

    @property
    def metrics(self) -> dict[str, float]:
        text = self.pages.render().decode()
        names = [metric.name for metric in text_string_to_metric_families(text)]
        assert len(names) == len(set(names))
        assert len(samples_of(text)) == sum(not line.startswith("#") for line in text.splitlines())
        return samples_of(text)

    @property
    def stored(self) -> dict[str, float]:
        """Return what the head has now, `up` left out, without the labels of the target."""
        found = {}
        for block in self.head.select([], self.now_ms - 14_000, self.now_ms):
            for labels, value in zip(block.labels, block.values[:, -1].tolist(), strict=True):
                own = {name: text for name, text in labels if (name, text) not in TARGET}
                name = own.pop(METRIC_NAME)
                assert name not in found
                if name != "up" and value == value:
                    found[name + "".join(f'{{{key}="{text}"}}' for key, text in own.items())] = value
        return found


def test_merged_app_is_on_metrics_and_another_one_in_the_head_only() -> None:
    merged, apart = Published(), Published(merge=False)
    for published in (merged, apart):
        published.scrape(APP, gauge("orders", 1))
        assert published.stored == {"orders": 1}
    assert (merged.metrics, apart.metrics) == ({"orders": 1}, {})


async def test_own_page_has_what_the_app_gave_whatever_others_show() -> None:
    published = Published(merge=False)
    published.scrape(DATABASE, gauge("keys", 7))
    published.scrape(APP, gauge("keys", 1))
    page = await published.targets.page(APP)
    assert page is not None
    assert samples_of(page.render().decode()) == {"keys": 1}


def test_family_that_others_show_carries_the_name_of_the_target() -> None:
    published = Published()
    published.scrape(DATABASE, gauge("keys", 7))
    published.scrape(APP, gauge("keys", 1), gauge("orders", 2))
    assert published.metrics == {"keys": 7, 'keys{target="shop"}': 1, "orders": 2}
    assert published.stored == {'keys{target="shop"}': 1, "orders": 2}


def test_families_that_are_read_at_each_get_count_before_the_first_one() -> None:
    published = Published()
    published.pages.add_live("self", lambda: [gauge("process_threads", 3)])
    published.scrape(APP, gauge("process_threads", 9))
    assert published.stored == {'process_threads{target="shop"}': 9}
    assert published.metrics == {"process_threads": 3, 'process_threads{target="shop"}': 9}


def test_app_makes_way_at_once_for_a_family_that_another_source_begins_to_show() -> None:
    published = Published()
    published.scrape(APP, gauge("keys", 1))
    published.scrape(DATABASE, gauge("keys", 7))
    assert published.metrics == {"keys": 7, 'keys{target="shop"}': 1}
    published.scrape(DATABASE)
    assert published.metrics == {"keys": 1}


def test_label_of_the_app_by_that_name_is_kept_aside() -> None:
    published = Published()
    published.scrape(DATABASE, gauge("keys", 7))
    published.scrape(APP, gauge("keys", 1, labels=(("target", "x"),)))
    assert published.metrics == {"keys": 7, 'keys{exported_target="x",target="shop"}': 1}


def test_one_of_several_apps_has_its_label_once() -> None:
    published = Published()
    published.scrape(DATABASE, gauge("keys", 7))
    published.scrape(APP, gauge("keys", 1), gauge("orders", 2), extra=(("target", "shop"),))
    assert published.metrics == {"keys": 7, 'keys{target="shop"}': 1, 'orders{target="shop"}': 2}


def test_family_of_another_type_is_left_out_of_metrics_and_told_once() -> None:
    published = Published()
    published.scrape(DATABASE, gauge("keys", 7))
    for _ in range(2):
        published.scrape(APP, gauge("keys", 1, MetricType.COUNTER), gauge("orders", 2))
    assert published.metrics == {"keys": 7, "orders": 2}
    assert published.stored == {'keys{target="shop"}': 1, "orders": 2}
    assert published.events.seen == [FamilyLeftOut(APP, "keys", "counter", "gauge")]


def test_app_that_is_not_merged_has_nothing_left_out() -> None:
    published = Published(merge=False)
    published.scrape(DATABASE, gauge("keys", 7))
    published.scrape(APP, gauge("keys", 1, MetricType.COUNTER))
    assert published.events.seen == []


def test_app_that_ended_is_shown_no_more() -> None:
    published = Published()
    published.scrape(APP, gauge("keys", 1))
    published.publisher.end(APP, published.now_ms)
    published.scrape(DATABASE, gauge("keys", 7))
    assert published.metrics == {"keys": 7}


def test_app_that_is_merged_no_more_leaves_metrics_at_its_next_scrape() -> None:
    published = Published()
    published.scrape(APP, gauge("orders", 1))
    published.publisher.merge(APP, AppFamilies(False, published.events))
    published.scrape(APP, gauge("orders", 1))
    assert published.metrics == {}


@pytest.mark.parametrize("steps", range(8))
def test_page_never_shows_a_series_twice_while_the_sidecar_begins_to_show_its_family(steps: int) -> None:
    published = Published()
    published.scrape(APP, gauge("keys", 1))
    published.clock.pass_by(15)
    begun = published.publisher.accept_in_steps(
        SampleBatch(DATABASE, published.now_ms, TARGET, [gauge("keys", 7), gauge("x", 1)], True)
    )
    for _ in range(steps):
        next(begun, None)
        assert published.metrics in ({"keys": 1}, {"keys": 7, "x": 1, 'keys{target="shop"}': 1})
    begun.close()
    published.scrape(DATABASE, gauge("keys", 7))
    assert published.metrics == {"keys": 7, 'keys{target="shop"}': 1}
