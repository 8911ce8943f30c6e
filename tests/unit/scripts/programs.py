"""Which programs the tree starts, found by reading it."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.conftest import ROOT

PYTHON_FOLDERS = ("sidecar", "tests", "scripts", "benchmarks")
SHELL_FOLDERS = ("scripts", ".ci")
STARTERS = {"run", "Popen", "call", "check_call", "check_output"}
"""Functions of `subprocess`; asyncio's are known by their names."""
FINDERS = {"which", "tool"}
"""What looks for a program by name: it is started later."""


HINTS = re.compile(r"subprocess|Popen|which\(|tool\(")
"""Files without are not read in full: that takes seconds for all of them."""
_IMPORTS = re.compile(r"^import subprocess$", re.MULTILINE)


@cache
def started_by_python() -> dict[str, set[str]]:
    """Return where each program is started or looked for: by its name, or by an expression that gives no name."""
    found: dict[str, set[str]] = {}
    for path in sorted(path for folder in PYTHON_FOLDERS for path in (ROOT / folder).rglob("*.py")):
        source = path.read_text()
        for program in programs_in(source) if HINTS.search(source) else ():
            found.setdefault(program, set()).add(str(path.relative_to(ROOT)))
    return found


def programs_in(source: str) -> Iterator[str]:
    """Yield the programs that Python code starts or looks for, each as often as it does."""
    tree = ast.parse(source)
    for scope in ast.walk(tree):
        if not isinstance(scope, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for call in _calls_of(scope):
            if call.args and _is_start(call.func):
                yield _program(call.args[0], scope)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _IMPORTS.search(node.value):
            yield from programs_in(node.value)  # a program for another process


def _calls_of(scope: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls of a module or function, not those of functions within."""
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.Call):
            yield node
        yield from _calls_of(node)


def _is_start(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute):
        of = function.value.id if isinstance(function.value, ast.Name) else ""
        return (of == "subprocess" and function.attr in STARTERS) or function.attr in {
            "create_subprocess_exec",
            "create_subprocess_shell",
            "which",
        }
    name = function.id if isinstance(function, ast.Name) else ""
    return name in {"create_subprocess_exec", "create_subprocess_shell", "Popen"} | FINDERS


def _program(node: ast.expr, scope: ast.AST) -> str:
    """Return the program that a first argument names, or the expression itself."""
    match node:
        case ast.Constant(value=str(text)) if text.strip():
            return Path(text.split()[0]).name
        case ast.List(elts=[first, *_]) | ast.Tuple(elts=[first, *_]) | ast.Starred(value=first):
            return _program(first, scope)
        case ast.Call(func=ast.Name(id="str"), args=[first]):
            return _program(first, scope)
        case ast.Call(func=ast.Name(id="tool"), args=[ast.Constant(value=str(text))]):
            return text
        case ast.Call(func=ast.Attribute(attr="with_name"), args=[ast.Constant(value=str(text))]):
            return text
        case ast.Attribute(value=ast.Name(id="sys"), attr="executable"):
            return "python"
        case ast.BinOp(op=ast.Div(), right=ast.Constant(value=str(text))):
            return Path(text).name
        case ast.Name(id=name) if (value := _assigned(name, scope)) is not None:
            return _program(value, scope)
    return ast.unparse(node)


def _assigned(name: str, scope: ast.AST) -> ast.expr | None:
    """Return what the scope assigns to `name` first."""
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == name for to in node.targets):
            return node.value
    return None


COMMENT = re.compile(r"(^|\s)#.*$", re.MULTILINE)
INNER_SHELL = re.compile(r"(?<=sh -c )'([^']*)'")
HEAD = r"(?:^|[;|&({!]|\bthen\b|\bdo\b|\belse\b|\bexec\b|\bas_root\b|\$sudo\b)"
ASSIGNMENTS = r"(?:\s*\w+=(?:\"[^\"]*\"|'[^']*'|[^\s\"'(]*))*+"
COMMAND = re.compile(rf"{HEAD}{ASSIGNMENTS}\s*(?=([\w./-]+)(?:[\s;)]|$))", re.MULTILINE)
FUNCTION = re.compile(r"^(\w+)\(\)", re.MULTILINE)
SHELL_ITSELF = set(
    "[ break case cd command continue do done echo elif else esac eval exec exit export fi for if in kill local printf"
    " read return set shift test then trap umask unset wait while until".split()
)


@cache
def started_by_shell() -> dict[str, set[str]]:
    """Return the words in the place of a command in shell scripts, but for those of the shell and the script itself."""
    found: dict[str, set[str]] = {}
    for path in sorted(path for folder in SHELL_FOLDERS for path in (ROOT / folder).iterdir() if _is_shell(path)):
        for program in commands_in(path.read_text()):
            found.setdefault(program, set()).add(str(path.relative_to(ROOT)))
    return found


def commands_in(script: str) -> set[str]:
    """Return the programs that a shell script starts."""
    text = _code_of(INNER_SHELL.sub(r"; \1", COMMENT.sub("", script)))
    words = {Path(word).name for word in COMMAND.findall(text)} - SHELL_ITSELF - set(FUNCTION.findall(text))
    return {word for word in words if not word.isdigit() and not word.startswith("-")}


def _code_of(script: str) -> str:
    """Return the script without what stands in quotes, except for commands whose output stands there."""
    code, inside = [], [")"]  # of what we are in the closing character; the script itself has none
    for match in re.finditer(r"\$\(|['\")(]|[^'\")($]+|\$", script):
        piece = match[0]
        if inside[-1] != ")":
            if piece == inside[-1]:
                inside.pop()
            elif piece == "$(" and inside[-1] == '"':
                inside.append(")")
                code.append(piece)
            continue
        if piece in ("'", '"'):
            inside.append(piece)
        elif piece in ("(", "$("):
            inside.append(")")
        elif piece == ")" and len(inside) > 1:
            inside.pop()
        code.append('""' if piece in ("'", '"') else piece)
    return "".join(code)


def _is_shell(path: Path) -> bool:
    return path.is_file() and path.read_bytes().startswith(b"#!/bin/sh")
