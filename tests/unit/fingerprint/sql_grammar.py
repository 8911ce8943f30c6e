"""Statements as applications send them, each with values that must not be seen afterwards."""

import random
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from sidecar.fingerprint.sql import Quoting

CANARY = "c4nary"


class Statement(NamedTuple):
    """A statement in one way of quoting."""

    quoting: Quoting
    text: str


Chance = random.Random
Literal = Callable[[Chance], str]

NAMES = ("users", "orders", "shop.order_items", "t2", "covid19", "Products", "event_log_2024", "ünïts")
COLUMNS = ("id", "email", "o.total", "created_at", "n1h1", "address2", "Name")
QUOTED_NAMES = {
    Quoting.STANDARD: ('"Users"', '"order-items"', '"it\'s"', '"a""b"'),
    Quoting.BRACKETS: ("[Users]", "[it's]", "[order items]", '"Users"'),
    Quoting.BACKSLASH: ("`users`", '"Users"'),
    Quoting.MYSQL: ("`users`", "`it's`", "`order-items`"),
    Quoting.MYSQL_ANSI: ("`users`", '"Users"', '"it\'s"'),
    Quoting.BIGQUERY: ("`users`", "`shop.order-items`"),
    Quoting.SQLITE: ('"Users"', '"it\'s"', "`users`"),
    Quoting.CYPHER: ("`users`", "`it's`"),
    Quoting.UNSURE: ("`users`",),
    Quoting.UNSURE_NAMES: ("`users`", '"Users"'),
    Quoting.UNSURE_TEXT: ("users",),
}


def number(chance: Chance) -> str:
    digits = f"7777{chance.randrange(10**9)}"
    forms = ("{0}", "-{0}", "+{0}", "{0}.5", ".{0}", "-.{0}", "{0}e10", "{0}.1E-7", "0x{0}", "0X{0}AF", "1_{0}", "{0}L")
    return chance.choice(forms).format(digits)


def words(chance: Chance) -> str:
    parts = (CANARY, "é", "--", "/*", "*/", "#", ";", "$1", ":x", "%s", "0x1", "(", ")", ",", "\n", "[", "{", '"', "?")
    inner = [chance.choice(parts) for _ in range(chance.randrange(5))]
    inner.insert(chance.randrange(len(inner) + 1), CANARY)
    return " ".join(inner)


def doubled(chance: Chance) -> str:
    return "'" + words(chance) + chance.choice(("", "''", "''s " + CANARY, " ''" + CANARY + "''")) + "'"


def ended_by_backslash(chance: Chance) -> str:
    return f"'C:\\{words(chance)}\\'"


def escaped(chance: Chance) -> str:
    return "'" + words(chance) + chance.choice(("\\'", "\\\\", "\\' " + CANARY, "\\\\\\'" + CANARY, "\\n")) + "'"


def double_quoted(chance: Chance) -> str:
    text = words(chance).replace('"', "")
    return '"' + text + chance.choice(("", '\\"' + CANARY, '""' + CANARY, "it's")) + '"'


def prefixed(chance: Chance) -> str:
    return chance.choice(("N", "n", "x", "B", "U&", "_utf8", "date ", "timestamp ", "interval ")) + doubled(chance)


def e_string(chance: Chance) -> str:
    return chance.choice("eE") + escaped(chance)


def dollar_quoted(chance: Chance) -> str:
    tag = chance.choice(("$$", "$body$", "$_1$"))
    return tag + words(chance) + " it's " + tag


def oracle_quoted(chance: Chance) -> str:
    opening, closing = chance.choice(("[]", "{}", "()", "<>", "!!", "||"))
    text = words(chance)
    for sign in "[]{}()<>!|":
        text = text.replace(sign, "")
    return f"{chance.choice(('q', 'Q', 'nq'))}'{opening}{text} it's {CANARY}{closing}'"


def uuid(chance: Chance) -> str:
    digits = f"{chance.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def three_quoted(chance: Chance) -> str:
    quotes = chance.choice(("'''", '"""'))
    text = f'a {words(chance)} it\'s a "{CANARY}" \\{quotes} {CANARY} '
    return f"{chance.choice(('', 'r', 'b', 'rb'))}{quotes}{text}{quotes}"


def backquoted(chance: Chance) -> str:
    return f"`{words(chance)} it's`"


COMMON: tuple[Literal, ...] = (number, number, doubled, prefixed)
LITERALS: Mapping[Quoting, tuple[Literal, ...]] = {
    Quoting.STANDARD: (*COMMON, ended_by_backslash, e_string, dollar_quoted, oracle_quoted, uuid),
    Quoting.BRACKETS: (*COMMON, ended_by_backslash),
    Quoting.BACKSLASH: (*COMMON, escaped, dollar_quoted),
    Quoting.MYSQL: (*COMMON, escaped, double_quoted),
    Quoting.MYSQL_ANSI: (*COMMON, escaped),
    Quoting.BIGQUERY: (number, escaped, double_quoted, three_quoted),
    Quoting.SQLITE: (*COMMON, ended_by_backslash),
    Quoting.CYPHER: (number, escaped, double_quoted),
    Quoting.UNSURE: (*COMMON, ended_by_backslash, escaped, double_quoted, e_string, dollar_quoted, three_quoted),
    Quoting.UNSURE_NAMES: (*COMMON, ended_by_backslash, escaped, e_string, dollar_quoted),
    Quoting.UNSURE_TEXT: (*COMMON, escaped, double_quoted, backquoted),
}

LINE_COMMENTS = {
    Quoting.BIGQUERY: "# it's " + CANARY,
    Quoting.MYSQL: "# it's " + CANARY,
    Quoting.MYSQL_ANSI: "# it's " + CANARY,
    Quoting.CYPHER: "// it's " + CANARY,
}

TEMPLATES = (
    "SELECT {column}, {column} FROM {table} WHERE {column} = {value}",
    "SELECT * FROM {table} WHERE {column}={value} AND {column}>={value} OR {column} <> {value}",
    "select count(*) from {table} o join {table} p on o.id=p.id where o.{column} in ({values}) limit {number}",
    "SELECT {column} FROM {table} WHERE {column} LIKE {value} ORDER BY 1 LIMIT {number} OFFSET {number}",
    "SELECT {column} FROM {table} WHERE ({column}, {column}) IN (({value}, {value}), ({value}, {value}))",
    "INSERT INTO {table} ({column}, {column}) VALUES ({value}, {value})",
    "INSERT INTO {table} VALUES ({value}, lower({value})),({value}, now()), ({value}, {value}) RETURNING id",
    "INSERT INTO {table} SELECT {value}, {column} FROM {table} WHERE {column} BETWEEN {value} AND {value}",
    "UPDATE {table} SET {column} = {value}, {column}={column}+{number} WHERE {column} = {value}",
    "DELETE FROM {table} WHERE {column} NOT IN ({values}) AND {column} IS NOT NULL",
    "WITH x AS (SELECT {value} AS a) SELECT a, CASE WHEN a={value} THEN {value} ELSE {value} END FROM x",
    "CALL refresh({value}, {value});\nCOMMIT",
    "SELECT f({value},{value})-{number} FROM {table} -- for " + CANARY + " it's\nWHERE {column}={value}",
    "/* user " + CANARY + " 'x */ SELECT {column} /*+ hint */ FROM {table} WHERE {column}={value}",
    "SELECT {column} FROM {table} WHERE tag={value}\n  AND {column} IN (\n    {value},\n    {value}\n  )",
    "SELECT {column} FROM {table} WHERE {column}={value} {hash}\nAND {column}={value}",
    "MERGE INTO {table} t USING (SELECT {value} AS id) s ON t.id=s.id WHEN MATCHED THEN UPDATE SET {column}={value}",
)


def statements(count: int, seed: int) -> Iterator[Statement]:
    """Yield `count` statements; the same for the same seed."""
    chance = random.Random(seed)
    for _ in range(count):
        quoting = chance.choice(list(Quoting))
        yield Statement(quoting, filled(chance.choice(TEMPLATES), quoting, chance))


def filled(template: str, quoting: Quoting, chance: Chance) -> str:
    """Return `template` with names and literals; the same statement with other literals for the same names."""

    if quoting is Quoting.CYPHER:
        template = template.replace("-- ", "// ")

    def value() -> str:
        return chance.choice(LITERALS[quoting])(chance)

    parts: dict[str, Callable[[], str]] = {
        "{column}": lambda: chance.choice(COLUMNS),
        "{table}": lambda: chance.choice((*NAMES, *QUOTED_NAMES[quoting])),
        "{value}": value,
        "{values}": lambda: chance.choice((", ", ",")).join(value() for _ in range(chance.randrange(1, 9))),
        "{number}": lambda: number(chance),
        "{hash}": lambda: LINE_COMMENTS.get(quoting, ""),
    }
    for part, make in parts.items():
        while part in template:
            template = template.replace(part, make(), 1)
    return template
