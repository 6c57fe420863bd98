"""Known errors that people write over the API, laid over those of the files."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
from pydantic import ValidationError

from correlation.refusal import Refusal
from knowledge.known_error import BadGroup, KnownError, without_workaround
from knowledge.library import Library

API = "api"
"""The `source` of an entry that stands in no file."""
MAY_WRITE = frozenset({"desk", "l1", "l2", "pm", "ops"})
_SITE = "knowledge/"


class BadEntry(Refusal):
    """An entry that cannot stand; `faults` are pairs of field and sentence, `missing` the fields that are not there."""

    def __init__(self, faults: Sequence[tuple[str, str]], missing: Sequence[str] = ()) -> None:
        super().__init__("; ".join(f"{field}: {said}" for field, said in faults))
        self.faults, self.missing = tuple(faults), tuple(missing)


class WrittenError(msgspec.Struct, frozen=True, kw_only=True):
    """A known error as a person wrote it: `entry` by the keys of the front matter and the names of the texts.

    `version` counts from 1 with every edit; `reason` is that of the last one.
    """

    id: str
    entry: dict[str, Any]
    version: int
    author: str
    written_at: datetime
    edited_by: str
    edited_at: datetime
    reason: str = ""


def entry_of(values: Mapping[str, Any]) -> KnownError:
    """Return the entry that these values make, judged as a file of the same content. Raises BadEntry."""
    try:
        return KnownError.model_validate({**values, "source": API})
    except ValidationError as error:
        found = [fault for detail in error.errors(include_url=False) for fault in _faults(detail)]
        missing = [str(detail["loc"][0]) for detail in error.errors() if detail["type"] == "missing"]
    said = without_workaround(values.get("workaround"), values.get("workaround_zh"))
    if said and all(field != "workaround" for field, _ in found):
        found.append(("workaround", said))
    raise BadEntry(found, missing)


def _faults(detail: Any) -> list[tuple[str, str]]:
    if detail["type"] == "missing":
        return [(str(detail["loc"][0]), "it is missing: write it")]
    field, cause = ".".join(str(part) for part in detail["loc"]) or "workaround", detail.get("ctx", {}).get("error")
    if isinstance(cause, BadGroup):
        return [(f"{field}.{bad.place}", bad.message) for bad in (cause, *cause.also)]
    return [(field, str(detail["msg"]).removeprefix("Value error, "))]


def origin_of(entry: KnownError) -> str:
    """Return where an entry is written: `api`, `site` (a file of the site) or `pack`."""
    if entry.source == API:
        return API
    return "site" if entry.source.startswith(_SITE) else "pack"


def taken(entry: KnownError) -> str:
    """Return the sentence that refuses a second entry of this one's id."""
    place = "one that was written over the API" if entry.source == API else f"{entry.source}:{entry.line}"
    return f"the id {entry.id!r} is taken by {place}: give this one another"


class Laid(NamedTuple):
    """A library with what people had written when it was made, by id."""

    library: Library
    written: Mapping[str, WrittenError]

    def since(self, written: Mapping[str, WrittenError]) -> dict[str, WrittenError]:
        """What was written or edited since."""
        versions = {name: one.version for name, one in self.written.items()}
        return {name: one for name, one in written.items() if versions.get(name) != one.version}

    def judged(self, one: WrittenError) -> KnownError | None:
        """The entry that these very words made here; None where they are others, or none stands here."""
        known, held = self.library.get(one.id), self.written.get(one.id)
        same = held is one or (held is not None and held.entry == one.entry)
        return known if same and known is not None and known.source == API else None


NOTHING_LAID = Laid(Library(), MappingProxyType({}))


def laid_over(filed: Library, written: Mapping[str, WrittenError], before: Laid = NOTHING_LAID) -> Library:
    """Return the library with what people wrote: over the pack's entries of the same id, under a site's file.

    A file of the site wins, so that what was written at night may move into the repository. What can stand no more
    (a release has become stricter) is left out. What was judged `before` in the same words is not judged again.
    """
    over = []
    for name, one in written.items():
        held = filed.get(name)
        if held is None or origin_of(held) != "site":
            try:
                over.append(before.judged(one) or entry_of({**one.entry, "id": name}))
            except BadEntry:
                continue
    return filed.with_entries(over) if over else filed
