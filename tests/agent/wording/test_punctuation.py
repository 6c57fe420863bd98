"""Chinese sentences have Chinese punctuation, wherever a word of ours stands."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from agent.wording.happenings import HAPPENED
from agent.wording.reasons import REASONS

HOUSE = Path(__file__).parents[3]
ROOMS = ("agent", "collectors", "correlation", "knowledge", "escalation")
PACKS = sorted((HOUSE / "configs" / "packs").rglob("*.yaml"))
_CHINESE = re.compile("[\u3400-\u9fff]")
_NO_SENTENCES = frozenset({"collectors/mail.py"})
"""What reads the words of others, of any punctuation."""
_CODE = re.compile(r"`[^`]*`|\{[^{}]*\}|https?://\S+|(?<=[A-Za-z0-9])[:,./](?=[A-Za-z0-9])")
_ASCII = re.compile(r"[,:;!?()]|(?<=[\u3400-\u9fff])\.")


def wrong(text: str) -> bool:
    """Whether a Chinese text has punctuation of ASCII; code, facts and addresses keep theirs."""
    return bool(_CHINESE.search(text) and _ASCII.search(_CODE.sub("", text)))


def literals(path: Path) -> Iterator[tuple[int, str]]:
    """The texts of a module that are no docstrings, each with its line; of an f-string its parts."""
    tree = ast.parse(path.read_text("utf-8"))
    said = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.lineno, node.value


def patterns(path: Path) -> set[int]:
    """The lines of regexes, which are no sentences."""
    text = path.read_text("utf-8").splitlines()
    return {n for n, line in enumerate(text, 1) if "re.compile(" in line}


@pytest.mark.parametrize("room", ROOMS)
def test_no_chinese_text_of_ours_has_punctuation_of_ascii(room: str) -> None:
    found = [
        f"{name}:{line}: {text}"
        for path in sorted((HOUSE / room).rglob("*.py"))
        if (name := path.relative_to(HOUSE).as_posix()) not in _NO_SENTENCES
        for line, text in literals(path)
        if wrong(text) and line not in patterns(path) and len(_CHINESE.findall(text)) > len(text) / 4
    ]
    assert found == []


def test_nor_has_a_sentence_that_is_made_of_facts_alone() -> None:
    """Both languages of each code stand side by side: in the second no ASCII is punctuation, whatever is around it."""
    tables: list[Mapping[str, tuple[str, str]]] = [REASONS, HAPPENED]
    assert [said for table in tables for _, said in table.values() if _ASCII.search(_CODE.sub("", said))] == []


@pytest.mark.parametrize("path", PACKS, ids=lambda path: path.relative_to(HOUSE).as_posix())
def test_no_chinese_text_of_a_pack_has_it_either(path: Path) -> None:
    """What is not under `zh` there are names of alerts, and regexes for them."""

    def texts(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            yield from (one for key, one in value.items() if key == "zh" and isinstance(one, str))
            for one in value.values():
                yield from texts(one)
        elif isinstance(value, list):
            for one in value:
                yield from texts(one)

    assert [text for text in texts(yaml.safe_load(path.read_text("utf-8"))) if wrong(text)] == []


@pytest.mark.parametrize(
    ("text", "is_wrong"),
    [
        ("已响应,由 ana 负责", True),
        ("已响应，由 {by} 负责", False),
        ("请运行 `tocsin doctor --x=(1)`", False),
        ("没有(无)", True),
        ("自 18:30 起", False),
        ("见 https://a.example/b?c=1", False),
        ("no, it is (not) Chinese", False),
        ("结束.", True),
    ],
)
def test_the_check_knows_which(text: str, is_wrong: bool) -> None:
    assert wrong(text) is is_wrong
