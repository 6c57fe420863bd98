"""A known error as a file of Markdown with a front matter: read section by section, each fault with its line."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from knowledge.known_error import BadGroup, FrontMatter, KnownError, without_workaround

_SECTIONS = {
    "symptoms": "symptoms",
    "root cause": "root_cause",
    "workaround": "workaround",
    "solution": "solution",
    "safety": "safety_note",
    "症状": "symptoms_zh",
    "根本原因": "root_cause_zh",
    "应急措施": "workaround_zh",
    "解决方案": "solution_zh",
    "安全提示": "safety_note_zh",
}
_HEADING = re.compile(r"##(?!#)\s*(.*?)\s*#*\s*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_FRONT_STARTS_AT = 2

Path = tuple[str | int, ...]


class BadKnownError(ValueError):
    """What is wrong in a known error's file, as `file:line: message`; `also` are the other faults of the same file."""

    def __init__(self, path: str, line: int, message: str, also: Sequence["BadKnownError"] = ()) -> None:
        super().__init__(f"{path}:{line}: {message}")
        self.path, self.line, self.message, self.also = path, line, message, tuple(also)


def split_front_matter(text: str) -> tuple[str, str, int]:
    """Return the YAML between the two `---`, the Markdown below, and the line (from 1) the Markdown starts at.

    The YAML starts at line 2. Without a front matter the YAML is empty and the body is the whole text.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    if lines and lines[0].rstrip() == "---":
        for place, line in enumerate(lines[1:], start=1):
            if line.rstrip() == "---":
                return "\n".join(lines[1:place]), "\n".join(lines[place + 1 :]), place + 2
    return "", "\n".join(lines), 1


def parse(
    path: str, text: str, front: Mapping[str, Any], line_of_body: int, line_of: Callable[[Path], int] = lambda _: 1
) -> KnownError:
    """Return the known error of a file.

    `text` is the Markdown below the front matter and starts at `line_of_body`; `front` is the front matter as read
    from YAML, and `line_of` gives the line of the file where a path of it (`("match", 0)`) stands. Raises
    BadKnownError for the first fault, with the others of the file in its `also`.
    """
    faults: list[BadKnownError] = []
    sections = _sections(path, text, line_of_body, faults)
    faults += _front_faults(path, front, line_of)
    if wrong := without_workaround(sections.get("workaround"), sections.get("workaround_zh")):
        faults.append(BadKnownError(path, line_of_body, wrong))
    if faults:
        first, *others = sorted(faults, key=lambda fault: fault.line)
        raise BadKnownError(path, first.line, first.message, others)
    return KnownError.model_validate({**front, **sections, "source": path, "line": line_of(("id",))})


def _sections(path: str, text: str, line: int, faults: list[BadKnownError]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    into: list[str] | None = None
    fence = ""
    for number, written in enumerate(text.splitlines(), start=line):
        heading = None if fence else _HEADING.fullmatch(written)
        if heading:
            into = _section(path, number, heading[1], found, faults)
        elif into is not None:
            into.append(written)
        elif written.strip():
            faults.append(BadKnownError(path, number, f"this stands in no section: write one of {_known()} above it"))
            into = []
        fence = fence_after(fence, written)
    return {name: "\n".join(lines).strip() for name, lines in found.items()}


def fence_after(fence: str, written: str) -> str:
    """Return the fence of the code block that is open after this line; what looks like a heading inside it is code."""
    mark = _FENCE.match(written)
    if not mark:
        return fence
    if not fence:
        return mark[1]
    closes = mark[1].startswith(fence) and not written.strip(" `~")
    return "" if closes else fence


def _section(
    path: str, number: int, heading: str, found: dict[str, list[str]], faults: list[BadKnownError]
) -> list[str]:
    name = _SECTIONS.get(heading.lower())
    if name is None:
        near = difflib.get_close_matches(heading.lower(), _SECTIONS, n=1)
        hint = f"did you mean `## {near[0].capitalize()}`?" if near else f"known: {_known()}"
        faults.append(BadKnownError(path, number, f"unknown section `## {heading}` ({hint})"))
        return []
    if name in found:
        faults.append(BadKnownError(path, number, f"the section `## {heading}` stands here a second time: join them"))
        return []
    found[name] = []
    return found[name]


def _known() -> str:
    return ", ".join(f"`## {name.capitalize()}`" for name in _SECTIONS)


def _front_faults(path: str, front: Mapping[str, Any], line_of: Callable[[Path], int]) -> list[BadKnownError]:
    if not front:
        message = "there is no front matter: begin with `---`, then `id:`, `title:` and `match:`, then `---`"
        return [BadKnownError(path, 1, message)]
    try:
        FrontMatter.model_validate(dict(front))
    except ValidationError as error:
        match = front.get("match")
        grouped = isinstance(match, list) and not all(isinstance(written, str) for written in match)
        told = error.errors(include_url=False)
        return [fault for detail in told for fault in _front_faults_of(path, detail, grouped, line_of)]
    return []


def _front_faults_of(
    path: str, detail: Mapping[str, Any], grouped: bool, line_of: Callable[[Path], int]
) -> Iterator[BadKnownError]:
    where: Path = detail["loc"][:1]
    key = ".".join(map(str, where))
    said, cause = str(detail["msg"]).removeprefix("Value error, "), detail.get("ctx", {}).get("error")
    if detail["type"] == "missing":
        yield BadKnownError(path, _FRONT_STARTS_AT, f"the key {key!r} is missing: write it in the front matter")
    elif detail["type"] == "extra_forbidden":
        near = difflib.get_close_matches(key, FrontMatter.model_fields, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(FrontMatter.model_fields)}"
        yield BadKnownError(path, line_of(where), f"unknown key {key!r} ({hint})")
    elif isinstance(cause, BadGroup) and grouped:
        for bad in (cause, *cause.also):
            yield BadKnownError(path, line_of((*where, bad.place)), f"{key}.{bad.place}: {bad.message}")
    else:
        yield BadKnownError(path, line_of(where), f"{key}: {said}")
