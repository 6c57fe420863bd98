"""SQL for rows that are written as plain tuples: one text for both stores, `?` for each value."""

from typing import Any

from sqlalchemy import BigInteger, Column, Integer
from sqlmodel import SQLModel


def columns(table: type[SQLModel]) -> list[str]:
    """The columns of a table, in the order in which its tuples are written."""
    return [c.name for c in _sql_table(table).columns]


def number_key() -> Any:
    """The column of a primary key that counts: 64 bits on both stores, given by us."""
    return Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False)


def insert_into(table: type[SQLModel]) -> str:
    """An INSERT of one whole row."""
    names = columns(table)
    places = ", ".join("?" * len(names))
    return f"INSERT INTO {_name(table)} ({_listed(names)}) VALUES ({places})"  # noqa: S608 - names are ours


def upsert(table: type[SQLModel]) -> str:
    """An INSERT of one whole row that replaces the row of the same primary key."""
    key = [c.name for c in _sql_table(table).primary_key]
    changes = ", ".join(f'"{n}" = excluded."{n}"' for n in columns(table) if n not in key)
    return f"{insert_into(table)} ON CONFLICT ({_listed(key)}) DO UPDATE SET {changes}"


def select(table: type[SQLModel], where: str = "") -> str:
    """A SELECT of whole rows."""
    return f"SELECT {_listed(columns(table))} FROM {_name(table)} {where}"  # noqa: S608 - names are ours


def _name(table: type[SQLModel]) -> str:
    return str(_sql_table(table).name)


def _sql_table(table: type[SQLModel]) -> Any:
    return table.__table__  # type: ignore[attr-defined]  # SQLModel adds it to table classes


def _listed(names: list[str]) -> str:
    return ", ".join(f'"{n}"' for n in names)
