"""Passwords that stand in statements as names or bare words do: Oracle, SAP HANA and others have them so."""

import re

_WORD = r"(?:\"[^\"]*+(?:\"|\Z)|`[^`]*+(?:`|\Z)|[^\s\"`;,()?]++)"
_IDENTIFIED = re.compile(
    rf"(?i)(?P<before>\bIDENTIFIED\s++(?:WITH\s++\S++\s++)?+BY\s++(?:(?:VALUES|PASSWORD)\s++)?+){_WORD}"
    rf"(?:(?P<replace>\s++REPLACE\s++){_WORD})?+"
)
_OF_USER = re.compile(
    r"(?i)\s*+(?:(?:CREATE|ALTER)\s++(?:OR\s++REPLACE\s++)?+(?:USER|LOGIN|ROLE)|CONNECT|SET\s++PASSWORD)\b"
)
_PASSWORD = re.compile(
    r"(?i)(?P<before>\bPASSWORD\s*+=\s*+|\bPASSWORD\s++"
    r"(?!(?:=|NULL|EXPIRE|LIFETIME|HISTORY|REUSE|REQUIRE|UNBOUNDED|INTERVAL|NEVER|FOR|VALID|POLICY)\b))" + _WORD
)


def without_passwords(text: str) -> str:
    """Return `text`, whose literals are `?` already, with `?` for the passwords that are none."""
    upper = text.upper()
    if "IDENTIFIED" in upper:
        text = _IDENTIFIED.sub(
            lambda match: f"{match['before']}?" + (f"{match['replace']}?" if match["replace"] else ""), text
        )
    if "PASSWORD" in upper and _OF_USER.match(text):
        text = _PASSWORD.sub(r"\g<before>?", text)
    return text
