"""YAML as ops write it: YAML 1.2 scalars, nothing guessed, every fault with its file, line and column."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from agent.configuration.build import build
from agent.configuration.faults import Fault, Mark, Marks, Path, dotted
from agent.configuration.slips import slip

__all__ = ["Document", "Fault", "build", "read"]

MAX_CHARACTERS = 4 * 1024 * 1024
MAX_NODES = 200_000
MAX_EXPANDED_CHARACTERS = 16 * 1024 * 1024
MAX_DEPTH = 50


@dataclass
class Document:
    """A file as read: its plain value, the mark of every node, what is wrong, and what must never be printed.

    `hidden` maps a secret's value to what stands in the file for it, such as `${AM_TOKEN}`.
    """

    file: str
    value: Any = None
    marks: Marks = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    hidden: dict[str, str] = field(default_factory=dict)


_INTEGER = r"[-+]?(?:0|[1-9][0-9]{0,17})"
_MEANINGS: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (re.compile(r"null|Null|NULL|~|"), lambda _: None),
    (re.compile(r"true|True|TRUE"), lambda _: True),
    (re.compile(r"false|False|FALSE"), lambda _: False),
    (re.compile(_INTEGER), int),
    (re.compile(r"0x[0-9a-fA-F]{1,16}|0o[0-7]{1,20}"), lambda text: int(text, 0)),
    (re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"), lambda text: float(text.replace(".", ""))),
)


def scalar(text: str) -> Any:
    """Return what a plain scalar means in YAML 1.2; `18:30`, `on`, `0777` and `2026-10-01` are texts."""
    return next((meaning(text) for pattern, meaning in _MEANINGS if pattern.fullmatch(text)), text)


class _Node(NamedTuple):
    line: int
    col: int
    value: Any
    """A scalar, a list of nodes, or a `_Pairs`."""


class _Pairs(list[tuple[_Node, _Node]]):
    """The pairs of a mapping, as written."""


class _Stop(Exception):
    def __init__(self, line: int, col: int, message: str) -> None:
        super().__init__(message)
        self.line, self.col, self.message = line, col, message


def read(file: str, text: str) -> Document:
    """Return the document of a text; what cannot be read is among its `faults`.

    Refused are tags, duplicate keys, a second document, and what grows beyond 4 MiB, 200,000 nodes with aliases
    expanded, or 50 levels.
    """
    document = Document(file)
    try:
        if len(text) > MAX_CHARACTERS:
            raise _Stop(1, 1, f"the file is over {MAX_CHARACTERS // 1024 // 1024} MiB: split it or shorten it")
        root = _Composer(document, _events(text)).document()
        document.value = _Unfolding(document).value(root, (), (root.line, root.col), 0)
    except _Stop as stop:
        document.faults.append(Fault(file, stop.line, stop.col, "", stop.message))
    return document


def _events(text: str) -> Iterator[Any]:
    try:
        yield from yaml.parse(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _Stop(*slip(error, text)) from error
    except yaml.YAMLError as error:
        before = text[: getattr(error, "position", 0)]
        line, col = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise _Stop(line, col, "a control character stands here: remove it") from error


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


class _Composer:
    """Events become nodes; an alias is the very node it names, so that nothing grows here."""

    def __init__(self, document: Document, events: Iterator[Any]) -> None:
        self._document, self._events = document, events
        self._anchors: dict[str, _Node] = {}

    def document(self) -> _Node:
        root = _Node(1, 1, None)
        seen = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                seen += 1
                if seen > 1:
                    raise _Stop(_line(event), 1, "a second document begins here: one file, one document")
                root = self._node(next(self._events), 0)
        return root

    def _node(self, event: Any, depth: int) -> _Node:
        line, col = event.start_mark.line + 1, event.start_mark.column + 1
        if depth > MAX_DEPTH:
            raise _Stop(line, col, f"nested deeper than {MAX_DEPTH} levels: write it flatter")
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise _Stop(line, col, f"the alias *{event.anchor} names nothing above: define it with &{event.anchor}")
            return self._anchors[event.anchor]._replace(line=line, col=col)
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            refused = Fault(self._document.file, line, col, "", f"the tag {tag} is refused: write a plain value")
            self._document.faults.append(refused)
        node = _Node(line, col, self._content(event, depth))
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _content(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return scalar(event.value) if event.implicit[0] else event.value
        inside = self._inside(
            yaml.SequenceEndEvent if isinstance(event, yaml.SequenceStartEvent) else yaml.MappingEndEvent
        )
        nodes = [self._node(e, depth + 1) for e in inside]
        return (
            nodes if isinstance(event, yaml.SequenceStartEvent) else _Pairs(zip(nodes[::2], nodes[1::2], strict=True))
        )

    def _inside(self, end: type) -> Iterator[Any]:
        for event in self._events:
            if isinstance(event, end):
                return
            yield event


class _Unfolding:
    """Nodes become plain values with marks; aliases and merges are counted as often as they are used."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._nodes = self._characters = 0

    def value(self, node: _Node, path: Path, key: tuple[int, int], depth: int) -> Any:
        self._count(node, depth)
        line, col = key if isinstance(node.value, _Pairs) else (node.line, node.col)
        self._document.marks[path] = Mark(self._document.file, line, col, *key)
        if isinstance(node.value, _Pairs):
            return {
                name: self.value(inner, (*path, name), at, depth + 1)
                for name, (at, inner) in self._pairs(node, path, depth).items()
            }
        if isinstance(node.value, list):
            return [self.value(n, (*path, i), (n.line, n.col), depth + 1) for i, n in enumerate(node.value)]
        return node.value

    def _count(self, node: _Node, depth: int) -> None:
        self._nodes += 1
        self._characters += len(node.value) if isinstance(node.value, str) else 0
        if self._nodes > MAX_NODES or self._characters > MAX_EXPANDED_CHARACTERS:
            raise _Stop(node.line, node.col, "the aliases unfold to too much: write less, or without them")
        if depth > MAX_DEPTH:
            raise _Stop(node.line, node.col, f"nested deeper than {MAX_DEPTH} levels: write it flatter")

    def _pairs(self, node: _Node, path: Path, depth: int) -> dict[str | int, tuple[tuple[int, int], _Node]]:
        own: dict[str | int, tuple[tuple[int, int], _Node]] = {}
        merged: dict[str | int, tuple[tuple[int, int], _Node]] = {}
        for key, value in node.value:
            self._count(key, depth)
            name = key.value
            if name == "<<":
                for part in value.value if isinstance(value.value, list) and not _is_map(value) else [value]:
                    merged = {**self._merge(part, path, depth + 1), **merged}
            elif isinstance(name, bool) or not isinstance(name, str | int):
                self._fault(key, path, "this is no key: write a word, in quotes if need be")
            elif name in own:
                first = own[name][0]
                self._fault(
                    key, (*path, name), f"the key {name!r} is written twice (first in line {first[0]}): keep one"
                )
            else:
                own[name] = ((key.line, key.col), value)
        return {**merged, **own}

    def _merge(self, part: _Node, path: Path, depth: int) -> dict[str | int, tuple[tuple[int, int], _Node]]:
        if _is_map(part):
            return self._pairs(part, path, depth)
        self._fault(part, path, "<< takes a mapping or a list of mappings")
        return {}

    def _fault(self, node: _Node, path: Path, message: str) -> None:
        fault = Fault(self._document.file, node.line, node.col, dotted(path), message)
        if fault not in self._document.faults:
            self._document.faults.append(fault)


def _is_map(node: _Node) -> bool:
    return isinstance(node.value, _Pairs)
