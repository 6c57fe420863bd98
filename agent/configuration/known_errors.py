"""The known errors of a pack and of a site are read from their `knowledge` folders."""

from datetime import datetime
from pathlib import Path as FilePath
from typing import Any

from agent.configuration.build import build
from agent.configuration.faults import Fault, Path
from agent.configuration.reading import MIB, BadText, text_of
from agent.configuration.yaml import Document, read
from knowledge.automation import AutomationPolicy, not_allowed
from knowledge.known_error import AliasFile, KnownError
from knowledge.library import Library, lay_over
from knowledge.markdown import BadKnownError, parse, split_front_matter
from knowledge.review import overdue

_FRONT_STARTS_AFTER = 1
ALIASES = "aliases.yaml"
MANY = 2_000
"""Known errors that a start does not wait for: to read so many takes seconds, to count their words as long."""
_REVIEW = "read it, correct what has changed, and write the next day"


def read_library(
    pack: FilePath, site: FilePath, pack_label: str, *, entries_of_site: bool = True
) -> tuple[Library, list[Fault]]:
    """Return the library of both `knowledge` folders, the site's over the pack's, and every fault of every file.

    Without `entries_of_site` the site's known errors are left for later, its aliases are not.
    """
    faults: list[Fault] = []
    of_pack = _folder(pack / "knowledge", f"{pack_label}/knowledge/", faults)
    of_site = _folder(site / "knowledge", "knowledge/", faults) if entries_of_site else []
    aliases = _aliases(pack / "knowledge", f"{pack_label}/knowledge/", faults)
    for name, texts in _aliases(site / "knowledge", "knowledge/", faults).items():
        aliases[name] = (*aliases.get(name, ()), *texts)
    library, twice = lay_over(of_pack, of_site, aliases)
    return library, faults + [_fault(fault) for fault in twice]


def is_large(site: FilePath) -> bool:
    """Whether a site has so many known errors that a start reads them once alerts are taken."""
    try:
        return sum(path.suffix == ".md" for path in (site / "knowledge").iterdir()) > MANY
    except OSError:
        return False


def _aliases(folder: FilePath, label: str, faults: list[Fault]) -> dict[str, tuple[str, ...]]:
    """Read the further texts of `aliases.yaml`: what alerts mean, by their name or by the id of an entry."""
    path, name = folder / ALIASES, f"{label}{ALIASES}"
    try:
        document = read(name, text_of(path))
    except FileNotFoundError:
        return {}
    except BadText as bad:
        faults.append(Fault(name, bad.line, 1, "", bad.said))
        return {}
    faults += document.faults
    file, wrong = build(AliasFile, document.value or {}, document.marks)
    faults += wrong
    return dict(file.aliases) if file else {}


def review_faults(library: Library, now: datetime) -> list[Fault]:
    """Return a warning for every known error that is overdue for review, at the line of its id."""
    return [
        Fault(one.source, one.line, 1, "review_at", f"{one.id!r} was due for review on {one.review_at}: {_REVIEW}")
        for one in overdue(library, now)
    ]


def action_faults(library: Library, policy: AutomationPolicy) -> list[Fault]:
    """Return a fault for every known error whose action is not on the site's allow-list, at the line of its id."""
    return [
        Fault(entry.source, entry.line, 1, "action", not_allowed(entry.action, policy))
        for entry in library
        if entry.action and entry.action not in policy.actions
    ]


def _folder(folder: FilePath, label: str, faults: list[Fault]) -> list[KnownError]:
    found = []
    for path in sorted(folder.glob("*.md")):
        if path.name != "README.md":
            entry, wrong = entry_in(path, f"{label}{path.name}")
            faults += wrong
            found += [entry] if entry is not None else []
    return found


def entry_in(path: FilePath, label: str, *, named: bool = False) -> tuple[KnownError | None, list[Fault]]:
    """Return the known error of a file, or None with every fault of it; `label` is the file's name in them.

    `named`: a person named this very file, which may be a pipe.
    """
    faults: list[Fault] = []
    try:
        front, body, line_of_body = split_front_matter(text_of(path, MIB, named=named))
    except BadText as bad:
        return None, [Fault(label, bad.line, 1, "", bad.said)]
    document = read(label, front)
    faults += [fault._replace(line=fault.line + _FRONT_STARTS_AFTER) for fault in document.faults]
    value: dict[str, Any] = document.value if isinstance(document.value, dict) else {}
    if document.faults:
        return None, faults
    try:
        return parse(label, body, value, line_of_body, lambda where: _line(document, where)), faults
    except BadKnownError as bad:
        return None, [_fault(fault) for fault in (bad, *bad.also)]


def _line(document: Document, where: Path) -> int:
    mark = document.marks.get(where) or document.marks.get(())
    return (mark.key_line if mark else 1) + _FRONT_STARTS_AFTER


def _fault(bad: BadKnownError) -> Fault:
    return Fault(bad.path, bad.line, 1, "", bad.message)
