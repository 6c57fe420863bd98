"""The floors, and that deciders only decide: what the import contracts cannot see."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("collectors", "correlation", "knowledge", "escalation")
ACT = ("inspections", "notifiers")
"""Plugin folders whose files act."""
ACTING = {"outbox.py"}
MAY_KNOW_SQL = {"store.py", "rows.py", "tables.py"}
FORBIDDEN = {
    "asyncio",
    "os",
    "random",
    "time",
    "socket",
    "subprocess",
    "threading",
    "sqlalchemy",
    "sqlmodel",
    "pathlib",
}


def deciders() -> Iterator[Path]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if path.name not in ACTING and not set(path.parts) & set(ACT):
                yield path


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", list(deciders()), ids=name)
def test_a_decider_imports_nothing_that_acts_and_is_no_coroutine(path: Path) -> None:
    tree = ast.parse(path.read_text())
    forbidden = FORBIDDEN - ({"sqlalchemy", "sqlmodel"} if path.name in MAY_KNOW_SQL else set())
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.partition(".")[0])
    assert not imported & forbidden
    protocols = {n for c in ast.walk(tree) if isinstance(c, ast.ClassDef) and _is_protocol(c) for n in ast.walk(c)}
    coroutines = [n.name for n in ast.walk(tree) if isinstance(n, ast.AsyncFunctionDef) and n not in protocols]
    assert coroutines == []


def _is_protocol(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)


@pytest.mark.parametrize("folder", [ROOT / r for r in (*ROOMS, "agent", "tests", "benchmarks")], ids=name)
def test_every_folder_with_code_is_a_package(folder: Path) -> None:
    """A folder without __init__.py is invisible to import-linter."""
    missing = {p.parent for p in folder.rglob("*.py") if not (p.parent / "__init__.py").exists()}
    assert missing == set()


@pytest.mark.parametrize("path", [p for r in (*ROOMS, "agent") for p in sorted((ROOT / r).rglob("*.py"))], ids=name)
def test_every_file_says_what_it_is_for(path: Path) -> None:
    text = path.read_text()
    assert not text or ast.get_docstring(ast.parse(text))


_MAPPED = (
    *ROOMS,
    "correlation/acts",
    "agent",
    "agent/cli",
    "agent/configuration",
    "agent/deciders",
    "agent/erasing",
    "agent/http",
    "agent/http/console",
    "agent/http/reads",
    "agent/http/render",
    "agent/loading",
    "agent/loops",
    "agent/rehearsal",
    "agent/storage",
    "agent/switching",
    "agent/wording",
)


@pytest.mark.parametrize("folder", [ROOT / folder for folder in _MAPPED], ids=name)
def test_a_map_names_each_module_once(folder: Path) -> None:
    """The __init__.py of a folder says where to look for what: a new module is entered there."""
    said = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    named = [word for line in said.splitlines() if line.startswith("    ") for word in line.strip(" ,").split(", ")]
    there = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    there |= {path.parent.name for path in folder.glob("*/__init__.py")}
    assert set(named) ^ there == set(), "not in the map, or not there"
    assert len(named) == len(set(named))


_NOT_HERE = re.compile(r"§|reliability [RSF]\d|stack rule|\(issue\b|(OUTSIDE|DESIGN)\.md")
"""How papers are cited that a reader of the repository does not have."""


def test_no_file_points_to_what_is_not_in_the_repository() -> None:
    files = (path for room in (*ROOMS, "agent", "tests") for path in (ROOT / room).rglob("*.py"))
    pointing = [name(path) for path in files if path != Path(__file__) and _NOT_HERE.search(path.read_text())]
    assert pointing == []


def test_only_the_clock_asks_for_the_time() -> None:
    asking = [
        name(path)
        for room in (*ROOMS, "agent")
        for path in (ROOT / room).rglob("*.py")
        if path.name != "clock.py"
        and any(call in path.read_text() for call in ("datetime.now(", "time.time(", "utcnow("))
    ]
    assert asking == []
