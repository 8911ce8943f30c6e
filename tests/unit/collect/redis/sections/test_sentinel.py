"""What a Sentinel tells of itself and of the primaries it watches."""

import pytest

from sidecar.collect.redis.section import CommandError, CommandNotPermittedError, Refused
from sidecar.collect.redis.sections.sentinel import SECTION, collect
from tests.unit.collect.redis.answering import AskTable, server_of, told, wire

INFO = {
    "sentinel_masters": "2",
    "sentinel_tilt": "0",
    "sentinel_running_scripts": "0",
    "sentinel_scripts_queue_length": "0",
    "sentinel_simulate_failure_flags": "0",
    "master0": "name=main,status=ok,address=10.0.0.1:6379,slaves=2,sentinels=3",
    "master1": "name=other,status=odown,address=10.0.0.9:6379,slaves=0,sentinels=1",
    "master_host": "no primary of a Sentinel",
}


def primary(name: str, ip: str) -> dict[str, str]:
    return {
        "name": name,
        "ip": ip,
        "port": "6379",
        "flags": "master",
        "last-ok-ping-reply": "201",
        "down-after-milliseconds": "2000",
        "config-epoch": "4",
        "quorum": "2",
        "failover-timeout": "5000",
        "parallel-syncs": "1",
    }


def peer(name: str, flags: str) -> dict[str, str]:
    return {"name": name, "ip": "10.0.0.7", "port": "26379", "runid": name, "flags": flags}


OK = "OK 3 usable Sentinels. Quorum and failover authorization can be reached"
REPLIES = {
    "SENTINEL MASTERS": wire([primary("other", "10.0.0.9"), primary("main", "10.0.0.1")]),
    "SENTINEL CKQUORUM main": wire(OK),
    "SENTINEL SENTINELS main": wire([peer("aa", "sentinel"), peer("bb", "s_down,sentinel")]),
    "SENTINEL SLAVES main": wire([peer("r1", "slave"), peer("r2", "s_down,o_down,slave")]),
    "SENTINEL CKQUORUM other": CommandError("NOQUORUM 1 usable Sentinels."),
    "SENTINEL SENTINELS other": [],
    "SENTINEL SLAVES other": [],
}


async def test_all_is_asked_in_one_write() -> None:
    ask = AskTable(REPLIES)
    await told(SECTION, server_of(INFO), ask)
    assert len(ask.writes) == 1


async def test_itself_and_each_primary() -> None:
    values = await told(SECTION, server_of(INFO), AskTable(REPLIES))
    assert values["redis_sentinel_masters"] == 2
    assert values["redis_sentinel_tilt"] == 0
    main = 'master_address="10.0.0.1:6379",master_name="main"'
    other = 'master_address="10.0.0.9:6379",master_name="other"'
    assert values[f'redis_sentinel_master_status{{{main},master_status="ok"}}'] == 1
    assert values[f'redis_sentinel_master_status{{{other},master_status="odown"}}'] == 0
    assert values[f"redis_sentinel_master_slaves{{{main}}}"] == 2
    assert values[f"redis_sentinel_master_sentinels{{{main}}}"] == 3
    assert values[f"redis_sentinel_master_setting_ckquorum{{{main}}}"] == 2
    assert values[f"redis_sentinel_master_setting_down_after_milliseconds{{{main}}}"] == 2000
    assert values[f"redis_sentinel_master_last_ok_ping_reply_seconds{{{main}}}"] == pytest.approx(0.201)


async def test_replicas_and_sentinels_that_are_down_do_not_count_as_well() -> None:
    values = await told(SECTION, server_of(INFO), AskTable(REPLIES))
    main = 'master_address="10.0.0.1:6379",master_name="main"'
    assert values[f"redis_sentinel_master_ok_sentinels{{{main}}}"] == 2
    assert values[f"redis_sentinel_master_ok_slaves{{{main}}}"] == 1
    peers = [series for series in values if series.startswith("redis_sentinel_peer_info")]
    assert len(peers) == 2
    assert any('flags="s_down,sentinel"' in series and 'name="bb"' in series for series in peers)


async def test_quorum_that_cannot_be_reached_is_0_with_the_sentence() -> None:
    values = await told(SECTION, server_of(INFO), AskTable(REPLIES))
    name = "redis_sentinel_master_ckquorum_status"
    assert values[f'{name}{{master_name="main",message="{OK}"}}'] == 1
    assert values[f'{name}{{master_name="other",message="NOQUORUM 1 usable Sentinels."}}'] == 0


@pytest.mark.parametrize(
    ("command", "lost"),
    [
        ("CKQUORUM main", {"master_ckquorum_status"}),
        ("SENTINELS main", {"master_ok_sentinels", "peer_info"}),
        ("SLAVES main", {"master_ok_slaves"}),
    ],
)
async def test_what_is_refused_is_missing_and_the_rest_is_there(command: str, lost: set[str]) -> None:
    refused = REPLIES | {f"SENTINEL {command}": CommandNotPermittedError("no permissions")}
    everything = await told(SECTION, server_of(INFO), AskTable(REPLIES))
    found = await told(SECTION, server_of(INFO), AskTable(refused))
    gone = {series.partition("{")[0].removeprefix("redis_sentinel_") for series in everything.keys() - found.keys()}
    assert gone == lost
    assert found.items() <= everything.items()
    parts = await collect(AskTable(refused), server_of(INFO))
    assert [part.key for part in parts if isinstance(part, Refused)] == ["main"]


async def test_only_info_is_there_where_all_is_refused() -> None:
    found = await told(SECTION, server_of(INFO), AskTable({}))
    assert found["redis_sentinel_masters"] == 2
    main = 'master_address="10.0.0.1:6379",master_name="main"'
    assert found[f"redis_sentinel_master_sentinels{{{main}}}"] == 3
    assert not any("ckquorum" in series or "_ok_" in series for series in found)


async def test_primary_without_details_has_the_address_of_info() -> None:
    replies = REPLIES | {"SENTINEL MASTERS": wire([primary("other", "10.0.0.9")])}
    found = await told(SECTION, server_of(INFO), AskTable(replies))
    main = 'master_address="10.0.0.1:6379",master_name="main"'
    assert found[f"redis_sentinel_master_ok_slaves{{{main}}}"] == 1
    assert not any('master_address=":"' in series for series in found)


def test_servers_are_not_asked() -> None:
    assert SECTION.applies(server_of(INFO))
    assert not SECTION.applies(server_of({"role": "master"}))
