"""Messages that differ only in values are equal afterwards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.fingerprint.message import LONGEST, normalised


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("cannot price order 4711", "cannot price order <number>"),
        ("took 30.5s, -1 left of 1,234,567", "took <number>s, <number> left of <number>"),
        ("'SKU-12'", "<value>"),
        ('relation "users" does not exist', 'relation "users" does not exist'),
        ("can't find the user's cart", "can't find the user's cart"),
        ("Key (email)=(bob@example.com) already exists.", "Key (email)=<value> already exists."),
        ("connect ECONNREFUSED 10.0.0.1:5432", "connect ECONNREFUSED <address>"),
        ("user 550e8400-e29b-41d4-a716-446655440000 is gone", "user <uuid> is gone"),
        ("<Foo object at 0x7f3c1f0e7b0e>", "<Foo object at <hex>>"),
        ("commit 3f786850e387550fdab836ed7e6dc881de23001b", "commit <hex>"),
        ("decade of facades", "decade of facades"),
        ("late since 2024-01-02T03:04:05.123Z and 03:04:05", "late since <time> and <time>"),
        ("no /var/lib/app/7/x.dat or C:\\temp\\x.txt", "no <path> or <path>"),
        ("GET https://api.example.com/v1/users/42?x=1 failed", "GET <url> failed"),
        ("ord_8f3kd9 and SKU-4711 and worker-12", "<id> and SKU-<number> and worker-<number>"),
        ("two\n  lines ", "two lines"),
        ("", ""),
    ],
)
def test_values_are_replaced_by_what_they_are(message: str, expected: str) -> None:
    assert normalised(message) == expected


@given(st.integers(), st.uuids(), st.emails(), st.datetimes(), st.ip_addresses(v=4))
def test_all_values_of_a_kind_are_equal(number: int, uuid: object, email: str, time: object, address: object) -> None:
    local = "".join(sign for sign in email.split("@")[0] if sign.isalnum()) or "x"
    message = f"order {number}, user {uuid}, mail {local}@example.com, from {address} at {time}"
    assert normalised(message) == "order <number>, user <uuid>, mail <email>, from <address> at <time>"


@given(st.text(max_size=300))
def test_any_message_is_taken(message: str) -> None:
    assert len(normalised(message).split("\n")) == 1


def test_a_very_long_message_is_cut() -> None:
    assert len(normalised("word " * LONGEST)) < 2 * LONGEST
