"""Many rows in one statement leave in the store what they would leave one by one."""

import sqlite3
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.storage.wide_rows import widened

TABLE = "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT, count INTEGER)"
INSERT = "INSERT INTO thing (id, name, count) VALUES (?, ?, ?)"
UPSERT = f'{INSERT} ON CONFLICT ("id") DO UPDATE SET "name" = excluded."name", "count" = excluded."count"'
UPDATE = "UPDATE thing SET name = ?, count = ? WHERE id = ?"
OTHER = "UPDATE thing SET count = count + ? WHERE id = ? AND name IS NOT ?"


def left_by(sql: str, rows: Sequence[tuple[Any, ...]], *, wide: bool) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(":memory:")
    db.execute(TABLE)
    db.executemany(INSERT, [(number, "before", 0) for number in (range(40) if sql != INSERT else ())])
    for statement, values in widened(sql, rows) if wide else [(sql, row) for row in rows]:
        db.execute(statement, values)
    found = db.execute("SELECT * FROM thing ORDER BY id").fetchall()
    db.close()
    return found


keys = st.integers(0, 60)


@given(st.sampled_from([(UPSERT, (0, 1, 2)), (UPDATE, (1, 2, 0)), (OTHER, (2, 0, 1))]), st.data())
def test_rows_of_any_number_and_any_keys(shape: tuple[str, tuple[int, ...]], data: st.DataObject) -> None:
    sql, order = shape
    drawn = data.draw(st.lists(st.tuples(keys, st.sampled_from(["a", "b", None]), st.integers(0, 9)), max_size=180))
    rows = [tuple(row[place] for place in order) for row in drawn]
    assert left_by(sql, rows, wide=True) == left_by(sql, rows, wide=False)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 63, 64, 71, 511, 512, 1231])
def test_every_row_is_inserted_once(count: int) -> None:
    rows = [(number, f"n{number}", number) for number in range(count)]
    assert left_by(INSERT, rows, wide=True) == rows


def test_many_rows_are_few_statements() -> None:
    rows = [(number, "n", 0) for number in range(1024)]
    assert len(list(widened(INSERT, rows))) == len(list(widened(UPDATE, [row[::-1] for row in rows]))) == 2


def test_no_statement_has_more_values_than_sqlite_binds() -> None:
    wide = f"INSERT INTO thing VALUES ({', '.join('?' * 100)})"
    statements = list(widened(wide, [tuple(range(100))] * 600))
    assert max(len(values) for _, values in statements) <= 32_766
    assert sum(len(values) for _, values in statements) == 60_000


def test_of_rows_with_one_key_only_the_last_is_told() -> None:
    """One group may touch an alert more than once; which of several rows an UPDATE takes SQLite leaves open."""
    rows = [("first", number, 3) for number in range(70)] + [("last", 99, 3)]
    assert list(widened(UPDATE, rows)) == [(UPDATE, ("last", 99, 3))]
