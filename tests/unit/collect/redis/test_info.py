"""Reading INFO: what clients of a server can write into it, and numbers that are none."""

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.app.registry import REDIS_SECTIONS
from sidecar.collect.redis.info import Info, parse_info
from sidecar.collect.redis.section import Section, number_of, version_of
from tests.unit.collect.redis.answering import server_of
from tests.unit.collect.scraping import values_of

RECORDED = (
    (Path(__file__).parent / "recorded" / "redis-7.0-primary.txt").read_text(encoding="utf-8").replace("\n", "\r\n")
)
SECTIONS = [section for section in REDIS_SECTIONS if isinstance(section, Section)]
ENDS = "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\r"
FIELDS = [line.partition(":")[0] for line in RECORDED.split("\r\n") if ":" in line]


def shown(info: Info) -> dict[str, float]:
    return values_of(families for section in SECTIONS for families in section.convert(server_of(info)))


def with_line(line: str, heading: str) -> str:
    """Return the recorded reply with `line` as the first one under `heading`."""
    assert f"# {heading}\r\n" in RECORDED
    return RECORDED.replace(f"# {heading}\r\n", f"# {heading}\r\n{line}\r\n")


def with_replica(address: str) -> str:
    """Return the recorded reply of a server whose first replica gave `address` as its own."""
    start = RECORDED.index("slave0:ip=") + len("slave0:ip=")
    return RECORDED[:start] + address + RECORDED[RECORDED.index(",", start) :]


PLAIN = shown(parse_info(RECORDED))


def test_an_error_whose_name_has_a_vertical_tab_is_counted_and_all_else_is_untouched() -> None:
    values = shown(parse_info(with_line("errorstat_x\x0bused_memory:count=1", "Errorstats")))
    assert values.pop(r'redis_errors_total{err="x\x0bused_memory"}') == 1
    assert values == PLAIN


@given(
    name=st.text(st.one_of(st.sampled_from(ENDS), st.characters(blacklist_characters="\r\n")), min_size=1, max_size=40),
    field=st.sampled_from(FIELDS),
    heading=st.sampled_from(["errorstat_", "cmdstat_"]),
)
@settings(max_examples=60)
def test_no_name_of_an_error_or_a_command_fakes_or_removes_anything(name: str, field: str, heading: str) -> None:
    value = "count=1" if heading == "errorstat_" else "calls=1"
    line = f"{heading}{name}{field}:{value}"
    if "\r\n" in line:
        return
    values = shown(parse_info(with_line(line, "Errorstats" if heading == "errorstat_" else "Commandstats")))
    assert {series: values.get(series) for series in PLAIN} == PLAIN
    assert len(values) <= len(PLAIN) + 1


@given(
    field=st.sampled_from(FIELDS),
    heading=st.sampled_from(["Memory", "Replication", "CPU", "Errorstats", "Keyspace", "Fake"]),
)
@settings(max_examples=60)
def test_lines_in_the_address_of_a_replica_fake_and_remove_nothing_but_what_is_about_it(
    field: str, heading: str
) -> None:
    lines = f"{field}:7\r\nmaster_host:evil\r\nerrorstat_FAKE:count=1\r\ndb9:keys=1"
    hostile = f"1.2.3.4\r\n{lines}\r\n\r\n# {heading}\r\n{lines}\r\nx:y"
    values = shown(parse_info(with_replica(hostile)))
    expected = {series: value for series, value in PLAIN.items() if "slave_ip" not in series}
    found = {series: value for series, value in values.items() if "slave_ip" not in series}
    assert found == expected


def test_a_list_gives_its_own_fields_alone_and_no_other_section_gives_any_of_them() -> None:
    text = "# Stats\r\nerrorstat_ERR:count=9\r\ndb7:keys=1\r\n# Errorstats\r\n"
    text += "cmdstat_get:calls=1\r\nerrorstat_ERR:count=2\r\n"
    assert parse_info(text) == {"errorstat_ERR": "count=2"}


def test_the_first_of_a_name_counts() -> None:
    assert parse_info("# Server\r\nrole:master\r\n# Mine\r\nrole:slave\r\n") == {"role": "master"}


def test_a_server_that_names_no_sections_is_read_all_the_same() -> None:
    assert parse_info("role:master\r\nerrorstat_ERR:count=2\r\ndb0:keys=1\r\n") == {
        "role": "master",
        "errorstat_ERR": "count=2",
        "db0": "keys=1",
    }


def test_a_server_that_ends_all_lines_in_lf_alone_is_read_all_the_same() -> None:
    assert parse_info(RECORDED.replace("\r\n", "\n")) == parse_info(RECORDED)


def test_a_colon_in_the_name_of_an_error_is_part_of_the_name() -> None:
    info = parse_info("# Errorstats\r\nerrorstat_ERR:count=5,x:count=1\r\nerrorstat_ERR:count=2\r\n")
    assert shown(info) == {
        "redis_instance_info": 1,
        'redis_errors_total{err="ERR:count=5,x"}': 1,
        'redis_errors_total{err="ERR"}': 2,
    }


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "nan", "-nan", "NaN", "inf", "-inf", "1e400", "9" * 5000, "1_000", "\uff11", "\u0663", "0x10"),
        *("1.2M", "12%", " 1", "1 ", "1\n", "--1", "1e", "true", ".", "+"),
    ],
)
def test_what_is_no_number_is_left_out_and_costs_its_own_field_only(text: str) -> None:
    assert number_of(text) is None
    for field in ("used_memory", "uptime_in_seconds", "mem_fragmentation_ratio"):
        values = shown(parse_info(RECORDED) | {field: text})
        lost = PLAIN.keys() - values.keys()
        assert {series for series in lost if "start_time" not in series and field[:8] not in series} <= {
            "redis_memory_used_bytes"
        }


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0.0),
        ("-1", -1.0),
        ("+3", 3.0),
        ("007", 7.0),
        ("18446744073709551615", 2.0**64),
        ("1.50", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("ok", 1.0),
        ("fail", 0.0),
    ],
)
def test_a_number_is_read_as_the_server_writes_it(text: str, number: float) -> None:
    assert number_of(text) == number


@given(st.text(st.characters(codec=None)))
def test_a_value_is_a_finite_number_or_left_out(text: str) -> None:
    value = number_of(text)
    assert value is None or math.isfinite(value)


LINES = st.builds(
    "{}{}{}".format,
    st.one_of(st.sampled_from([*FIELDS, "db0", "db", "slave", "slave1", "errorstat_", "#", "# Keyspace"]), st.text()),
    st.sampled_from([":", "", "="]),
    st.one_of(st.text(), st.sampled_from(["keys=1,expires=x", "ip=,port=,offset=1", "calls=inf", "p50=nan", "p=1"])),
)


@given(st.lists(LINES).map("\r\n".join))
@settings(max_examples=100)
def test_whatever_a_server_sends_every_section_returns_and_no_series_comes_twice(text: str) -> None:
    assert all(math.isfinite(value) for value in shown(parse_info(text)).values())


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (None, ()),
        ("", ()),
        ("8.1.2", (8, 1, 2)),
        ("255.255.255", (255, 255, 255)),
        ("8.1-rc1", (8,)),
        ("9" * 5000, ()),
        ("\u0663.1", (1,)),
        ("v7.2", (2,)),
    ],
)
def test_a_version_is_its_numbers(text: str | None, version: tuple[int, ...]) -> None:
    assert version_of(text) == version
