"""A whole process whose files change: what is bad never runs, what ran goes on, and nothing is lost on the way."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from typing_extensions import override

from sidecar.app.process import TOLD_LINES, Process, Reloaded, ReloadFailed
from sidecar.app.reload import PartLost, TierName
from sidecar.spans.pipeline import Pipeline
from tests.fakes import FakeClock, FakeComponent, settle, until
from tests.unit.app.root import CONFIG, RULES, Root, alerts_of, get, metrics_of, post_otlp

REQUESTS = "sidecar_http_server_requests_total"
SUCCESSFUL = "sidecar_config_last_reload_successful"
CHECK = 'probes: {checks: [{kind: tcp, name: db, address: "127.0.0.1:1"}]}\n'
REDIS = 'redis: [{name: cache, url: "redis://127.0.0.1:1"}]\n'
SPAN = (
    '{"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},'
    '"scopeSpans": [{"spans": [{"traceId": "%032x", "spanId": "%016x", "name": "GET /", "kind": 2,'
    '"startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000000100000000",'
    '"attributes": [{"key": "http.request.method", "value": {"stringValue": "GET"}},'
    '{"key": "http.route", "value": {"stringValue": "/"}}]}]}]}]}'
)


class InjectedError(Exception):
    """What a part fails with."""


async def send_span(process: Process, number: int) -> None:
    await post_otlp(process, "traces", SPAN % (number, number))


BAD = {
    "its syntax": (CONFIG + "}", "sidecar.yaml:"),
    "its meaning": (CONFIG + "jobs: x\n", "`jobs`"),
    "a value": (CONFIG + "scrape_interval_seconds: -1\n", "scrape_interval_seconds"),
    "a file that is missing": (CONFIG.replace("rules.yml", "gone.yml"), "`gone.yml` is missing"),
    "a section that is none": (
        CONFIG + REDIS.replace("}]", ", sections: {include: [x]}}]"),
        "no section is called `x`",
    ),
}


@pytest.mark.parametrize("config", BAD.values(), ids=BAD)
async def test_a_bad_configuration_is_told_and_no_part_of_the_good_one_notices(
    root: Root, config: tuple[str, str]
) -> None:
    root.fake("part")
    async with root.running() as process:
        running = dict(process.addresses)
        root.config.write_text(config[0])
        await process.reload()
        (event,) = root.seen(ReloadFailed)
        assert config[1] in event.error
        assert (await metrics_of(process))[SUCCESSFUL] == 0
        assert (process.config.job, process.addresses, root.journal) == ("shop", running, ["open part"])
        root.config.write_text(CONFIG.replace("shop", "till"))
        await process.reload()
        assert (await metrics_of(process))[SUCCESSFUL] == 1
        assert (process.config.job, len(root.seen(Reloaded))) == ("till", 1)


async def test_of_very_many_mistakes_the_first_are_logged(root: Root) -> None:
    async with root.running() as process:
        root.config.write_text("".join(f"mistake{number}: 1\n" for number in range(300)))
        await process.reload()
        (event,) = root.seen(ReloadFailed)
        *told, last = event.error.split("\n")
        assert len(told) == TOLD_LINES
        assert last.endswith("lines more")


async def test_a_port_that_is_taken_has_everything_put_back(root: Root, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other_root = Root(tmp_path / "other")
    async with other_root.running() as other, root.running() as process:
        taken = other.addresses["local"]
        changed = CONFIG.replace("shop", "till").replace('api: {listen: "127.0.0.1:0"}', f"api: {{listen: '{taken}'}}")
        root.config.write_text(changed + CHECK + REDIS)
        await process.reload()
        (event,) = root.seen(ReloadFailed)
        assert f"local: cannot listen on `{taken}`: the port is taken" in event.error
        assert (process.config.job, process.config.redis) == ("shop", ())
        assert (await get(process, "local", "/"))[0] == 200
        assert (await get(process, "pod", "/readyz"))[0] == 200
        assert (await get(process, "pod", "/probe?target=cache"))[0] == 404


@pytest.mark.parametrize("moment", ["while it is made", "before it is ready"])
async def test_a_part_that_cannot_start_is_taken_back_with_all_others(root: Root, moment: str) -> None:
    def refuse() -> FakeComponent:
        raise InjectedError(moment)

    root.fake("changed")
    async with root.running() as process:
        root.fake("changed")
        root.fake("bad", TierName.COLLECT, error_before_ready=InjectedError(moment))
        if moment == "while it is made":
            root.add("bad", refuse, TierName.COLLECT)
        root.config.write_text(CONFIG.replace("shop", "till"))
        await process.reload()
        (event,) = root.seen(ReloadFailed)
        assert event.error == f"InjectedError: {moment}"
        assert process.config.job == "shop"
        journal = [line for line in root.journal if line not in {"open bad", "close bad"}]
        assert journal == ["open changed", *["close changed", "open changed"] * 2, "forget bad"]


async def test_a_part_that_cannot_be_put_back_is_told_without_passwords_and_comes_with_the_next_reload(
    root: Root, caplog: pytest.LogCaptureFixture
) -> None:
    def once() -> FakeComponent:
        if "open part" in root.journal:
            raise InjectedError("postgres://u:c4nary@h/d is away")
        return FakeComponent("part", root.journal)

    root.add("part", once)
    async with root.running() as process:
        root.add("part", lambda: FakeComponent("part", root.journal))
        root.fake("bad", TierName.COLLECT, error_before_ready=InjectedError("no"))
        await process.reload()
        (event,) = root.seen(PartLost)
        assert event.part == "part"
        assert "`part` could not be put back: InjectedError: postgres://***@h/d is away" in caplog.text
        assert "c4nary" not in caplog.text
        assert root.journal[-1] == "forget bad"
        assert (await get(process, "pod", "/readyz"))[0] == 200
        root.fakes = root.fakes[:1]
        await process.reload()
        assert root.journal[-1] == "open part"
        assert root.seen(Reloaded)[-1].started == 1


async def test_a_part_that_fails_while_a_reload_stops_it_holds_the_reload_up_no_longer(root: Root) -> None:
    class Stubborn(FakeComponent):
        @override
        async def run(self, ready: Callable[[], None]) -> None:
            try:
                await super().run(ready)
            finally:
                raise InjectedError("while stopping")

    root.add("part", lambda: Stubborn("part", root.journal))
    async with root.running() as process:
        root.fake("part")
        await process.reload()
        assert (len(root.seen(Reloaded)), root.journal[-1]) == (1, "open part")


async def test_what_was_received_goes_on_counting_when_a_reload_is_taken_back(root: Root) -> None:
    async with root.running() as process:
        await send_span(process, 1)
        root.fake("bad", TierName.COLLECT, error_before_ready=InjectedError("no"))
        root.config.write_text(CONFIG + "spans: {slow_seconds: 2}\n")
        await process.reload()
        assert len(root.seen(ReloadFailed)) == 1
        await send_span(process, 2)
        await until_requests_shown(root, process, 2)


class SlowToFail:
    """A component that cannot start, which takes a second."""

    name = "bad"

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock

    async def run(self, ready: Callable[[], None]) -> None:
        await self._clock.advance(1.0)
        raise InjectedError("no")


@pytest.mark.parametrize("is_taken_back", [False, True])
async def test_spans_that_wait_for_others_during_a_reload_are_counted_once_by_the_pipeline_that_they_came_for(
    root: Root, is_taken_back: bool
) -> None:
    async with root.running() as process:
        before = process.stores.spans.current
        await send_span(process, 1)
        if is_taken_back:
            root.add("bad", lambda: SlowToFail(root.clock), TierName.COLLECT)
        root.config.write_text(CONFIG + "spans: {slow_seconds: 2}\n")
        await process.reload()
        assert len(root.seen(ReloadFailed)) == is_taken_back
        assert served_by(before) == 1
        await send_span(process, 2)
        await until_requests_shown(root, process, 2 if is_taken_back else 1)


def served_by(pipeline: Pipeline) -> float:
    samples = [sample for part in pipeline.families(0.0) for sample in part.samples]
    return sum(sample.value for sample in samples if sample.name == REQUESTS)


async def test_alerts_go_on_as_they_were_when_a_reload_that_took_their_rules_away_is_taken_back(root: Root) -> None:
    async with root.running() as process, asyncio.timeout(10):
        (record,) = process.stores.rules.rules
        while not record.active:
            await root.clock.advance(15.0)
        before = dict(record.active)
        root.rules.write_text(RULES.replace("A", "B"))
        root.fake("bad", TierName.COLLECT, error_before_ready=InjectedError("no"))
        await process.reload()
        assert len(root.seen(ReloadFailed)) == 1
        (again,) = process.stores.rules.rules
        assert (again.rule.name, again.active) == ("A", before)


async def until_requests_shown(root: Root, process: Process, count: int) -> None:
    """Return once /metrics shows `count` spans of servers; raise TimeoutError when it does not come to that.

    They are read at an interval, in as many rounds of the event loop as there are metrics.
    """
    async with asyncio.timeout(10):
        while await requests_shown(process) != count:
            await root.clock.advance(15.0)


async def requests_shown(process: Process) -> float:
    return sum(value for series, value in (await metrics_of(process)).items() if series.startswith(REQUESTS))


async def test_stores_survive_a_reload_that_replaces_what_fills_and_reads_them(root: Root) -> None:
    async with root.running() as process:
        await send_span(process, 1)
        await until_requests_shown(root, process, 1)
        (record,) = process.stores.rules.rules
        series = process.stores.head.series_count
        root.config.write_text(CONFIG.replace("api: {", "api: {admin: true, "))
        await process.reload()
        assert root.seen(Reloaded)[-1].started == 1
        assert list(process.stores.rules.rules) == [record]
        assert process.stores.head.series_count >= series
        await send_span(process, 2)
        await until_requests_shown(root, process, 2)


async def test_a_part_that_is_gone_is_forgotten_on_every_page(root: Root) -> None:
    root.config.write_text(CONFIG + CHECK + REDIS)
    root.fake("gone")
    async with root.running() as process:
        await until(lambda: process.stores.targets.error_of("redis/cache") != "")
        await until(lambda: process.base.board.last("db") is not None)
        before = await metrics_of(process)
        assert before['sidecar_probe_success{check="db"}'] == 0
        assert before["redis_up"] == 0
        assert (await get(process, "pod", "/probe?target=cache"))[0] == 200
        root.config.write_text(CONFIG)
        root.fakes = ()
        await process.reload()
        after = await metrics_of(process)
        assert [name for name in after if '"db"' in name or '"cache"' in name or name == "redis_up"] == []
        assert (await get(process, "pod", "/probe?target=cache"))[0] == 404
        assert (await get(process, "pod", "/readyz/db"))[0] == 404
        assert root.journal[-2:] == ["close gone", "forget gone"]


async def test_a_reload_that_is_asked_for_during_another_one_comes_after_it(root: Root) -> None:
    class Slow(FakeComponent):
        @override
        async def run(self, ready: Callable[[], None]) -> None:
            started.set()
            await go_on.wait()
            await super().run(ready)

    started, go_on = asyncio.Event(), asyncio.Event()
    async with root.running() as process:
        root.add("slow", lambda: Slow("slow", root.journal))
        root.config.write_text(CONFIG.replace("shop", "second"))
        process.base.control.reload()
        await started.wait()
        root.config.write_text(CONFIG.replace("shop", "third"))
        for _ in range(3):
            process.base.control.reload()
        async with asyncio.TaskGroup() as group:
            group.create_task(process.reload())
            await settle()
            assert process.config.job == "shop"
            go_on.set()
        await until(lambda: len(root.seen(Reloaded)) == 3)
        assert (process.config.job, root.seen(ReloadFailed)) == ("third", [])


async def test_a_stop_during_a_reload_leaves_nothing_open(root: Root) -> None:
    class NeverReady(FakeComponent):
        @override
        async def run(self, ready: Callable[[], None]) -> None:
            await super().run(reached.set)

    reached = asyncio.Event()
    root.fake("changed")
    async with asyncio.timeout(5), root.running() as process:
        root.fake("changed")
        root.add("slow", lambda: NeverReady("slow", root.journal))
        process.base.control.reload()
        await reached.wait()
    assert sorted(root.journal) == sorted(["open changed", "close changed"] * 2 + ["open slow", "close slow"])
    assert root.seen(Reloaded) == root.seen(ReloadFailed) == []


async def test_files_that_change_are_read_once_they_stand_still(root: Root) -> None:
    async with root.running() as process:
        root.rules.write_text(RULES.replace("A", "B"))
        await root.look(4)
        await until(lambda: alerts_of(process) == ["B"])
        assert len(root.seen(Reloaded)) == 1


async def test_an_emptied_configuration_is_told_and_the_one_before_goes_on(root: Root) -> None:
    async with root.running() as process:
        root.config.write_text("")
        await root.look(4)
        await process.reload()
        assert (process.config.job, alerts_of(process)) == ("shop", ["A"])
        root.config.write_text(CONFIG.replace("shop", "till"))
        await root.look(4)
        await until(lambda: process.config.job == "till")


async def test_a_reload_that_fails_is_told_without_passwords(root: Root, caplog: pytest.LogCaptureFixture) -> None:
    async with root.running() as process:
        root.config.write_text(CONFIG + CHECK.replace("kind: tcp", "kind: 'postgres://u:c4nary@h/d'"))
        await process.reload()
    assert "Reload failed" in caplog.text
    assert "`postgres://***@h/d` is not one of" in caplog.text
    assert "c4nary" not in caplog.text


async def test_a_rule_file_that_is_empty_for_a_moment_leaves_the_state_of_its_alerts(root: Root) -> None:
    async with root.running() as process:
        (record,) = process.stores.rules.rules
        root.rules.write_text("")
        await root.look(4)
        await process.reload()
        root.rules.write_text(RULES)
        await root.look(4)
        await process.reload()
        assert list(process.stores.rules.rules) == [record]


async def test_a_rule_file_that_is_gone_for_a_moment_leaves_the_state_of_its_alerts(root: Root) -> None:
    async with root.running() as process:
        (record,) = process.stores.rules.rules
        root.rules.unlink()
        await root.look(4)
        root.rules.write_text(RULES)
        await root.look(4)
        await process.reload()
        assert list(process.stores.rules.rules) == [record]


async def test_a_rule_file_that_comes_after_the_configuration_that_names_it_is_read(root: Root) -> None:
    later = root.rules.with_name("later.yml")
    async with root.running() as process:
        root.config.write_text(CONFIG.replace("rules.yml", "later.yml"))
        await root.look(4)
        assert alerts_of(process) == ["A"]
        later.write_text("groups: [{name: g, rules: [{alert: B, expr: '('}]}]\n")
        await root.look(4)
        assert alerts_of(process) == ["A"]
        later.write_text(RULES.replace("A", "B"))
        await root.look(4)
        await until(lambda: alerts_of(process) == ["B"])
