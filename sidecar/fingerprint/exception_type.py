"""Types of exceptions in one form, whoever tells them: as event or log record, with their module or without."""

import re

_MARKS = re.compile(
    r"^[*&]+|^<?(?:class|interface) '?|^Elixir\.|^\\|^Uncaught |[:.]+$|'>$|`\d+| ?\[[^\n]*\]$|<locals>\."
    r"|(?<=\w)<[^\n]*>$|@anonymous(?s:.*)"
)
_QUALIFIED = re.compile(r"[^\W\d][\w-]*(?:(?:\.|::|\\|/|\$+|\+)[\w-]+)*\$?")
_SEPARATORS = re.compile(r"\.|::|\\|/|\$+|\+")
_CODE = re.compile(r"-?\d+|E_?[A-Z\d]{3,}|[A-Z][A-Z\d]*(?:_[A-Z\d]+)+|(?=[A-Z]*\d)[A-Z\d]{5}")
_AT_START = re.compile(
    r"\s*(?:Uncaught )?(?P<type>(?:[A-Za-z_]\w*(?:\.|::|\\))*[A-Z]\w*(?:Error|Exception|Failure|Fault|Timeout))(?::|$)"
)
_LONGEST = 256


def type_name(text: str, language: str = "") -> str:
    """Return the type of an exception without its module, package or namespace, of Go with the last part of those.

    `django.db.utils.IntegrityError` is `IntegrityError`, `com.shop.Cart$Empty` is `Empty`, `*net/url.Error` is
    `url.Error`. Most log handlers tell no more. What is no name of a type stays as it is.
    """
    plain = text.strip()
    if len(plain) > _LONGEST:
        return plain
    is_go = language == "go" or plain.startswith("*")
    bare = _MARKS.sub("", _MARKS.sub("", plain))
    if not _QUALIFIED.fullmatch(bare):
        told = type_at_start(plain)  # with the message behind it
        return type_name(told, language) if told not in ("", plain) else plain
    parts = [part for part in _SEPARATORS.split(bare) if part and not part.isdecimal()]
    if is_go and "." in bare:
        return ".".join(bare.rpartition("/")[2].split(".")[-2:])
    return parts[-1] if parts else plain


def is_code(text: str) -> bool:
    """Return whether what is given for a type is a code, such as `23505`, `20` or `E_CARD`."""
    return _CODE.fullmatch(text) is not None


def type_at_start(message: str) -> str:
    """Return the type that `message` begins with, as in `TimeoutError: no answer`; empty if with none."""
    match = _AT_START.match(message[:300])
    return match["type"] if match else ""
