"""The command line: words in, exit code out. One command a file; a command's imports stay inside it."""

from sidecar.cli.main import main

__all__ = ["main"]
