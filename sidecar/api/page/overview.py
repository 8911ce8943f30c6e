"""The page at `/`: what runs here and where, as plain HTML that needs no script."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 64rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem; }
caption { font-weight: 600; font-size: 1.1rem; text-align: left; padding: .5rem 0; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8884; }
th { font-weight: 600; }
td { overflow-wrap: anywhere; }
code { font-size: .95em; }
"""


class Table(NamedTuple):
    """A caption, column heads and rows; `empty` is shown instead of no rows."""

    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    empty: str = "none"


class Overview(NamedTuple):
    """All the page says. `status` is one sentence."""

    title: str
    status: str
    tables: Sequence[Table]


def overview_html(overview: Overview) -> str:
    """Return the page; every text is escaped, for telemetry strings are hostile."""
    title = escape(overview.title)
    parts = "".join(part for table in overview.tables for part in _table(table))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="stylesheet" href="/page.css"></head><body><h1>{title}</h1>'
        f'<p role="status">{escape(overview.status)}</p>{parts}</body></html>\n'
    )


def _table(table: Table) -> Iterator[str]:
    yield f"<table><caption>{escape(table.caption)}</caption><thead><tr>"
    yield "".join(f'<th scope="col">{escape(head)}</th>' for head in table.heads)
    yield "</tr></thead><tbody>"
    for row in table.rows:
        yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
    if not table.rows:
        yield f'<tr><td colspan="{len(table.heads)}">{escape(table.empty)}</td></tr>'
    yield "</tbody></table>"
