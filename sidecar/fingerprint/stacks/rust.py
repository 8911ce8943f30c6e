"""Backtraces of Rust: innermost call first, each with the place below it where the binary knows it."""

import re

from sidecar.fingerprint.stacks.code import FOLDER, UNPROVEN, Grammar, file_end
from sidecar.fingerprint.stacks.native import plain
from sidecar.fingerprint.stacks.thrown import Chain, Frame, Thrown, distinct, remembered

_CALL = re.compile(
    r"^ *\d+: (?:0x[\da-f]+ - )?(?P<function>[^\n]+?)\r?(?:\n +at (?P<file>[^\n]+?):\d+(?::\d+)?\r?)?$", re.MULTILINE
)
_HEAD = re.compile(r"\s*(?:(?:thread '[^'\n]*' (?:\(\d+\) )?panicked at [^\n]*\n[^\n]*\n)?stack backtrace:|[^\n]*)\n?")
_GRAMMAR = Grammar(
    re.compile(rf"(?:{FOLDER})?[\w.+-]+\.rs|\(\)"), re.compile(r"&?_?[A-Za-z_$]\w*(?:(?:::|\.)[A-Za-z_$]\w*)*")
)
_LIBRARY_FILE = re.compile(r"/rustc/|/\.cargo/registry/|/\.cargo/git/|/vendor/|/rustlib/|^library/")
_LIBRARY = re.compile(
    r"(?:std|core|alloc|backtrace|anyhow|eyre|color_eyre|tokio|hyper\w*|axum|tower\w*|actix\w*|tracing\w*|futures\w*|tonic"
    r"|rocket|warp|opentelemetry\w*|rayon\w*|test|proc_macro|serde\w*|sqlx\w*|diesel|reqwest)(?:::|$)"
    r"|(?:rust_|__rust|_start|main$|clone|start_thread|__libc|_Unwind|__pthread|_rust)"
)


def chain_of(text: str) -> Chain:
    """Return the calls as one exception without a type."""
    return (Thrown("", distinct(_frame(call["function"], call["file"] or "") for call in _CALL.finditer(text))),)


def is_whole(text: str) -> bool:
    """Return whether all of `text` is a backtrace, which may have the error's message on its first line."""
    left = _CALL.sub("", text)
    frames = chain_of(text)[0].frames
    return (
        bool(frames)
        and _HEAD.fullmatch(left.strip() + "\n") is not None
        and all(UNPROVEN not in (frame.place, frame.function) for frame in frames)
    )


@remembered
def _frame(function: str, file: str) -> Frame | None:
    name, is_named = plain(function)
    names = _GRAMMAR.names(file_end(file) if file else "()", name)
    return names and Frame(*names, not _LIBRARY.match(name) and not _LIBRARY_FILE.search(file), is_named)
