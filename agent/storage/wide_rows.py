"""Many rows in one statement: SQLite then works on beside the interpreter, which it else takes back for every row."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

Row = Sequence[Any]

_AT_ONCE = (512, 64, 8)
"""How many rows one statement takes: of few sizes, so that each is prepared once."""
_MOST_VALUES = 32_766
"""What SQLite binds to one statement, unless it was built otherwise (SQLITE_MAX_VARIABLE_NUMBER)."""
_INSERT = re.compile(r"(INSERT INTO [^?]+ VALUES )(\((?:\?, )*\?\))([^?]*)")
_UPDATE = re.compile(r"UPDATE (\w+) SET ((?:\w+ = \?, )*\w+ = \?) WHERE (\w+) = \?")


def widened(sql: str, rows: Sequence[Row]) -> Iterator[tuple[str, Sequence[Any]]]:
    """Statements, each with its values, that do what `sql` does with each of these rows in turn.

    What is no plain INSERT of a row, and no plain UPDATE by one key, comes as it is, row by row.
    """
    if len(rows) >= _AT_ONCE[-1] and (insert := _INSERT.fullmatch(sql)) is not None:
        yield from _in_parts(sql, rows, *insert.groups())
    elif len(rows) >= _AT_ONCE[-1] and _UPDATE.fullmatch(sql) is not None:
        yield from _in_parts(sql, _last_of_each_key(rows), *_updating(sql))
    else:
        for row in rows:
            yield sql, row


def _in_parts(sql: str, rows: Sequence[Row], head: str, places: str, tail: str) -> Iterator[tuple[str, Sequence[Any]]]:
    start = 0
    for size in _AT_ONCE:
        while len(rows) - start >= size and size * len(rows[start]) <= _MOST_VALUES:
            yield _wide(head, places, tail, size), list(chain.from_iterable(rows[start : start + size]))
            start += size
    for row in rows[start:]:
        yield sql, row


def _last_of_each_key(rows: Sequence[Row]) -> list[Row]:
    """Of rows with one key the last: it sets all that those before it have set."""
    return list({row[-1]: row for row in rows}.values())


@lru_cache(maxsize=256)
def _wide(head: str, places: str, tail: str, size: int) -> str:
    return head + ", ".join([places] * size) + tail


@lru_cache(maxsize=256)
def _updating(sql: str) -> tuple[str, str, str]:
    """An UPDATE by the rows of a list of values: what comes before them, one of them, and what comes after."""
    found = _UPDATE.fullmatch(sql)
    assert found is not None
    table, changes, key = found.groups()
    names = [change.partition(" ")[0] for change in changes.split(", ")]
    sets = ", ".join(f"{name} = told.column{number}" for number, name in enumerate(names, 1))
    places = f"({', '.join('?' * (len(names) + 1))})"
    return (
        f"UPDATE {table} SET {sets} FROM (VALUES ",  # noqa: S608 - the names are those of our own statement
        places,
        f") AS told WHERE {table}.{key} = told.column{len(names) + 1}",
    )
