"""docs/procedure.md is true: every requirement has its row, and every row names what exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from correlation.incident import Action, State
from correlation.moves import BY_ITSELF, diagram, moves, table
from correlation.permission import WHO_MAY

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "procedure.md"
TEXT = PAGE.read_text("utf-8")
STATUS = re.compile(r"done|partly|not yet|read otherwise: \[(\d+)\]\((decisions/\d{4}-[a-z0-9-]+\.md)\)")


def rows() -> dict[str, list[str]]:
    """The cells of each row of the requirements, by its number."""
    found: dict[str, list[str]] = {}
    for line in TEXT.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("| R") else []
        if cells:
            assert cells[0] not in found, f"{cells[0]} stands there twice"
            found[cells[0]] = cells[1:]
    return found


ROWS = rows()


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@cache
def names_in(path: str) -> frozenset[str]:
    """The names of the tests of a file, those of classes and assigned ones too."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    defined = [n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    assigned = [t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)]
    return frozenset(defined + assigned)


def test_every_requirement_from_1_to_105_has_its_row_in_order() -> None:
    assert list(ROWS) == [f"R{number}" for number in range(1, 106)]


@pytest.mark.parametrize("number", ROWS)
def test_a_row_is_whole_and_names_files_and_tests_that_exist(number: str) -> None:
    demands, does, status, files, tests = ROWS[number]
    assert demands
    assert does
    found = STATUS.fullmatch(status)
    assert found, status
    if found[2]:
        assert (PAGE.parent / found[2]).is_file()
        assert int(found[1]) == int(found[2][10:14])
    assert names(files)
    for path in names(files):
        assert (ROOT / path).is_file(), path
    assert names(tests)
    for test in names(tests):
        path, _, name = test.partition("::")
        assert (ROOT / path).is_file(), path
        assert path.startswith("tests/")
        assert not name or name in names_in(path), test


def test_the_diagram_and_the_table_are_those_of_the_code() -> None:
    assert f"```mermaid\n{diagram()}\n```\n" in TEXT
    assert f"\n{table()}\n" in TEXT


def test_every_state_can_be_reached_and_only_the_archive_and_a_cancellation_are_ends() -> None:
    reached = {State.NEW, State.ASSIGNED} | {m.to for m in moves()} | {to for _, to, _ in BY_ITSELF}
    assert reached == set(State)
    left = {m.from_state for m in moves()} | {start for start, _, _ in BY_ITSELF}
    assert set(State) - left == {State.ARCHIVED, State.CANCELLED}


def test_the_archive_is_reached_through_review_by_the_project_manager_alone() -> None:
    ways = [m for m in moves() if m.to is State.ARCHIVED]
    assert [(m.from_state, m.act, m.who) for m in ways] == [(State.PENDING_REVIEW, "archive", ("pm",))]


def test_whoever_may_make_a_move_is_named() -> None:
    assert all(move.who == tuple(WHO_MAY[Action(move.act)]) for move in moves())
