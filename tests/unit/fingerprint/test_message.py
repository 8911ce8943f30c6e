"""Messages that differ only in values are equal afterwards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.fingerprint.message import LONGEST, normalised


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("cannot price order 4711", "cannot price order <number>"),
        ("took 30.5s, -1 left of 1,234,567", "took <number>, <number> left of <number>"),
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


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("at Mon Jan  2 03:04:05 2024", "at Tue Feb 12 13:04:05 2025"),
        ("since Mon, 02 Jan 2024 03:04:05 GMT", "since Tue, 12 Feb 2025 13:04:05 GMT"),
        ("took 1h2m3.4s", "took 500ms"),
        ("dial tcp [::1]:5432: refused", "dial tcp [fe80::1%eth0]:5433: refused"),
        ("no 2001:db8::1 here", "no 2001:db8::2:3 here"),
        ("MAC 00:1a:2b:3c:4d:5e", "MAC 10:1a:2b:3c:4d:5f"),
        ("no \u201calice\u201d", "no \u201cbob x\u201d"),
        ("no \u201ealice\u201c", "no \u201ebob x\u201c"),
        ("no \xabalice\xbb", "no \xabbob x\xbb"),
        ("no \xbbalice\xab", "no \xbbbob x\xab"),
        ("no \u2018alice\u2019", "no \u2018bob x\u2019"),
        ("ids [1, 2, 3] are gone", "ids [4] are gone"),
        ("ids ('a', 'b') are gone", "ids ('c') are gone"),
        ("no user named 'alice'", "no user named 'bob'"),
    ],
)
def test_values_do_not_matter_whatever_they_look_like(first: str, second: str) -> None:
    assert normalised(first) == normalised(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            'Cannot invoke "shop.Cart.total(int)" because "a" is null',
            'Cannot invoke "shop.Cart.tax()" because "a" is null',
        ),
        ('Cannot invoke "shop.Cart.tax()" because "a" is null', 'Cannot invoke "shop.Cart.tax()" because "b" is null'),
        ('ORA-00904: "A": invalid identifier', 'ORA-00904: "B": invalid identifier'),
        ("Could not load assembly 'A, Version=1.0'", "Could not load assembly 'B, Version=1.0'"),
        ("Environment variable 'A' is not set", "Environment variable 'B' is not set"),
        ('role "a" does not exist', 'role "b" does not exist'),
        ("undefined is not an object (evaluating 'a.b')", "undefined is not an object (evaluating 'a.c')"),
        ("Cannot access 'a' before initialization", "Cannot access 'b' before initialization"),
        ('Class "App\\A" not found', 'Class "App\\B" not found'),
        ("Template 'a.html' not found", "Template 'b.html' not found"),
        ("Relation \xbba\xab existiert nicht", "Relation \xbbb\xab existiert nicht"),
        ("unexpected status 404", "unexpected status 500"),
        ("HTTP/1.1 404", "HTTP/1.1 503"),
        ("StatusCode=404", "StatusCode=503"),
        ("WSAError 10061", "WSAError 10054"),
        ("exited with code 1", "exited with code 137"),
    ],
)
def test_names_and_codes_matter_whatever_they_look_like(first: str, second: str) -> None:
    assert normalised(first) != normalised(second)


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
