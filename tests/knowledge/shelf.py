"""Known errors for tests, and the shelf of the pack read as the daemon reads it."""

from pathlib import Path
from typing import Any

import yaml

from knowledge.known_error import KnownError
from knowledge.library import Library
from knowledge.markdown import parse, split_front_matter

PACK = Path(__file__).parents[2] / "configs" / "packs" / "iso20000-default" / "knowledge"


def read(text: str, path: str = "one.md") -> KnownError:
    front, body, line = split_front_matter(text)
    return parse(path, body, yaml.safe_load(front) or {}, line)


def shipped() -> dict[str, KnownError]:
    """The entries of the pack by file name."""
    return {path.name: read(path.read_text("utf-8"), path.name) for path in sorted(PACK.glob("*.md"))}


def entry(name: str, **written: Any) -> KnownError:
    return KnownError.model_validate({"id": name, "title": name, "workaround": "turn it round", **written})


def library(*entries: KnownError) -> Library:
    return Library(entries)
