"""Secrets stand in the environment or in files of their own, and are never shown."""

import os
import re
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from agent.configuration.faults import Path, fault_at
from agent.configuration.yaml import Document

MAX_SECRET = 64 * 1024

_VARIABLE = re.compile(r"\$(\$\{)|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_TWIN = re.compile(r"((?:.*_)?(?:token|password|secret|url))_file")


def resolve(document: Document, folder: FilePath, environ: Mapping[str, str] = os.environ) -> Document:
    """Return the document with `${NAME}` replaced from the environment and `token_file: path` read as `token`.

    Twins end in `token_file`, `password_file`, `secret_file` or `url_file`; the path is taken from `folder`, the
    content stripped. `$${` stands for the text `${`. An unset variable or unreadable file is a fault.
    """
    resolved = Document(document.file, None, dict(document.marks), list(document.faults), dict(document.hidden))
    resolved.value = _Resolver(resolved, folder, environ).value(document.value, ())
    return resolved


class _Resolver:
    def __init__(self, document: Document, folder: FilePath, environ: Mapping[str, str]) -> None:
        self._document, self._folder, self._environ = document, folder, environ

    def value(self, value: Any, path: Path) -> Any:
        if isinstance(value, str):
            return self._text(value, path) if "$" in value else value
        if isinstance(value, list):
            return [self.value(v, (*path, i)) for i, v in enumerate(value)]
        return self._mapping(value, path) if isinstance(value, dict) else value

    def _mapping(self, mapping: Mapping[Any, Any], path: Path) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for name, inner in mapping.items():
            twin = _TWIN.fullmatch(name) if isinstance(name, str) and isinstance(inner, str) else None
            value = self.value(inner, (*path, name))
            if twin is None:
                found[name] = value
            elif twin[1] in mapping:
                self._fault((*path, name), f"write {twin[1]} or {name}, not both")
            else:
                found[twin[1]] = self._file(value, (*path, name))
                self._document.marks[(*path, twin[1])] = self._document.marks[(*path, name)]
        return found

    def _text(self, text: str, path: Path) -> str:
        def replace(found: re.Match[str]) -> str:
            literal, name = found.groups()
            if literal:
                return str(literal)
            value = self._environ.get(name)
            if value is None:
                self._fault(path, f"the variable {name} is not set: set it in the environment of the daemon")
            elif value:
                self._document.hidden[value] = found[0]
            return value or ""

        return _VARIABLE.sub(replace, text)

    def _file(self, name: str, path: Path) -> str:
        try:
            content = (self._folder / name).read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            self._fault(path, f"the file {name} cannot be read ({reason}): check the path and its permissions")
            return ""
        if not content or len(content) > MAX_SECRET:
            self._fault(
                path, f"the file {name} holds {'nothing' if not content else 'too much'}: write the secret alone"
            )
            return ""
        self._document.hidden[content] = f"(from {name})"
        return content

    def _fault(self, path: Path, message: str) -> None:
        self._document.faults.append(fault_at(self._document.marks, path, message, file=self._document.file))
