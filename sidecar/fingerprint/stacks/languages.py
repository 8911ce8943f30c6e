"""The languages whose stack traces are read, by the values of `telemetry.sdk.language`."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from sidecar.fingerprint.stacks import beam, cpp, dotnet, go, java, javascript, php, python, ruby, rust, swift
from sidecar.fingerprint.stacks.thrown import Chain


class Language(NamedTuple):
    """How to read stack traces of a language, and how to know one from its first to its last line."""

    chain_of: Callable[[str], Chain]
    is_whole: Callable[[str], bool]


_JAVASCRIPT = Language(javascript.chain_of, javascript.is_whole)
_LANGUAGES: Mapping[str, Language] = {
    "python": Language(python.chain_of, python.is_whole),
    "java": Language(java.chain_of, java.is_whole),
    "nodejs": _JAVASCRIPT,
    "go": Language(go.chain_of, go.is_whole),
    "dotnet": Language(dotnet.chain_of, dotnet.is_whole),
    "php": Language(php.chain_of, php.is_whole),
    "ruby": Language(ruby.chain_of, ruby.is_whole),
    "erlang": Language(beam.chain_of, beam.is_whole),
    "rust": Language(rust.chain_of, rust.is_whole),
    "cpp": Language(cpp.chain_of, cpp.is_whole),
    "swift": Language(swift.chain_of, swift.is_whole),
    "webjs": _JAVASCRIPT,
}
_OTHER_NAMES = {
    "elixir": "erlang",
    "javascript": "nodejs",
    "js": "nodejs",
    "node": "nodejs",
    "typescript": "nodejs",
    "c++": "cpp",
    "csharp": "dotnet",
    "c#": "dotnet",
    ".net": "dotnet",
    "kotlin": "java",
    "scala": "java",
    "golang": "go",
}
"""What senders say that do not keep to the semantic conventions."""


def language_of(stack: str, told: str) -> str:
    """Return the language to read `stack` by, one of those above; empty if it is to be read by none.

    A language that was told is that one or, where it is none of these, none. Where nothing was told, the stack trace
    has to be one of a language as a whole: what looks like a call among other text is text.
    """
    name = told.strip().lower()
    if name:
        name = _OTHER_NAMES.get(name, name)
        return name if name in _LANGUAGES else ""
    return next((name for name, language in _LANGUAGES.items() if language.is_whole(stack)), "")


def chain_in(stack: str, language: str) -> Chain:
    """Return what `stack` says was thrown, the outermost first; nothing where `language` is none of those above."""
    known = _LANGUAGES.get(language)
    return known.chain_of(stack) if known else ()
