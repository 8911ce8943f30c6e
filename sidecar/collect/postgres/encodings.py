r"""Bytes of a server as text: whatever they are, something readable comes out, and one bad byte harms nothing else.

The server is asked for its bytes as they are (`client_encoding` of `results_encoding`), because it would refuse a whole
result for one character that it cannot convert. What is text in no known encoding is shown with escapes, `caf\xe9`.
"""

from collections.abc import Callable
from operator import methodcaller

Decode = Callable[[bytes], str]

UTF8 = "UTF8"
ANY_BYTES = "SQL_ASCII"
"""Of a database: its bytes may be anything. Of a client: nothing is converted for it, whatever it is."""

_EVERY_BYTE = "LATIN1"

_UTF8 = "utf-8"

_PYTHON_NAMES = {
    **{f"LATIN{number}": f"iso8859-{number}" for number in range(1, 5)},
    **{f"ISO_8859_{number}": f"iso8859-{number}" for number in range(5, 9)},
    "LATIN5": "iso8859-9",
    "LATIN6": "iso8859-10",
    "LATIN7": "iso8859-13",
    "LATIN8": "iso8859-14",
    "LATIN9": "iso8859-15",
    "LATIN10": "iso8859-16",
    **{f"WIN{number}": f"cp{number}" for number in (866, 874, *range(1250, 1259))},
    "KOI8R": "koi8-r",
    "KOI8U": "koi8-u",
    "EUC_CN": "gb2312",
    "EUC_JP": "euc_jp",
    "EUC_KR": "euc_kr",
    "EUC_JIS_2004": "euc_jis_2004",
    UTF8: _UTF8,
    "UNICODE": _UTF8,
    ANY_BYTES: _UTF8,
}
"""Python's names of what a database may be encoded in; EUC_TW and MULE_INTERNAL have none. SQL_ASCII says nothing of
what its bytes mean: today that is UTF-8 more often than not."""


def results_encoding(server_encoding: str) -> str:
    """Return the client encoding in which a database in `server_encoding` gives its bytes as they are.

    That is its own: there is nothing to convert then, and asyncpg reads what it reads itself, arrays for instance, as
    what it is. For SQL_ASCII it is one in which every byte is a letter.
    """
    own = server_encoding.upper()
    return _EVERY_BYTE if own == ANY_BYTES else own if own in _PYTHON_NAMES else ANY_BYTES


def local_text(server_encoding: str) -> Decode:
    """Return what reads text of one database, which is in `server_encoding` as the server calls it."""
    name = _python_name(server_encoding)
    if name == _UTF8:
        return _read_utf8

    def decode(raw: bytes) -> str:
        try:
            return raw.decode(name)
        except UnicodeDecodeError:
            return escaped(raw)

    return decode


def shared_name(server_encoding: str) -> Decode:
    """Return what reads names that all databases share: of databases, roles, slots.

    They are stored as they came from whatever database made them, and nothing says in which encoding. UTF-8 is not
    met by chance; so read first, a name is the same text seen from databases in different encodings.
    """
    local = local_text(server_encoding)
    if local is _read_utf8:
        return local

    def decode(raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return local(raw)

    return decode


_read_utf8: Decode = methodcaller("decode", _UTF8, "backslashreplace")
"""Hundreds of values a scrape are read by it, so it is no function of Python's."""


def escaped(raw: bytes) -> str:
    r"""Return `raw` with `\xe9` for each byte that is not UTF-8."""
    return _read_utf8(raw)


def _python_name(server_encoding: str) -> str:
    return _PYTHON_NAMES.get(server_encoding.upper(), "ascii")
