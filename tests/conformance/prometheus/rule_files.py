"""Rule files as people write them, and as nobody should: what promtool and a real Prometheus make of them is right."""

import random
from collections.abc import Iterator

VALUES = (
    *(
        "page",
        "yes",
        "on",
        "off",
        "y",
        "true",
        "0777",
        "0o17",
        "1_000",
        "12:30:45",
        "2024-01-01",
        "1.10",
        "1e3",
        "0x1F",
    ),
    *("'x'", '"y"', "''", "'null'", '"~"', "~", "null", "", "'it''s'", '"a\\tb\\u00e9\\x41"', "a b  c", "a#b", "a # b"),
    *("!!str null", "!!str 5", "!!str", "!!int 5", "!!float 1.5", "!!float 3", "!!bool true", "!!null ~", "!own x"),
    *(
        "!!binary dXA=",
        "! 5",
        "!!int '7'",
        "!!timestamp 2024-01-01",
        "|\n       l1\n       l2",
        ">-\n       f1\n       f2",
    ),
    *("é", "日本", "{{ $value }}", "'{{ $labels.a }}'", "a:b", "http://h:9/p", "-", "=", ".inf", "-1", "+1", "a\tb"),
    *("plain over\n       two lines", "'quoted over\n\n       lines'", '"folded \\\n       on"', "%x", "x,y", "[]x"),
)
BAD_VALUES = (
    *(
        "[a]",
        "{a: b}",
        "!!int x",
        "!!bool yes",
        "!!binary !",
        "!!float x",
        "!!null x",
        "*nobody",
        "@x",
        "`x",
        "'x",
        '"\\q"',
    ),
    *("!!timestamp x", "a: b", "{{ x }}", "[", "|\n  x", "- a", "!!int 1.5", "!!bool 1", "'{{ nope }}'", "\tx"),
)
KEYS = (
    "team",
    "severity",
    "a",
    "b",
    "c",
    '"quoted"',
    "'single'",
    "!!str tagged",
    "yes",
    "on",
    "? team\n      ",
    "null",
    "~",
)
BAD_KEYS = ("''", "__name__", "!!int z", "*nobody", "@k", "!!binary !")
"""None that is a label name since Prometheus 3, such as `5`, and none that is a mapping, on which Go may panic."""

MERGES = (
    "*{}",
    "[*{}, *{}]",
    "[*{}]",
    "{{a: in, d: in}}",
    "[{{a: 1st}}, {{a: 2nd, e: x}}]",
    "[]",
    "{{}}",
    "{{<<: *{}, f: y}}",
)
BAD_MERGES = ("5", "", "[*{}, 5]", "[[*{}]]", "*list", "text", "~", "{{a: x, a: y}}")
DURATIONS = ("5m", "0", "'1h'", '"30s"', "1d2h", "~", "!!str 5m", "100ms")
BAD_DURATIONS = ("60", "1.5h", "-5m", "''", "5 m", "[5m]", "1h1h")
LIMITS = ("10", "0x1F", "1_000", "1e3", "010", "0o17", "0b11", "~", "-3", "1.9", "+5", "!!int '7'", "!!float 3")
BAD_LIMITS = (
    "'10'",
    "ten",
    ".nan",
    "yes",
    "10:20",
    "2024-01-01",
    "1__x",
    "_1",
    "\uff10",
    "99999999999999999999",
    "!!str 5",
)
PREFIXES = (
    "",
    "",
    "",
    "\ufeff",
    "---\n",
    "# comment\n",
    "%YAML 1.1\n---\n",
    "\n\n",
    "%TAG ! tag:x,2000:\n---\n",
    "--- # c\n",
)
BAD_PREFIXES = ("%YAML 2.0\n---\n", "%YAML 1.1\n", "\t", "- a\n", "x: y\n", "...x\n")
SUFFIXES = ("", "", "...\n", "---\n", "---\nother: 1\n", "# end\n", "---\n[broken\n", "...\n---\n- x\n", "\n\n")
BAD_SUFFIXES = ("groups: []\n", "x: 1\n", "]\n", "\x01", " bad\n")
LINE_ENDS = ("\n", "\n", "\n", "\r\n", "\r")


def rule_files(count: int, seed: int) -> Iterator[str]:
    """Yield `count` files, about half of them good, the same ones for the same seed."""
    for number in range(count):
        yield _Writer(random.Random(f"{seed}/{number}")).file()


class _Writer:
    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._mistakes = chance.choice((0, 0, 1))
        self._anchors: list[str] = []

    def file(self) -> str:
        rules = "".join(self._rule(number) for number in range(self._chance.randint(1, 4)))
        head = f"groups:\n- name: g\n{self._field('interval', DURATIONS, BAD_DURATIONS)}"
        head += self._field("limit", LIMITS, BAD_LIMITS)
        text = f"{head}  rules:\n{rules}"
        text = self._one(PREFIXES, BAD_PREFIXES, 30) + text + self._one(SUFFIXES, BAD_SUFFIXES, 30)
        return text.replace("\n", self._chance.choice(LINE_ENDS))

    def _rule(self, number: int) -> str:
        text = f"  - alert: A{number}\n    expr: up\n{self._field('for', DURATIONS, BAD_DURATIONS)}"
        for what in ("labels", "annotations"):
            if self._chance.random() < 0.8:
                text += self._mapping(what, f"{what}{number}")
        return text

    def _field(self, name: str, good: tuple[str, ...], bad: tuple[str, ...]) -> str:
        return f"    {name}: {self._one(good, bad, 30)}\n"[
            2 * (name in ("interval", "limit")) :
        ] * self._chance.randint(0, 1)

    def _mapping(self, what: str, anchor: str) -> str:
        entries = [self._entry() for _ in range(self._chance.randint(0, 3))]
        keys = {key: (key, value) for key, value in entries}
        entries = entries if self._mistake(40) else list(keys.values())
        if self._anchors and self._chance.random() < 0.6:
            entries.insert(self._chance.randint(0, len(entries)), ("<<", self._merge()))
        if self._mistake(60):
            entries.append(("<<", self._merge()))
        # `{a: !!str, b: c}` is read by libyaml and refused by its port to Go: there the comma is part of the tag.
        flow = (
            not any("\n" in key + value or value == "!!str" for key, value in entries) and self._chance.random() < 0.2
        )
        if flow:
            body = " {" + ", ".join(f"{key}: {value}" for key, value in entries) + "}\n"
        else:
            body = "\n" + "".join(f"      {key}: {value}\n" for key, value in entries)
        self._anchors.append(anchor)
        return f"    {what}: &{anchor}{body}" if entries or flow else f"    {what}: &{anchor} {{}}\n"

    def _entry(self) -> tuple[str, str]:
        return self._one(KEYS, BAD_KEYS, 60), self._one(VALUES, BAD_VALUES, 40)

    def _merge(self) -> str:
        form = self._one(MERGES, BAD_MERGES, 20)
        return form.format(*(self._chance.choice(self._anchors or ["nobody"]) for _ in range(2)))

    def _one(self, good: tuple[str, ...], bad: tuple[str, ...], rarity: int) -> str:
        return self._chance.choice(bad if self._mistake(rarity) else good)

    def _mistake(self, rarity: int) -> bool:
        """Make one of the file's mistakes here, each one only once."""
        if self._mistakes and self._chance.random() < 3 / rarity:
            self._mistakes -= 1
            return True
        return False
