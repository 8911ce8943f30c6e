"""Numbers as Go's `printf` writes them."""

import math

from sidecar.rules.gotemplate.spec import Spec, padded
from sidecar.rules.gotemplate.strings import quoted

_BASES = {"b": ("b", "0b"), "o": ("o", "0"), "O": ("o", "0o"), "x": ("x", "0x"), "X": ("X", "0X")}


def integer(value: int, spec: Spec) -> str | None:
    """Return a whole number, None for a verb that it does not have."""
    if spec.verb in "vd":
        return _digits(str(abs(value)), value < 0, spec, "")
    if spec.verb in _BASES:
        base, prefix = _BASES[spec.verb]
        return _digits(f"{abs(value):{base}}", value < 0, spec, prefix if spec.has("#") or spec.verb == "O" else "")
    if spec.verb in "cqU":
        return _rune(value, spec)
    return None


def _digits(digits: str, negative: bool, spec: Spec, prefix: str) -> str:
    if spec.precision is not None:
        if spec.precision == 0 and digits == "0":
            return " " * (spec.width or 0)
        digits = digits.rjust(spec.precision, "0")
    sign = "-" if negative else "+" if spec.has("+") else " " if spec.has(" ") else ""
    if spec.has("0") and spec.width is not None and spec.precision is None and not spec.has("-"):
        digits = digits.rjust(spec.width - bool(sign), "0")
    if prefix == "0" and digits.startswith("0"):
        prefix = ""
    return padded(f"{sign}{prefix}{digits}", spec, zeros=False)


def _rune(value: int, spec: Spec) -> str:
    character = chr(value) if 0 <= value <= 0x10FFFF and not 0xD800 <= value < 0xE000 else "\ufffd"
    if spec.verb == "c":
        return padded(character, spec)
    if spec.verb == "q":
        return padded(quoted(character, "'", only_ascii=spec.has("+")), spec)
    digits = f"{value % 2**64:X}".rjust(max(spec.precision or 4, 4), "0")
    shown = f" '{character}'" if spec.has("#") and value >= 0 and character.isprintable() else ""
    return padded(f"U+{digits}{shown}", spec, zeros=False)


def real(value: float, spec: Spec) -> str | None:
    """Return a float, None for a verb that it does not have."""
    verb = "g" if spec.verb == "v" else spec.verb
    if verb not in "eEfFgGbxX":
        return None
    text = _number(value, verb, spec)
    sign, digits = text[0], text[1:]
    if spec.has(" ") and sign == "+" and not spec.has("+"):
        sign = " "
    if math.isfinite(value):
        if spec.has("+") or sign != "+":
            if spec.has("0") and spec.width is not None and spec.width > len(text) and not spec.has("-"):
                return sign + digits.rjust(spec.width - 1, "0")
            return padded(sign + digits, spec)
        return padded(digits, spec)
    unpadded = Spec(spec.verb, spec.flags.replace("0", ""), spec.width)
    shown = sign if spec.has("+") or sign == " " or (sign == "-" and digits == "Inf") else ""
    if digits == "Inf" and not shown:
        shown = sign
    return padded(shown + digits, unpadded)


def _number(value: float, verb: str, spec: Spec) -> str:
    """Return the number with its sign, always."""
    sign = "-" if math.copysign(1, value) < 0 and not math.isnan(value) else "+"
    if not math.isfinite(value):
        return f"{sign}{'NaN' if math.isnan(value) else 'Inf'}"
    return sign + _magnitude(abs(value), verb, spec)


def _magnitude(value: float, verb: str, spec: Spec) -> str:
    if verb in "gG":
        return _shortest(value, verb, spec)
    if verb in "xX":
        return _hexadecimal(value, verb, spec.precision)
    if verb == "b":
        exponent = max(math.frexp(value)[1] - 53, -1074) if value else -1074
        return f"{int(math.ldexp(value, -exponent))}p{exponent:+d}"
    if verb in "fF":
        return f"{value:{'#' * spec.has('#')}.{6 if spec.precision is None else spec.precision}f}"
    return f"{value:{'#' * spec.has('#')}.{6 if spec.precision is None else spec.precision}{verb}}"


def _shortest(value: float, verb: str, spec: Spec) -> str:
    """Return `%g`: as few digits as tell the number, or `precision` of them, and an exponent where Go has one."""
    if spec.precision is None:
        digits, exponent = _decimal(repr(value))
        limit = 6
    else:
        precision = spec.precision or 1
        digits, exponent = _decimal(f"{value:.{precision - 1}e}")
        limit = precision
        if limit > len(digits) and len(digits) >= exponent + 1:
            limit = len(digits)
    if spec.has("#"):
        wanted = 6 if spec.precision is None else spec.precision or 1
        digits = digits.ljust(wanted, "0")
    if exponent < -4 or exponent >= limit:
        fraction = f".{digits[1:]}" if len(digits) > 1 or spec.has("#") else ""
        letter = "e" if verb == "g" else "E"
        return f"{digits[0]}{fraction}{letter}{exponent:+03d}"
    if exponent < 0:
        return f"0.{'0' * (-exponent - 1)}{digits}"
    whole, fraction = digits[: exponent + 1].ljust(exponent + 1, "0"), digits[exponent + 1 :]
    return f"{whole}.{fraction}" if fraction or spec.has("#") else whole


def _decimal(text: str) -> tuple[str, int]:
    """Return the significant digits of a number and the power of ten of the first."""
    mantissa, _, power = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    exponent = int(power or 0) + len(whole) - 1
    stripped = digits.lstrip("0")
    if not stripped:
        return "0", 0
    exponent -= len(digits) - len(stripped)
    return stripped.rstrip("0") or "0", exponent


def _hexadecimal(value: float, verb: str, precision: int | None) -> str:
    text = value.hex()
    mantissa, _, power = text[2:].partition("p")
    whole, _, fraction = mantissa.partition(".")
    fraction = fraction.rstrip("0") if precision is None else fraction.ljust(precision, "0")[:precision]
    shown = f"0x{whole}{'.' * bool(fraction)}{fraction}p{int(power):+03d}"
    return shown if verb == "x" else shown.upper()


def complex_number(value: complex, spec: Spec) -> str | None:
    """Return a complex number, None for a verb that it does not have."""
    inner = Spec(spec.verb, spec.flags, spec.width, spec.precision)
    first = real(value.real, inner)
    inner.flags += "+"
    imaginary = real(value.imag, inner)
    return None if first is None or imaginary is None else f"({first}{imaginary}i)"
