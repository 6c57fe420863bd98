"""What commands print: JSON as the API answered it, and tables that a terminal shows in columns."""

import json
from collections.abc import Iterable, Sequence
from typing import Any
from unicodedata import east_asian_width

import click


def shown(value: Any) -> None:
    """Print an answer as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows under their heads, in columns; a Chinese character is two columns wide."""
    lines = [list(heads), *([_cell(value) for value in row] for row in rows)]
    widths = [max(_width(line[place]) for line in lines) for place in range(len(heads))]
    for line in lines:
        cells = [cell + " " * (widths[place] - _width(cell)) for place, cell in enumerate(line)]
        click.echo("  ".join(cells).rstrip())


def _cell(value: Any) -> str:
    if value is None or value == "":
        return "-"
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return printable(text)


def printable(text: str) -> str:
    """The text without what would move the cursor or colour a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def cut_to(text: str, most: int) -> str:
    """The text in at most so many columns of a terminal; what is cut off ends in `…`."""
    if _width(text) <= most:
        return text
    kept, columns = "", 1
    for character in text:
        columns += _width(character)
        if columns > most:
            break
        kept += character
    return kept + "…"


def _width(text: str) -> int:
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)
