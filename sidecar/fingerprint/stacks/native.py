"""Names of compiled code in stack traces of Rust, C++ and Swift: without arguments, addresses and hashes."""

import re

_GENERIC = re.compile(r"<[^<>]*>")
_AS_TRAIT = re.compile(r"<([^<>]*?) as [^<>]*>")
_HASH = re.compile(r"\[[\da-f]{6,16}\](?=::)|::h[\da-f]{16}$|E?17h[\da-f]{16}E$")
_CLONE = re.compile(r" ?\[(?:clone|abi:)[^\]]*\]|\.(?:isra|part|constprop|cold|llvm)\.?\d*")
_CLOSURE = re.compile(
    r"(?:::)?\{+(?:closure|lambda|vtable|impl|shim|async|gen|constant)[^}]*\}+(?:\.\w+)?"
    r"|(?:implicit )?closure #\d+ (?:\([^)]*\) )?in "
)
_INNER_ARGUMENTS = re.compile(r"\([^()]*\)(?: const)?(?=::)")
_ARGUMENTS = re.compile(r"\((?!anonymous|.*\)::).*")
_DEEPEST = 12
_LONGEST = 1000


def plain(symbol: str) -> tuple[str, bool]:
    """Return the name in `symbol`, and whether it is one of its own, not that of a closure in it."""
    text = _CLONE.sub("", _HASH.sub("", symbol.strip()[:_LONGEST]))
    named = _CLOSURE.sub("", text)
    for _ in range(_DEEPEST):
        shorter = _GENERIC.sub("", _AS_TRAIT.sub(r"\1", named.replace("->", "")))
        if shorter == named:
            break
        named = shorter
    outer = _INNER_ARGUMENTS.sub("", named.replace("(anonymous namespace)", "_anonymous"))
    name = _ARGUMENTS.sub("", outer).strip()
    return name.replace("::::", "::").strip(":"), named == text or not _CLOSURE.search(text)
