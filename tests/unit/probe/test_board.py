"""The state table of the probes: what each says for what the app does."""

from dataclasses import dataclass, field

import pytest

from sidecar.model.health import Cause, Health, Status
from sidecar.probe.board import Board
from sidecar.probe.checks.http.config import HttpCheckConfig
from sidecar.probe.config import ProbesConfig
from sidecar.probe.groups import LIVE, LIVE_SELF, READY, STARTED
from tests.fakes import FakeClock

OK = Health(Status.PASS)
BUSY = Health(Status.FAIL, Cause.ANSWERED_BADLY, "answered HTTP 503")
SILENT = Health(Status.FAIL, Cause.TIMEOUT, "no answer within 1 s")
REFUSED = Health(Status.FAIL, Cause.REFUSED, "connection refused")

APP = HttpCheckConfig(url="http://127.0.0.1:8080/healthz")
INTERVAL = APP.interval_seconds


@dataclass
class World:
    """A board, its clock and how we were starved ourselves."""

    clock: FakeClock = field(default_factory=FakeClock)
    lag: float = 0.0
    throttled: float = 0.0
    check: HttpCheckConfig = APP

    def __post_init__(self) -> None:
        config = ProbesConfig(checks=(self.check,))
        self.board = Board(config, self.clock, lambda _: self.lag, lambda _: self.throttled)
        self.board.start()

    def see(self, health: Health, times: int = 1) -> "World":
        for _ in range(times):
            self.clock.pass_by(self.check.interval_seconds)
            self.board.observe("app", health)
        return self

    @property
    def answers(self) -> tuple[bool, bool]:
        """Of /livez and /readyz."""
        return self.board.verdict(LIVE).ok, self.board.verdict(READY).ok


def settled() -> World:
    """A world whose app has been fine for a minute."""
    return World().see(OK, 30)


@pytest.mark.parametrize(
    ("health", "times", "live", "ready"),
    [
        (OK, 1, True, True),
        (BUSY, 2, True, True),
        (BUSY, 3, True, False),
        (BUSY, 100, True, False),
        (SILENT, 2, True, True),
        (SILENT, 4, True, False),
        (SILENT, 5, False, False),
        (REFUSED, 3, True, False),
        (REFUSED, 30, True, False),
        (REFUSED, 31, False, False),
    ],
)
def test_what_the_probes_say_after_a_run_of_results(health: Health, times: int, live: bool, ready: bool) -> None:
    assert settled().see(health, times).answers == (live, ready)


def test_refusals_have_their_grace_from_the_first_of_them_whatever_timed_out_before() -> None:
    world = settled().see(SILENT, 31)
    assert not world.board.verdict(LIVE).ok
    assert world.see(REFUSED, 30).board.verdict(LIVE).ok
    assert not world.see(REFUSED).board.verdict(LIVE).ok


def test_a_restart_that_refuses_and_times_out_by_turns_has_one_grace() -> None:
    world = settled()
    for _ in range(15):
        assert world.see(REFUSED).see(SILENT).board.verdict(LIVE).ok
    assert not world.see(REFUSED).board.verdict(LIVE).ok


def test_timeouts_after_a_refusal_are_the_start_of_the_app_until_the_grace_is_over() -> None:
    world = settled().see(REFUSED).see(SILENT, 29)
    assert world.board.verdict(LIVE).ok
    assert not world.see(SILENT).board.verdict(LIVE).ok


def test_an_answer_between_refusals_gives_a_new_grace() -> None:
    world = settled().see(REFUSED, 30).see(BUSY).see(REFUSED, 30)
    assert world.board.verdict(LIVE).ok
    assert not world.see(REFUSED).board.verdict(LIVE).ok


def test_errors_of_our_own_are_no_hang() -> None:
    assert settled().see(Health(Status.FAIL, Cause.ERROR, "ValueError"), 100).answers == (True, False)


def test_an_interval_longer_than_the_grace_does_not_fail_liveness_on_one_refusal() -> None:
    world = World(check=HttpCheckConfig(url=APP.url, interval_seconds=300)).see(OK).see(REFUSED)
    world.clock.pass_by(299)
    assert world.board.verdict(LIVE).ok
    assert not world.see(REFUSED).board.verdict(LIVE).ok


@pytest.mark.parametrize("silence", [SILENT, REFUSED])
def test_a_check_that_stopped_reporting_fails_no_liveness(silence: Health) -> None:
    world = settled().see(silence, 40)
    world.clock.pass_by(3 * INTERVAL + APP.timeout_seconds)
    assert not world.board.verdict(LIVE).ok
    world.clock.pass_by(0.1)
    assert world.board.verdict(LIVE).ok


def test_an_app_that_never_came_up_is_not_ready_not_started_and_not_hung() -> None:
    world = World().see(REFUSED, 100)
    assert world.answers == (True, False)
    assert not world.board.verdict(STARTED).ok


def test_started_is_latched_by_the_first_pass() -> None:
    world = World().see(OK).see(REFUSED, 50)
    assert world.board.verdict(STARTED).ok


def test_an_app_that_answers_anything_is_not_hung() -> None:
    assert settled().see(SILENT, 4).see(BUSY).see(SILENT, 4).answers[0]


def test_the_app_is_back_with_one_pass_after_the_dwell_time() -> None:
    world = settled().see(REFUSED, 40)
    assert world.answers == (False, False)
    assert world.see(OK).answers == (True, True)


def test_readiness_does_not_flap_within_the_dwell_time() -> None:
    world = settled().see(BUSY, 3)
    assert not world.see(OK).answers[1]
    assert world.see(OK, 2).answers[1]


def test_our_own_starvation_is_not_blamed_on_the_app() -> None:
    world = settled()
    world.lag = 0.3
    assert world.see(SILENT, 5).answers == (True, False)
    world.lag = 0.2
    assert world.answers == (False, False)


def test_timeouts_while_we_were_throttled_are_not_blamed_on_the_app() -> None:
    world = settled()
    world.throttled = 2.0
    assert world.see(SILENT, 5).answers == (True, False)
    world.throttled = 1.0
    assert world.answers == (False, False)


def test_a_hang_that_was_the_apps_own_is_not_taken_back_because_of_us_but_when_it_answers() -> None:
    world = settled().see(SILENT, 5)
    world.lag, world.throttled = 0.3, 9.0
    assert world.see(SILENT).answers == (False, False)
    assert world.see(BUSY).see(SILENT, 5).answers == (True, False)


def test_liveness_does_not_fail_on_behalf_of_the_app_before_we_are_settled() -> None:
    assert World().see(OK).see(SILENT, 5).answers == (True, False)


def test_draining_takes_the_pod_out_but_does_not_restart_it() -> None:
    world = settled().see(SILENT, 5)
    world.board.drain()
    assert world.answers == (True, False)
    world.board.undrain()
    assert world.answers == (False, False)


def test_draining_that_began_before_the_start_lasts() -> None:
    board = Board(ProbesConfig(), FakeClock(), lambda _: 0.0)
    board.drain()
    assert not board.verdict(STARTED).ok
    board.start()
    assert (board.verdict(STARTED).ok, board.verdict(READY).ok) == (True, False)
    board.undrain()
    assert board.verdict(READY).ok


def test_a_check_that_stopped_reporting_keeps_readiness_for_the_grace_and_then_loses_it() -> None:
    world = settled()
    world.clock.pass_by(3 * INTERVAL + APP.timeout_seconds + 29)
    assert world.answers == (True, True)
    world.clock.pass_by(2)
    assert world.answers == (True, False)


def test_a_wedged_loop_fails_liveness_of_the_sidecar_itself() -> None:
    world = settled()
    world.lag = 6.0
    assert not world.board.verdict(LIVE_SELF).ok


def test_a_reload_keeps_what_is_known_of_a_check_that_stays() -> None:
    world = settled()
    world.board.configure(ProbesConfig(checks=(APP,), failure_threshold=1))
    assert world.board.verdict(STARTED).ok
    assert world.see(BUSY).answers == (True, False)


def test_what_a_new_check_found_before_it_is_configured_is_kept() -> None:
    world = settled()
    config = ProbesConfig(checks=(APP, HttpCheckConfig(name="new", url=APP.url)))
    world.board.expect(config)
    world.board.observe("new", OK)
    assert world.answers == (True, True)
    world.board.configure(config)
    assert world.answers == (True, True)
    assert world.board.last("new") == OK


def test_a_check_that_is_neither_configured_nor_expected_is_forgotten() -> None:
    world = settled()
    config = ProbesConfig(checks=(APP, HttpCheckConfig(name="new", url=APP.url)))
    world.board.observe("new", OK)
    world.board.expect(config)
    assert world.board.last("new") is None
    world.board.observe("new", OK)
    world.board.configure(world.board.config)
    world.board.configure(config)
    assert world.board.last("new") is None


@pytest.mark.parametrize(
    ("path", "name"), [("/health/live", "/livez"), ("/healthz", "/livez"), ("/health/ready", "/readyz")]
)
def test_an_alias_answers_as_its_group(path: str, name: str) -> None:
    world = settled().see(SILENT, 5)
    assert world.board.verdict_at(path) == world.board.verdict_at(name)
    assert world.board.verdict_at(f"{name}/") is None


def test_without_checks_the_probes_speak_for_the_sidecar_alone() -> None:
    board = Board(ProbesConfig(), FakeClock(), lambda _: 0.0)
    assert (board.verdict(LIVE).ok, board.verdict(READY).ok, board.verdict(STARTED).ok) == (True, False, False)
    board.start()
    assert (board.verdict(LIVE).ok, board.verdict(READY).ok, board.verdict(STARTED).ok) == (True, True, True)
