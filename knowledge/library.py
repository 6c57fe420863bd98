"""The library of known errors: read from Markdown with a front matter, a site's entries laid over the pack's by id."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from knowledge.index import PredicateIndex
from knowledge.known_error import BadGroup, FrontMatter, KnownError, without_workaround
from knowledge.ranking import Aliases, WordIndex, alert_names

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


class Library:
    """Known errors by id, with their indexes; read, never changed."""

    __slots__ = ("_alerts", "_by_id", "_in_force", "_like", "_predicates", "_to_review", "_words", "aliases")

    def __init__(self, entries: Iterable[KnownError] = (), aliases: Aliases | None = None) -> None:
        """Of two entries with one id the later one stands: hand in the pack's before the site's.

        `aliases` are further texts by the name of an alert or by the id of an entry.
        """
        self._by_id = MappingProxyType({entry.id: entry for entry in entries})
        self.aliases: Aliases = MappingProxyType(dict(aliases or {}))
        self._in_force: tuple[KnownError, ...] | None = None
        self._predicates: PredicateIndex | None = None
        self._to_review: tuple[KnownError, ...] | None = None
        self._words: WordIndex | None = None
        self._alerts: WordIndex | None = None
        self._like: tuple[WordIndex | Library, Mapping[str, KnownError]] | None = None

    @property
    def in_force(self) -> tuple[KnownError, ...]:
        """The entries that may be shown for an incident, by id."""
        if self._in_force is None:
            self._in_force = tuple(entry for entry in self if entry.in_force)
        return self._in_force

    @property
    def to_review(self) -> tuple[KnownError, ...]:
        """The entries in force that are to be read again on some day."""
        if self._to_review is None:
            self._to_review = tuple(entry for entry in self.in_force if entry.review_at)
        return self._to_review

    @property
    def predicates(self) -> PredicateIndex:
        """The index of its predicates."""
        if self._predicates is None:
            self._predicates = PredicateIndex(self.in_force)
        return self._predicates

    @property
    def words(self) -> WordIndex:
        """The index of its words, made by whoever asks first: it costs more than all the rest.

        Of a library that was made of another one only what differs is counted, once that one's words are.
        """
        if self._words is None:
            if self._like is not None:
                like, changed = self._like
                counted = like.words if isinstance(like, Library) else like
                self._words, self._like = counted.with_entries(changed.values(), self.aliases), None
            else:
                self._words = WordIndex(self.in_force, self.aliases)
        return self._words

    def is_about_another_alert(self, rarity: Mapping[str, float], score: float) -> bool:
        """Whether a text shares more than `score` with what is said of an alert that no entry here is written for.

        `rarity` is how much each word of the text tells.
        """
        if self._alerts is None:
            self._alerts = WordIndex(map(_alert, self.aliases), self.aliases)
        there = self._alerts.beyond(score, rarity)
        return any(one.id not in self._by_id and not any(self.predicates.naming(one.id)) for one in there)

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[KnownError]:
        """All entries by id, drafts and retired ones too."""
        return (self._by_id[name] for name in sorted(self._by_id))

    def get(self, name: str) -> KnownError | None:
        """Return the entry of an id, or None."""
        return self._by_id.get(name)

    def with_entries(self, more: Iterable[KnownError]) -> "Library":
        """Return the same library with these entries, each in place of the one of its id, for their work alone."""
        changed = {entry.id: entry for entry in more}
        made = Library((), self.aliases)
        made._by_id = MappingProxyType(self._by_id | changed)
        made._predicates = self.predicates.with_entries(changed.values())
        others = (entry for entry in self.to_review if entry.id not in changed)
        made._to_review = (*others, *(entry for entry in changed.values() if entry.in_force and entry.review_at))
        made._like, made._alerts = self._differing_in(changed), self._alerts
        return made

    def with_aliases(self, more: Aliases) -> "Library":
        """Return the same library with these further texts of entries, whose words are counted again."""
        names = [*self.aliases, *(name for name in more if name not in self.aliases)]
        made = Library((), {name: (*self.aliases.get(name, ()), *more.get(name, ())) for name in names})
        made._by_id, made._in_force, made._to_review = self._by_id, self._in_force, self.to_review
        made._predicates = self.predicates
        named = (one for one in self.in_force if one.id in more or any(name in more for name in alert_names(one)))
        made._like, made._alerts = self._differing_in({one.id: one for one in named}), self._alerts
        return made

    def _differing_in(
        self, changed: Mapping[str, KnownError]
    ) -> "tuple[WordIndex | Library, Mapping[str, KnownError]]":
        if self._words is not None:
            return self._words, changed
        return (self._like[0], {**self._like[1], **changed}) if self._like is not None else (self, changed)


def _alert(name: str) -> KnownError:
    """What stands for an alert in an index of what is said of alerts."""
    return KnownError.model_construct(id=name, title=name)


def lay_over(
    pack: Sequence[KnownError], site: Sequence[KnownError], aliases: Aliases | None = None
) -> tuple[Library, list[BadKnownError]]:
    """Return the library of both folders, its words not yet counted, and its faults.

    A site's entry replaces the pack's of the same id as a whole. Two of one id within one folder are a fault that
    names both; the first one, in the order handed in, stands.
    """
    faults: list[BadKnownError] = []
    entries = [entry for layer in (pack, site) for entry in _once_each(layer, faults)]
    library = Library(entries, aliases)
    _ = library.predicates, library.to_review  # made here, where a whole configuration is read: decisions ask for them
    return library, faults


def _once_each(layer: Sequence[KnownError], faults: list[BadKnownError]) -> Iterator[KnownError]:
    first: dict[str, KnownError] = {}
    for entry in layer:
        there = first.setdefault(entry.id, entry)
        if there is entry:
            yield entry
        else:
            message = f"the id {entry.id!r} is taken by {there.source}:{there.line}: give this one another"
            faults.append(BadKnownError(entry.source, entry.line, message))


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
