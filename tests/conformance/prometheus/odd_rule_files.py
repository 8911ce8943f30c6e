"""Rule files that are odd as a whole: encodings, line ends, directives, anchors, depth."""

_RULES = "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: up\n    labels: {labels}\n"


def _labels(labels: str) -> bytes:
    return _RULES.format(labels=labels).encode()


def _second(first: str, second: str) -> bytes:
    """Return a rule with the labels `first`, which may have anchors, and another with the labels `second`."""
    return (_RULES.format(labels=first) + f"  - alert: B\n    expr: up\n    labels: {second}\n").encode()


def _laughing(count: int) -> bytes:
    """Return mappings that merge ten times the one before, each of them."""
    text = "groups:\n- name: g\n  rules:\n  - {alert: A0, expr: up, labels: &l0 {a: x, b: y}}\n"
    for number in range(1, count):
        merged = ", ".join([f"*l{number - 1}"] * 10)
        text += f"  - {{alert: A{number}, expr: up, labels: &l{number} {{<<: [{merged}], c{number}: z}}}}\n"
    return text.encode()


_GOOD = _labels("{team: shop, 'k': é}").decode()

ODD_FILES: dict[str, bytes] = {
    "empty": b"",
    "a byte order mark alone": b"\xef\xbb\xbf",
    "comments only": b"# nothing\n\n# here\n",
    "null": b"~\n",
    "an empty document": b"---\n...\n",
    "no groups": b"groups:\n",
    "utf-16 little endian": b"\xff\xfe" + _GOOD.encode("utf-16-le"),
    "utf-16 big endian": b"\xfe\xff" + _GOOD.encode("utf-16-be"),
    "half a utf-16 character": b"\xff\xfe" + _GOOD.encode("utf-16-le") + b"\n",
    "utf-8 with byte order mark": b"\xef\xbb\xbf" + _GOOD.encode(),
    "latin-1": _GOOD.encode("latin-1"),
    "half a utf-8 character": _labels("{a: b}") + "# é".encode()[:-1],
    "surrogates in utf-8": _labels("{a: '") + b"\xed\xa0\x80'}\n",
    "lines end with carriage return": _GOOD.replace("\n", "\r").encode(),
    "lines end as on windows": _GOOD.replace("\n", "\r\n").encode(),
    "lines end with nel": _GOOD.replace("\n", "\x85").encode(),
    "lines end with ls": _GOOD.replace("\n", "\u2028").encode(),
    "lines end with ps": _GOOD.replace("\n", "\u2029").encode(),
    "nel in a text": _labels("{a: 'x\x85y'}"),
    "ls in a text": _labels("{a: 'x\u2028y'}"),
    "ps in a plain text": _labels("{a: x\u2029 y}"),
    "ls in a block": _labels("\n      a: |\n       x\u2028       y"),
    "form feed": _labels("{a: x\fy}"),
    "nul": _labels("{a: x\0y}"),
    "escape": _labels("{a: 'x\x1by'}"),
    "delete": _labels("{a: 'x\x7fy'}"),
    "c1 control": _labels("{a: 'x\x80y'}"),
    "not a character": _labels("{a: 'x\uffffy'}"),
    "beyond the first plane": _labels("{a: 'x\U0001f600y'}"),
    "byte order mark in a text": _labels("{a: 'x\ufeffy'}"),
    "escaped controls": _labels('{a: "\\0\\a\\e\\x7f\\u2028\\U0001F600"}'),
    "escaped surrogate": _labels('{a: "\\ud800"}'),
    "escaped beyond unicode": _labels('{a: "\\U00110000"}'),
    "binary that is no text": _labels("{a: !!binary /w==}"),
    "binary over lines": _labels("\n      a: !!binary |\n       c2hv\n       cA=="),
    "binary without padding": _labels("{a: !!binary c2hvcA}"),
    "yaml 1.1": b"%YAML 1.1\n---\n" + _labels("{a: yes}"),
    "yaml 1.2": b"%YAML 1.2\n---\n" + _labels("{a: yes}"),
    "yaml 1.3": b"%YAML 1.3\n---\n" + _labels("{a: yes}"),
    "yaml 2.0": b"%YAML 2.0\n---\n" + _labels("{a: yes}"),
    "yaml twice": b"%YAML 1.1\n%YAML 1.1\n---\n" + _labels("{a: yes}"),
    "unknown directive": b"%FOO bar\n---\n" + _labels("{a: yes}"),
    "directive without document": b"%YAML 1.1\n",
    "tag directive": b"%TAG !e! tag:e,2000:\n---\n" + _labels("{a: !e!x y}"),
    "tag without directive": _labels("{a: !e!x y}"),
    "verbatim tag": _labels("{a: !<tag:yaml.org,2002:str> ~}"),
    "tab as indentation": _labels("{a: b}").replace(b"    labels", b"\tlabels"),
    "tab after a colon": _labels("{a: b}").replace(b"labels: ", b"labels:\t"),
    "tab after a dash": _labels("{a: b}").replace(b"- name", b"-\tname"),
    "tab before a comment": _labels("{a: b}\t# c"),
    "tab in a flow": _labels("{\ta:\tb,\t\n\tc: d}"),
    "tab on an empty line": _labels("\n      a: b\n\t\n      c: d"),
    "tab in a plain text": _labels("\n      a: b\n       \tc"),
    "a long line": _labels(f"{{a: '{'x' * 200_000}'}}"),
    "a long plain key": _labels(f"\n      {'k' * 1100}: v"),
    "a long key in a flow": _labels(f"{{{'k' * 1100}: v}}"),
    "a long anchor": _second(f"&{'n' * 5000} {{a: b}}", f"*{'n' * 5000}"),
    "a key twice": _labels("{a: b, a: c}"),
    "a key twice, once in quotes": _labels("{a: b, 'a': c}"),
    "a field twice": _labels("{a: b}") + b"    labels: {a: b}\n",
    "null twice": _labels("{~: b, ~: c}"),
    "null and its word": _labels("{~: b, null: c}"),
    "an alias as key": _second("{a: &k team}", "{*k : b}"),
    "an alias as text": _second("{a: &k team}", "{b: *k}"),
    "an anchor given twice": _second("{a: &k one, b: &k two}", "{c: *k}"),
    "an anchor given twice, used between": _second("{a: &k one, b: *k, c: &k two}", "{c: *k}"),
    "an alias of an alias": _second("&l {a: &k one, b: &m *k}", "{c: *k}"),
    "aliased labels": _second("&l {a: b}", "*l"),
    "an anchor in itself": _labels("&l {a: *l}"),
    "a mapping merged into itself": _labels("&l {<<: *l}"),
    "a mapping merged into its own part": _labels("&l {a: {<<: *l}}"),
    "nested merges": _second("&base {team: shop, severity: page}", "{<<: {<<: *base, tier: '1'}, own: x}"),
    "the first of several merges wins": _labels("{<<: [{team: first}, {team: second}]}"),
    "a nested merge gives way to the first": _second("&b {t: b}", "{<<: [{<<: *b, u: 1st}, {t: 2nd, u: 2nd, v: 2nd}]}"),
    "own keys win wherever they stand": _second("&b {t: b, u: b}", "{t: own, <<: *b, u: own}"),
    "an own null wins": _second("&b {t: b, u: b}", "{t: ~, <<: *b}"),
    "a merged null": _second("&b {t: ~, u: b}", "{<<: [*b, {t: c}]}"),
    "a number merged": _labels("{<<: 5}"),
    "nothing merged": _labels("{<<: }"),
    "an empty mapping merged": _labels("{<<: {}, a: b}"),
    "an empty list merged": _labels("{<<: [], a: b}"),
    "a list of lists merged": _labels("{<<: [[{a: b}]]}"),
    "a number among what is merged": _labels("{<<: [{a: b}, 5]}"),
    "an aliased list merged": _second("{}\n    annotations: {a: b}", "{<<: *nothing}"),
    "a text alias merged": _second("{a: &t b}", "{<<: *t}"),
    "two merges": _second("&b {a: b}", "{<<: *b, <<: {c: d}}"),
    "a merge in quotes and one without": _second("&b {a: b}", "{<<: *b, '<<': d}"),
    "a key twice in what is merged": _labels("{<<: {a: b, a: c}}"),
    "a tagged merge": _second("&b {a: b}", "{!!merge <<: *b}"),
    "a merge of a whole rule": b"groups:\n- name: g\n  rules:\n  - &r {alert: A, expr: up, labels: {a: b}, for: 5m}\n"
    b"  - {<<: *r, alert: B, for: ~}\n",
    "a merge of an unknown field": b"groups:\n- name: g\n  rules:\n  - {alert: A, expr: up, <<: {nope: 1}}\n",
    "a merge into a group": b"groups:\n- {name: g, <<: {interval: 5s, limit: 3}, rules: [{alert: A, expr: up}]}\n",
    "a merge at the root": b"<<: {groups: [{name: g, rules: [{alert: A, expr: up}]}]}\n",
    "an aliased rule": b"groups:\n- name: g\n  rules: [&r {alert: A, expr: up, labels: {a: b}}, *r]\n",
    "aliased rules": b"groups:\n- name: g\n  rules: &r [{alert: A, expr: up, labels: {}}]\n- {name: h, rules: *r}\n",
    "merges of merges of merges": _laughing(12),
    "null among rules": b"groups: [~, {name: g, rules: [~, {alert: A, expr: up}]}]\n",
    "a mapping of groups": b"groups: {name: g}\n",
    "a tagged mapping": _labels("!!map {a: b}"),
    "a strangely tagged mapping": _labels("!!set {a: b}"),
    "a list for labels": _labels("[a]"),
    "an empty list for labels": _labels("[]"),
    "a text for labels": _labels("a"),
    "an empty text for labels": _labels("''"),
    "a second document": _labels("{a: b}") + b"---\ngroups: [{name: h}]\n",
    "a broken second document": _labels("{a: b}") + b"---\n}\n",
    "a document end and more": _labels("{a: b}") + b"...\nx: y\n",
    "an empty first document": b"---\n---\n" + _labels("{a: b}"),
    "three dashes at the end": _labels("{a: b}") + b"---\n",
    "yes and no": _labels("{a: yes, b: No, c: on, d: OFF, e: y, f: n, g: True}"),
    "numbers": _labels("{a: 0777, b: 0o17, c: 1_000, d: 12:30:45, e: 1.10, f: 1e3, g: 0x1F, h: .5, i: +1, j: -0}"),
    "dates": _labels("{a: 2024-01-01, b: 2024-13-45, c: 2001-12-14t21:59:43.10-05:00}"),
    "nulls": _labels("{a: ~, b: null, c: Null, d: NULL, e: , f: 'null', g: !!str ~, h: nULL, i: !!null }"),
    "quoted numbers": _labels("{a: '1', b: \"0777\", c: !!int '5', d: !!float '1'}"),
    "a question mark key": _labels("\n      ? a\n      : b\n      ? c"),
    "a key without value in a flow": _labels("{a, b: c}"),
    "a comma at the end": _labels("{a: b,}"),
    "two commas": _labels("{a: b,, c: d}"),
    "a quoted key without space": _labels("{'a':b}"),
    "blocks": _labels(
        "\n      a: |+\n       x\n\n      b: >-\n       x\n       y\n\n       z\n      c: |2\n         x"
    ),
}
