"""Go's fmt: `printf`, `print` and `println`, with its padding, its verbs and its words for what is wrong."""

from collections.abc import Sequence

from sidecar.rules.gotemplate.numbers import complex_number, integer, real
from sidecar.rules.gotemplate.spec import MAX_WIDTH, PLUS_V, SHARP_V, Spec, padded
from sidecar.rules.gotemplate.strings import quoted
from sidecar.rules.gotemplate.values import GoMap, Named, Opaque, Slice, Struct, Value, is_text, type_of


def sprint(values: Sequence[Value]) -> str:
    """Return the values one after the other, with spaces between two that are both no strings."""
    parts: list[str] = []
    for index, value in enumerate(values):
        if index and not is_text(value) and not is_text(values[index - 1]):
            parts.append(" ")
        parts.append(formatted(value, Spec()))
    return "".join(parts)


def sprintln(values: Sequence[Value]) -> str:
    """Return the values with spaces between them and a line's end."""
    return " ".join(formatted(value, Spec()) for value in values) + "\n"


def sprintf(form: str, values: Sequence[Value]) -> str:
    """Return `form` with `values` in place of its verbs."""
    return _Printer(form, values).text()


class _Printer:
    def __init__(self, form: str, values: Sequence[Value]) -> None:
        self._form = form
        self._values = values
        self._next = 0
        self._reordered = False
        self._good_index = True

    def text(self) -> str:
        parts: list[str] = []
        position = 0
        while (start := self._form.find("%", position)) >= 0:
            parts.append(self._form[position:start])
            text, position = self._one(start)
            parts.append(text)
        parts.append(self._form[position:])
        if not self._reordered and self._next < len(self._values):
            extra = ", ".join(_typed(value, Spec()) for value in self._values[self._next :])
            parts.append(f"%!(EXTRA {extra})")
        return "".join(parts)

    def _one(self, start: int) -> tuple[str, int]:
        """Return what stands for the verb at `start`, and where the text goes on."""
        scan = _Scan(self._form, start + 1)
        flags = scan.take("#0+- ")
        self._good_index, before = True, ""
        spec = Spec(flags="".join(dict.fromkeys(flags)))
        after_index = self._argument_number(scan)
        if scan.take_one("*"):
            spec.width, bad = self._number_argument()
            before += "%!(BADWIDTH)" * bad
            if spec.width is not None and spec.width < 0:
                spec.width, spec.flags = -spec.width, spec.flags + "-"
            after_index = False
        else:
            spec.width = scan.number()
            if after_index and spec.width is not None:
                self._good_index = False
        after_index = self._precision(scan, spec, after_index) if scan.take_one(".") else after_index
        if scan.bad:
            before += scan.bad
        if not after_index:
            self._argument_number(scan)
        verb = scan.next()
        if spec.has("-"):
            spec.flags = spec.flags.replace("0", "")
        if not verb:
            return f"{before}%!(NOVERB)", scan.position
        spec.verb = verb
        if verb == "v":
            spec.flags = spec.flags.replace("+", PLUS_V).replace("#", SHARP_V)
        return before + self._verb(spec), scan.position

    def _precision(self, scan: "_Scan", spec: Spec, after_index: bool) -> bool:
        if after_index:
            self._good_index = False
        after_index = self._argument_number(scan)
        if scan.take_one("*"):
            spec.precision, bad = self._number_argument()
            if bad or (spec.precision is not None and spec.precision < 0):
                spec.precision = None
                scan.bad += "%!(BADPREC)"
            return False
        spec.precision = scan.number() or 0
        return after_index

    def _verb(self, spec: Spec) -> str:
        if spec.verb == "%":
            return "%"
        if not self._good_index:
            return f"%!{spec.verb}(BADINDEX)"
        if self._next >= len(self._values):
            return f"%!{spec.verb}(MISSING)"
        value = self._values[self._next]
        self._next += 1
        return formatted(value, spec)

    def _argument_number(self, scan: "_Scan") -> bool:
        """Take an explicit index such as `[2]`; return whether there was one."""
        if not scan.peek("["):
            return False
        self._reordered = True
        inner = scan.bracket()
        if inner is not None and inner.isdigit() and 1 <= int(inner[:7]) <= len(self._values):
            self._next = int(inner) - 1
            return True
        self._good_index = False
        return inner is not None

    def _number_argument(self) -> tuple[int | None, bool]:
        if self._next >= len(self._values):
            return None, True
        value = self._values[self._next]
        self._next += 1
        is_number = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_WIDTH
        return (int(value), False) if is_number else (None, True)


class _Scan:
    """Reads the characters of a verb."""

    def __init__(self, text: str, position: int) -> None:
        self._text = text
        self.position = position
        self.bad = ""

    def peek(self, character: str) -> bool:
        return self._text.startswith(character, self.position)

    def take(self, characters: str) -> str:
        start = self.position
        while self.position < len(self._text) and self._text[self.position] in characters:
            self.position += 1
        return self._text[start : self.position]

    def take_one(self, character: str) -> bool:
        found = self.peek(character)
        self.position += found
        return found

    def number(self) -> int | None:
        """Take a number; one that is too large ends the form, as in Go."""
        digits = self.take("0123456789")
        if digits and int(digits[:8]) > MAX_WIDTH:
            self.position = len(self._text)
            return None
        return int(digits) if digits else None

    def bracket(self) -> str | None:
        """Take what is in brackets; only the opening one if it is never closed, and return None."""
        end = self._text.find("]", self.position)
        if end < 0:
            self.position += 1
            return None
        inner = self._text[self.position + 1 : end]
        self.position = end + 1
        return inner

    def next(self) -> str:
        verb = self._text[self.position : self.position + 1]
        self.position += 1
        return verb


def formatted(value: Value, spec: Spec, *, depth: int = 0) -> str:
    """Return `value` as `spec` says; a verb that it does not have is told as Go tells it."""
    if spec.verb == "T":
        return padded(type_of(value), _plain(spec))
    if value is None:
        return padded("<nil>", _plain(spec)) if spec.verb == "v" else f"%!{spec.verb}(<nil>)"
    if spec.verb in "pw":
        return _bad(value, spec)
    text = _of_kind(value, spec, depth)
    return _bad(value, spec, depth) if text is None else text


def _of_kind(value: Value, spec: Spec, depth: int) -> str | None:
    """Return the text, None for a verb that the kind of `value` does not have."""
    if isinstance(value, bool):
        return padded("true" if value else "false", _plain(spec)) if spec.verb in "tv" else None
    if spec.verb in "vsxXq" and (isinstance(value, Opaque) or (isinstance(value, Named) and not spec.has(SHARP_V))):
        return _string(value.text, spec, as_go=False)
    if isinstance(value, int):
        return integer(int(value), spec)
    if isinstance(value, float):
        return real(value, spec)
    if isinstance(value, complex):
        return complex_number(value, spec)
    if isinstance(value, str):
        return _string(value, spec, as_go=spec.has(SHARP_V))
    if isinstance(value, Opaque):
        return None
    return _composite(value, spec, depth)


def _composite(value: Value, spec: Spec, depth: int) -> str:
    inner = depth + 1
    as_go = spec.has(SHARP_V)
    if isinstance(value, GoMap):
        keys = sorted(value)
        if as_go:
            pairs = ", ".join(f"{formatted(k, spec)}:{_inner(value[k], spec, inner)}" for k in keys)
            return f"{type_of(value)}{{{pairs}}}"
        return f"map[{' '.join(f'{formatted(k, spec, depth=inner)}:{_inner(value[k], spec, inner)}' for k in keys)}]"
    if isinstance(value, Slice):
        if as_go:
            return f"{type_of(value)}{{{', '.join(_inner(item, spec, inner) for item in value)}}}"
        return f"[{' '.join(_inner(item, spec, inner) for item in value)}]"
    assert isinstance(value, Struct)
    if value.is_pointer and depth:
        return "0xc000000000"  # an address in Go, another one each time
    names = as_go or spec.has(PLUS_V)
    fields = (f"{f'{name}:' * names}{_inner(item, spec, inner)}" for name, item in value.fields.items())
    if as_go:
        return f"{'&' * value.is_pointer}{value.go_type}{{{', '.join(fields)}}}"
    return f"{'&' * value.is_pointer}{{{' '.join(fields)}}}"


def _inner(value: Value, spec: Spec, depth: int) -> str:
    if value is None:
        return "interface {}(nil)" if spec.has(SHARP_V) else "<nil>"
    return formatted(value, spec, depth=depth)


def _bad(value: Value, spec: Spec, depth: int = 0) -> str:
    plain = Spec("v", spec.flags, spec.width, spec.precision)
    if isinstance(value, Named):  # no String() is asked here
        return f"%!{spec.verb}({type_of(value)}={integer(int(value), plain)})"
    return f"%!{spec.verb}({_typed(value, plain, depth)})"


def _typed(value: Value, spec: Spec, depth: int = 0) -> str:
    return "<nil>" if value is None else f"{type_of(value)}={formatted(value, spec, depth=depth)}"


def _plain(spec: Spec) -> Spec:
    return Spec(spec.verb, spec.flags, spec.width)


def _string(value: str, spec: Spec, *, as_go: bool) -> str | None:
    if spec.verb in "vs" and not as_go:
        return padded(value if spec.precision is None else value[: spec.precision], spec)
    if spec.verb == "q" or as_go:
        cut = value if spec.precision is None else value[: spec.precision]
        if spec.has("#") and not as_go and "`" not in cut and cut.isprintable():
            return padded(f"`{cut}`", spec)
        return padded(quoted(str(cut), only_ascii=spec.has("+")), spec)
    if spec.verb in "xX":
        return padded(_hex_bytes(value.encode("utf-8", "replace"), spec), spec)
    return None


def _hex_bytes(data: bytes, spec: Spec) -> str:
    if spec.precision is not None:
        data = data[: spec.precision]
    prefix = "0x" if spec.verb == "x" else "0X"
    form = "{:02x}" if spec.verb == "x" else "{:02X}"
    parts = [form.format(byte) for byte in data]
    if spec.has(" "):
        return " ".join(prefix * spec.has("#") + part for part in parts)
    return prefix * (spec.has("#") and bool(parts)) + "".join(parts)
