"""The cluster as a node sees it."""

from sidecar.collect.redis.sections.cluster_info import MESSAGES, SECTION
from tests.unit.collect.redis.answering import answered, asked, server_of, wire

NODE = {"cluster_enabled": "1"}
REPLY = """\
cluster_state:ok\r
cluster_slots_assigned:16384\r
cluster_slots_ok:16383\r
cluster_slots_pfail:1\r
cluster_slots_fail:0\r
cluster_known_nodes:3\r
cluster_size:3\r
cluster_current_epoch:6\r
cluster_my_epoch:2\r
cluster_stats_messages_auth-req_sent:1\r
cluster_stats_messages_ping_sent:4\r
cluster_stats_messages_sent:5\r
cluster_stats_messages_pong_received:9\r
cluster_stats_messages_received:9\r
total_cluster_links_buffer_limit_exceeded:0\r
"""


def test_state_slots_and_messages_of_the_kinds_seen() -> None:
    assert answered(SECTION, server_of(NODE), {"CLUSTER INFO": wire(REPLY)}) == {
        "redis_cluster_state": 1,
        "redis_cluster_slots_assigned": 16384,
        "redis_cluster_slots_ok": 16383,
        "redis_cluster_slots_pfail": 1,
        "redis_cluster_slots_fail": 0,
        "redis_cluster_known_nodes": 3,
        "redis_cluster_size": 3,
        "redis_cluster_current_epoch": 6,
        "redis_cluster_my_epoch": 2,
        "redis_cluster_messages_sent_total": 5,
        "redis_cluster_messages_received_total": 9,
        "redis_cluster_stats_messages_auth_req_sent": 1,
        "redis_cluster_stats_messages_ping_sent": 4,
        "redis_cluster_stats_messages_pong_received": 9,
    }


def test_messages_of_every_kind_are_known() -> None:
    fields = [f"cluster_stats_messages_{kind}_{way}" for kind in MESSAGES for way in ("sent", "received")]
    reply = "".join(f"{field}:7\r\n" for field in fields)
    values = answered(SECTION, server_of(NODE), {"CLUSTER INFO": wire(reply)})
    assert values == {f"redis_{field.replace('-', '_')}": 7 for field in fields}
    assert len(values) == 22


def test_failed_cluster_is_0() -> None:
    values = answered(SECTION, server_of(NODE), {"CLUSTER INFO": b"cluster_state:fail\r\n"})
    assert values == {"redis_cluster_state": 0}


def test_only_nodes_of_a_cluster_are_asked() -> None:
    assert asked(SECTION, server_of({"cluster_enabled": "0"})) == []
    assert answered(SECTION, server_of(NODE), {}) == {}
