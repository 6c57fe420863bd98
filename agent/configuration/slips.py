"""What YAML cannot read, said so that whoever wrote it at night finds the slip: where, what it is, what to write."""

import re
from typing import Any, NamedTuple

import yaml


class Slip(NamedTuple):
    """A line and a column, counted from 1, and what stands there."""

    line: int
    col: int
    message: str


_ADVICE = {
    "mapping values are not allowed": "check the indentation of this line, and quote a text that holds ': '",
    "did not find expected key": "check the indentation and the quotes of the line above",
    "could not find expected ':'": "write 'key: value'",
    "did not find expected ',' or": "close the bracket, or put a comma",
    "did not find expected '-'": "end the list before a key, or indent the key",
    "found unexpected end of stream": "close the quote or the bracket",
    "cannot start any token": "quote the text",
    "exceeded maximum nesting depth": "write it flatter",
}
_MERGE = re.compile(r"^(?:<{7}|>{7})(?: .*)?$", re.MULTILINE)
# What looks like a space or a colon where a line says its key: an input method writes it, or a copy from a web page.
_LOOKALIKE = re.compile("^ *(?:- )*[\\w.\"'-]*:? *([\u00a0\u2007\u202f\u3000\u200b\ufeff\uff1a])")


def slip(error: yaml.MarkedYAMLError, text: str) -> Slip:
    """Return what kept `text` from being read."""
    at: Any = error.problem_mark or error.context_mark
    line, col = (at.line + 1, at.column + 1) if at else (1, 1)
    return _merge(text) or _lookalike(text, line) or Slip(line, col, _explain(error, _character(text, line, col)))


def _merge(text: str) -> Slip | None:
    found = _MERGE.search(text)
    if found is None:
        return None
    line = text.count("\n", 0, found.start()) + 1
    return Slip(
        line, 1, "the mark of a merge that was not finished stands here: keep one side, and take the marks away"
    )


def _lookalike(text: str, line: int) -> Slip | None:
    """Such a character in a line, or in the last one above it that says something: there YAML notices it too late."""
    lines = text.split("\n")[:line]
    above = next((n for n in range(line - 1, 0, -1) if n <= len(lines) and lines[n - 1].strip(" ")), 0)
    for number in (line, above):
        found = _LOOKALIKE.match(lines[number - 1]) if 0 < number <= len(lines) else None
        if found:
            character, col = found[1], found.start(1) + 1
            wanted = "a colon and a space" if character == "\uff1a" else "a plain space, or nothing"
            return Slip(number, col, f"the character U+{ord(character):04X} stands here: write {wanted}")
    return None


def _character(text: str, line: int, col: int) -> str:
    lines = text.splitlines()
    return lines[line - 1][col - 1 : col] if line <= len(lines) else ""


def _explain(error: yaml.MarkedYAMLError, character: str) -> str:
    if character == "\t":
        return "a tab stands here: YAML indents by spaces"
    problem = str(error.problem or error.context or "this cannot be read")
    return f"{problem}: {next((text for part, text in _ADVICE.items() if part in problem), 'see the line above')}"
