"""Canaries are gone from attributes and texts, and what helps the reader stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sidecar.redaction.config import RedactConfig
from sidecar.redaction.telemetry import LONGEST, Redactor

CANARY = "c4nary"
REDACT = Redactor(RedactConfig())


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "db.PASSWORD",
        "http.request.header.authorization",
        "http.request.header.set-cookie",
        "app.api_key",
        "aws.secret",
        "refresh_token",
        "user.email",
        "user.id",
        "enduser.id",
        "session.id",
        "db.query.parameter.0",
        "db.operation.parameter.name",
    ],
)
def test_sensitive_attributes_are_masked_as_a_whole(key: str) -> None:
    assert REDACT(key, CANARY) == "***"
    assert REDACT(key, [CANARY, CANARY]) == ["***", "***"]
    assert REDACT(key, CANARY.encode()) == "***"


@pytest.mark.parametrize("value", [12, 0.5, True, None])
def test_numbers_are_no_secrets(value: object) -> None:
    assert REDACT("gen_ai.usage.input_tokens", value) == value
    assert REDACT("password.length", value) == value


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("http.route", "/users/{id}"),
        ("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64)"),
        ("url.full", "https://shop.example.com:8080/a?page=2"),
        ("server.address", "pg.internal:5432"),
        ("gen_ai.usage.token_count", "12"),
        ("code.function.name", "shop.orders.service.place"),
    ],
)
def test_other_attributes_stay(key: str, value: str) -> None:
    assert REDACT(key, value) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Authorization: Bearer {CANARY}.x-y", None),
        (f"sent 'Basic {CANARY}==' to it", "sent 'Basic ***' to it"),
        (f"mail to {CANARY}.x@example.com failed", "mail to *** failed"),
        (f"https://h/?mail={CANARY}%40example.com&x=1", "https://h/?mail=***&x=1"),
        (f"postgresql://app:{CANARY}@db/shop is away", "postgresql://***@db/shop is away"),
        (f"postgres://app:p@ss/{CANARY}#x@db/shop", "postgres://***@db/shop"),
        (f"app:{CANARY}@db:5432/shop", None),
        (f"password={CANARY} host=db", "password=*** host=db"),
        (
            f'E11000 duplicate key error index: a_1 dup key: {{ a: "{CANARY}" }}',
            "E11000 duplicate key error index: a_1 dup key: ***",
        ),
        (
            f"insert in 'dbo.t'. The duplicate key value is ({CANARY}).",
            "insert in 'dbo.t'. The duplicate key value is (***",
        ),
        (
            f"ERR unknown command `F`, with args beginning with: `{CANARY}`, ",
            "ERR unknown command `F`, with args beginning with: ***",
        ),
        (f"Incorrect integer value: 'it's {CANARY}' for column 'a'", "Incorrect integer value: *** for column 'a'"),
        (f"Truncated incorrect DOUBLE value: '{CANARY}'", "Truncated incorrect DOUBLE value: ***"),
        (
            f"Conversion failed when converting the varchar value '{CANARY}' to int",
            "Conversion failed when converting the varchar value *** to int",
        ),
        (f"the right syntax to use near '{CANARY}\n'{CANARY}' at line 1", "the right syntax to use near *** at line 1"),
        (f'malformed array literal: "{CANARY}"', "malformed array literal: ***"),
        (f'date/time field value out of range: "{CANARY}"', "date/time field value out of range: ***"),
        (f"unnamed portal parameter $1 = '{CANARY}'", "unnamed portal parameter $1 = ***"),
        (f'COPY t, line 1, column a: "{CANARY}"', "COPY t, line 1, column a: ***"),
        (f'ALTER USER a IDENTIFIED BY "{CANARY} x": denied', "ALTER USER a IDENTIFIED BY ***: denied"),
        (f'{{"api_key": "{CANARY}", "x": 1}}', '{"api_key": ***, "x": 1}'),
        (f"GET /a?access_token={CANARY}&b=1", "GET /a?access_token=***&b=1"),
        (f"jwt eyJhbGciOi.{CANARY}.x", "jwt ***"),
        (f"key ghp_{CANARY}0123456789abcdef", "key ***"),
        (f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\n-----END RSA PRIVATE KEY-----", "***"),
        (f"syntax error in SELECT * FROM t WHERE a = '{CANARY}'", "syntax error in SELECT * FROM t WHERE a = ?"),
        (f"DETAIL:  Key (email)=({CANARY}) already exists.", None),
        (f"DETAIL:  Failing row contains (1, {CANARY}, null).", None),
        (f'invalid input syntax for type integer: "{CANARY}"', None),
        (f"Duplicate entry '{CANARY}' for key 'users.email'", "Duplicate entry ***"),
        (f"(x) no\n[SQL: SELECT 1 FROM t\nWHERE a = %s]\n[parameters: ('{CANARY}',)]\n(Background)", None),
    ],
)
def test_texts_lose_their_secrets(text: str, expected: str | None) -> None:
    found = REDACT.text(text)
    assert CANARY not in found
    assert REDACT("message", text) == found
    if expected is not None:
        assert found == expected


def test_words_that_sql_has_too_are_no_statement() -> None:
    text = "please select one of 3, it's time to update 'x'; delete 4 from 5?"
    assert REDACT.text(text) == text


def test_a_stack_trace_stays_readable_around_a_statement() -> None:
    frame = '  File "/app/a.py", line 7, in f\n    run("x")\n'
    text = f"Traceback (most recent call last):\n{frame}E: INSERT INTO t VALUES\n  (1, '{CANARY}')\n{frame}Last: 'x'"
    found = REDACT.text(text)
    assert found.count(frame) == 2
    assert found.endswith("Last: 'x'")
    assert CANARY not in found


_ESCAPED = f'{{\\"password\\": \\"{CANARY}\\\\\\"{CANARY}\\", \\"x\\": 1}}'
_KEY = f"-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n{CANARY}\n-----END EC PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"Authorization: Token {CANARY}\nHost: shop", "Authorization: ***\nHost: shop"),
        (f'authorization: Digest username="bob", response="{CANARY}"', "authorization: ***"),
        (f"Cookie: theme=dark; shop={CANARY}; b={CANARY}\r\nHost: shop", "Cookie: ***\r\nHost: shop"),
        (f"{{Authorization=Token {CANARY}, Cookie=a=1; b={CANARY}, x=1}}", "{Authorization=***, Cookie=***, x=1}"),
        (f"map[Authorization:[Token {CANARY}] Cookie:[a={CANARY}]]", "map[Authorization:***"),
        (f"[(b'cookie', b'a=1; b={CANARY}'), (b'host', b'shop')]", "[(b'cookie', ***), (b'host', b'shop')]"),
        (f"?auth=Bearer%20{CANARY}", "?auth=***"),
        (_ESCAPED, '{\\"password\\": ***, \\"x\\": 1}'),
        (f"password=\\'{CANARY}\\' x", "password=*** x"),
        (f"b'password': b'{CANARY}'", "b'password': ***"),
        (f'{{"password": ["{CANARY}", "{CANARY}"], "x": 1}}', '{"password": ***, "x": 1}'),
        (f'{{"password":{{"value":"{CANARY}"}}}}', '{"password":***}'),
        (f"user[password]={CANARY}&user%5Bpassword%5D={CANARY}&x=1", "user[password]=***&user%5Bpassword%5D=***&x=1"),
        (f"next=%2Flogin%3Fpassword%3D{CANARY}", "next=%2Flogin%3Fpassword%3D***"),
        (f"%22password%22%3A%22{CANARY}%22", "%22password%22%3A***"),
        (f"[password] => {CANARY}", "[password] => ***"),
        (f"password: |\n  {CANARY}", "password: |\n  ***"),
        (f"password := {CANARY}", "password := ***"),
        (f"password='it''s {CANARY}' x", "password=*** x"),
        (f"<wsse:Password Type='x'>{CANARY}</wsse:Password>", "<wsse:Password Type='x'>***</wsse:Password>"),
        (f"shop --db-password {CANARY} --port 1", "shop --db-password *** --port 1"),
        (
            f"secretKey={CANARY} private_key: {CANARY} AccountKey={CANARY}",
            "secretKey=*** private_key: *** AccountKey=***",
        ),
        (f"password1={CANARY} passwords={CANARY} password_confirmation={CANARY}", None),
        (f"PHPSESSID={CANARY}; connect.sid={CANARY}; sid={CANARY}", "PHPSESSID=***; connect.sid=***; sid=***"),
        (_KEY, "***"),
        (f"private_key={_KEY}", "private_key=***"),
        (_KEY.replace("EC ", "PGP ").replace("KEY-", "KEY BLOCK-"), "***"),
        (f"-----BEGIN PRIVATE KEY-----\n{CANARY}", "***"),
        (f"eyJhbGciOi.a.b.c.{CANARY}", "***"),
        ("aws_AKIA0123456789ABCDEF", "aws***"),
        (f"of_ghp_{CANARY}0123456789abcdef", "of***"),
        (f"whsec_{CANARY}0123456789abcdef GOCSPX-{CANARY}0123456789 ya29.{CANARY}0123456789", "*** *** ***"),
        (f"https://hooks.slack.com/services/T0/B0/{CANARY}", "https://***"),
        (f"postgres://app:p'{CANARY}@db/shop", "postgres://***@db/shop"),
        (f"dsn=app:{CANARY}@db/shop", "dsn=***@db/shop"),
    ],
)
def test_secrets_are_known_in_whatever_form_programs_print_them(text: str, shown: str | None) -> None:
    found = REDACT.text(text)
    assert CANARY not in found
    assert shown in (None, found)


@pytest.mark.parametrize(
    "address",
    [
        "bob@xn--mller-kva.de",
        "jo\u0308rg@mu\u0308ller.de",
        "\u0905\u091c\u092f@\u0921\u093e\u091f\u093e.\u092d\u093e\u0930\u0924",
        "bob%2540example.com",
        "bob\\u0040example.com",
        "bob&#64;example.com",
        "bob\uff20example.com",
        "bob*@example.com",
    ],
)
def test_addresses_are_known_in_whatever_form_programs_print_them(address: str) -> None:
    assert REDACT.text(f"mail to {address} failed") == "mail to *** failed"


@pytest.mark.parametrize(
    "text",
    [
        "Shop::Token::Expired: bad",
        "max_tokens=4096 used",
        "auth: no such user",
        "PasswordResetError: user 7",
        "  at com.shop.PasswordService.check(PasswordService.java:12)",
        "global-configuration-service-name",
        "SELECT token::text FROM sessions",
        "x-csrf-token invalid",
    ],
)
def test_what_only_sounds_like_a_secret_stays(text: str) -> None:
    assert REDACT.text(text) == text


def test_the_argument_after_one_that_names_a_secret_is_masked() -> None:
    arguments = ["shop", "--db-password", CANARY, "--port", "1", "-token", CANARY]
    shown = ["shop", "--db-password", "***", "--port", "1", "-token", "***"]
    assert REDACT("process.command_args", arguments) == shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"SELECT 1 FROM t WHERE a='{CANARY}' AND b = 7", "SELECT ? FROM t WHERE a=? AND b = ?"),
        (f"set user:1 {CANARY}", "SET ?"),
        (f'{{"find": "t", "filter": {{"a": "{CANARY}"}}}}', '{"find": ?, "filter": {"a": ?}}'),
        (CANARY, "?"),
    ],
)
def test_statements_lose_their_values(text: str, expected: str) -> None:
    assert REDACT("db.query.text", text) == REDACT("db.statement", text) == expected


def test_maps_and_lists_are_looked_through() -> None:
    value = {"inner": [{"password": CANARY, "name": "x"}, f"{CANARY}@example.com"]}
    assert REDACT("app", value) == {"inner": [{"password": "***", "name": "x"}, "***"]}


def test_own_keys_and_patterns_are_masked_instead_of_the_usual_ones() -> None:
    own = Redactor(RedactConfig(attributes=("app.customer*",), patterns=(r"C-\d+",), emails=False, sql_literals=False))
    assert own("app.customer_name", "Bob") == "***"
    assert own("password", "x") == "x"
    assert own("message", "C-4711 of a@example.com: SELECT 1") == "*** of a@example.com: SELECT 1"
    assert own("db.query.text", "SELECT 1") == "SELECT 1"


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="is not a regular expression"):
        RedactConfig(patterns=("(",))


@given(st.text(max_size=200), st.text(max_size=30))
def test_any_text_is_taken(text: str, key: str) -> None:
    assert isinstance(REDACT(key, text), str)


@given(
    st.from_regex(r"\A[a-z][a-z.]{0,15}@[a-z]{1,9}\.(com|org)\Z"), st.sampled_from((" ", "'", '"', "<", "\n", ",", ":"))
)
def test_an_address_is_masked_wherever_it_stands(address: str, beside: str) -> None:
    assert address not in REDACT.text(f"x{beside}{address}{beside}y")


@pytest.mark.parametrize("part", ["a:", "://", "@", "select ", "password", "'", "-----BEGIN PRIVATE KEY-----", "x@y."])
def test_a_very_long_text_is_cut(part: str) -> None:
    assert len(REDACT.text(part * LONGEST)) <= 2 * LONGEST


@pytest.mark.parametrize(
    "number",
    [
        "4111111111111111",
        "4111 1111 1111 1111",
        "5500-0055-5555-5559",
        "378282246310005",
        "30569309025904",
        "4111\u00a01111%201111+1111",
    ],
)
@pytest.mark.parametrize("around", ["{}", "card {}.", "card_{}", "no=4711 {} 12/27", '"{}"', "2024 {}"])
def test_numbers_of_cards_are_masked(number: str, around: str) -> None:
    found = REDACT.text(around.format(number))
    assert number[-4:] not in found
    assert "***" in found


@pytest.mark.parametrize(
    "text",
    [
        "order 4111111111111112",
        "at 1790000000000000000 ns, 1790000000000 ms",
        "id 4111111111111111a0",
        "2024-11-03 12:00:00",
        "550e8400-e29b-41d4-a716-446655440000",
        "tel 030 1234567",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert REDACT.text(text) == text


def test_what_tells_services_apart_still_does_when_it_is_masked() -> None:
    names = [REDACT("service.name", f"of-{who}@example.com") for who in ("bob", "eve")]
    assert len({*names}) == 2
    assert all(name.startswith("***-") for name in names)
    assert REDACT("service.name", "shop") == "shop"
    assert Redactor(RedactConfig())("service.name", "of-bob@example.com") == names[0]


def test_a_quoted_secret_without_an_end_is_masked_to_the_end_of_the_text() -> None:
    assert REDACT.text(f'password="{CANARY} and {CANARY}') == "password=***"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "SELECT id FROM users WHERE password = 'x' AND token=$1",
            "SELECT id FROM users WHERE password = ? AND token=?",
        ),
        (f'SELECT id AS "{CANARY}@example.com" FROM t', 'SELECT id AS "***" FROM t'),
        (f"password={CANARY}", "password=***"),
    ],
)
def test_statements_are_shown_without_values_and_without_secrets_among_names(text: str, shown: str) -> None:
    assert REDACT.statement("postgresql", text) == shown
