"""A site's files are laid over the pack's, key by key; every value remembers the line it came from."""

import importlib.resources
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from agent.configuration.faults import Fault, Mark, Marks, Path, dotted, suggest
from agent.configuration.reading import BadText, text_of
from agent.configuration.secrets import resolve
from agent.configuration.site import BARE, FILES, PackFile
from agent.configuration.yaml import Document, read

_NO_YAML = ("knowledge", "README.md", "secrets", "holidays.yaml")
_MISNAMED = {f"{name.removesuffix('.yaml')}.yml": name for name in FILES}


@dataclass
class Layered:
    """One file of the effective configuration: its value, its marks, the secrets in it, and whether all was read."""

    name: str
    value: Any = None
    marks: Marks = field(default_factory=dict)
    hidden: dict[str, str] = field(default_factory=dict)
    readable: bool = True

    def section(self, key: str) -> Mapping[Any, Any]:
        """The mapping at a top key as it was written; empty where there is none."""
        found = self.value.get(key) if isinstance(self.value, dict) else None
        return found if isinstance(found, dict) else {}


def shared(name: str) -> FilePath:
    """Return the folder `configs` or `web` of the package: `_share` where it was installed, else beside `agent/`."""
    package = FilePath(str(importlib.resources.files("agent")))
    installed = package / "_share" / name
    return installed if installed.is_dir() else package.parent / name


def packs() -> list[str]:
    """Return the names of the packs there are."""
    return sorted(p.name for p in (shared("configs") / "packs").iterdir() if p.is_dir())


def pack_folder(name: str) -> FilePath:
    """Return the folder of a pack; where there is no such pack, one that holds nothing."""
    return shared("configs") / "packs" / (name if name in packs() else ".none")


def about(name: str) -> PackFile:
    """Return what a pack says of itself in its pack.yaml; nothing where there is no such pack."""
    path = pack_folder(name) / "pack.yaml"
    if not path.exists():
        return PackFile()
    return PackFile.model_validate(read(f"{name}/pack.yaml", path.read_text("utf-8")).value)


def lineage(name: str) -> list[str]:
    """Return a pack, the one that it extends, and so on."""
    below = about(name).extends
    return [name, *(lineage(below) if below else ())]


def read_pack(name: str, names: Iterable[str], faults: list[Fault]) -> dict[str, list[Document]]:
    """Return for each file its documents, the lowest first: those of the pack over those of the one it extends."""
    found: dict[str, list[Document]] = {}
    for pack in reversed(lineage(name)):
        for file, document in read_folder(pack_folder(pack), names, f"{pack}/", faults).items():
            found.setdefault(file, []).append(document)
    return found


def read_folder(folder: FilePath, names: Iterable[str], label: str, faults: list[Fault]) -> dict[str, Document]:
    """Return the documents of those of `names` that stand in a folder; what cannot be read is a fault."""
    found = {}
    for name in names:
        document = _read_file(folder / name, f"{label}{name}")
        if document is not None:
            if name in BARE and document.value is not None:
                _push_down(document, name.removesuffix(".yaml"))
            faults += document.faults
            found[name] = document
    return found


def _read_file(path: FilePath, label: str) -> Document | None:
    try:
        return read(label, text_of(path))
    except FileNotFoundError:
        return None
    except BadText as bad:
        return Document(label, faults=[Fault(label, bad.line, 1, "", bad.said)])


def _push_down(document: Document, key: str) -> None:
    """Give a file without a top key the one that its model has."""
    document.value = {key: document.value}
    document.marks = {(key, *path): mark for path, mark in document.marks.items()}
    document.marks[()] = Mark(document.file, 1, 1, 1, 1)


def as_written(fault: Fault) -> Fault:
    """Return the fault with its path as it stands in the file, which may have no key above its content."""
    name = fault.file.rpartition("/")[2]
    return fault._replace(path=fault.path.removeprefix(f"{name[:-5]}.")) if name in BARE else fault


def put_secrets(
    documents: Mapping[str, Document], folder: FilePath, environ: Mapping[str, str], faults: list[Fault]
) -> None:
    """Put the secrets of a site's documents in place."""
    for document in documents.values():
        known = len(document.faults)
        done = resolve(document, folder, environ)
        faults += done.faults[known:]
        document.value, document.marks, document.hidden = done.value, done.marks, done.hidden


def lay(name: str, *documents: Document | None) -> Layered:
    """Return documents laid over each other, the lowest first: mappings key by key, anything else replaced."""
    layered = Layered(name, marks={(): Mark(name, 1, 1, 1, 1)})
    for document in documents:
        if document is None:
            continue
        layered.readable = layered.readable and not (document.value is None and document.faults)
        layered.hidden.update(document.hidden)
        if document.value is not None:
            layered.value = _over(layered, (), layered.value, document.value, document.marks)
    if layered.value is None:
        layered.value = {}
    return layered


def _over(layered: Layered, path: Path, below: Any, above: Any, marks: Marks) -> Any:
    layered.marks[path] = marks[path]
    if isinstance(below, dict) and isinstance(above, dict):
        taken_away = {key for key, value in above.items() if value is None and isinstance(below.get(key), dict)}
        laid = {
            key: _over(layered, (*path, key), below.get(key), value, marks)
            for key, value in above.items()
            if key not in taken_away
        }
        return {**{key: value for key, value in below.items() if key not in taken_away}, **laid}
    for replaced in [p for p in layered.marks if len(p) > len(path) and p[: len(path)] == path]:
        del layered.marks[replaced]
    layered.marks.update({p: mark for p, mark in marks.items() if p[: len(path)] == path})
    return above


def provenance(layered: Layered) -> dict[str, str]:
    """Return for every written leaf of a file the `file:line` that won."""
    found: dict[str, str] = {}
    _leaves(layered.value, (), layered.marks, found)
    top = f"{layered.name[:-5]}." if layered.name in BARE else ""
    return {path.removeprefix(top): won for path, won in found.items()}


def _leaves(value: Any, path: Path, marks: Marks, found: dict[str, str]) -> None:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            _leaves(inner, (*path, key), marks, found)
    elif path and path in marks:
        found[dotted(path)] = f"{marks[path].file}:{marks[path].line}"


def strangers(folder: FilePath) -> list[Fault]:
    """Return a warning for every file of a site that nothing reads."""
    found = []
    for path in sorted(folder.iterdir()):
        name = path.name
        if name in FILES or name in _MISNAMED or name in _NO_YAML or name.startswith("."):
            continue
        if path.suffix in (".yaml", ".yml", ".json") or path.is_dir():
            found.append(Fault(name, 1, 1, "", f"nothing reads this file{suggest(name, [*FILES, 'knowledge'])}"))
    return found


def emptied(folder: FilePath) -> list[Fault]:
    """Return a warning for every file of a site that is there and says nothing at all: it may have been lost."""
    empty = [name for name in FILES if _says_nothing(folder / name)]
    what = "it is empty, so that the pack's holds: if that is meant, write a comment into it or take it away"
    return [Fault(name, 1, 1, "", what) for name in empty]


def _says_nothing(path: FilePath) -> bool:
    """Whether a file is there and empty; one that cannot be read is told as such where it is read."""
    try:
        return path.is_file() and not path.read_bytes().strip()
    except OSError:
        return False


def misnamed(folder: FilePath) -> list[Fault]:
    """Return a fault for every file of a site that would be read if it ended in `.yaml`: what it says is missed."""
    there = sorted(name for name in _MISNAMED if (folder / name).exists())
    return [Fault(name, 1, 1, "", f"nothing reads this file: name it {_MISNAMED[name]}") for name in there]
