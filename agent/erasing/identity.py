"""By what a person is known, and what a value says once they are erased; pure: it reads and writes no row."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

ERASED = "(erased)"
"""What stands in place of a text."""
_SHORTEST = 2
"""A name of one character is looked for where people stand, not within texts."""
SAID = frozenset(
    {"actions", "back_out", "cause", "comment", "file", "lessons", "next_action", "note", "plan", "reason", "remark"}
    | {"resolution", "risk", "symptom", "text", "title"}
)
"""Keys under which people write freely: of what they did themselves, all of it goes."""
_CODES = frozenset(
    {"calendar", "category", "clock", "code", "do", "final_category", "for", "group", "groups", "kind", "number"}
    | {"outcome", "roles_told", "state", "step", "suggested_group", "tier", "to", "type"}
)
"""Keys whose values are words of the house: a person called `desk` takes no group with them."""


_IDENTITY = frozenset({"labels", "commonLabels", "groupLabels", "groupKey", "generatorURL", "externalURL"})
"""Keys of a webhook under which an alert is known again: of a value the rest stays, so that two stay two."""


@dataclass(frozen=True)
class Identity:
    """By what a person is known (`names`, with contact details), and what stands for them since (`alias`)."""

    names: frozenset[str]
    alias: str

    @cached_property
    def _folded(self) -> frozenset[str]:
        return frozenset(name.casefold() for name in self.names)

    @cached_property
    def _within(self) -> re.Pattern[str] | None:
        """A name within a text; one of Latin letters is a word of its own, a Chinese one has no bounds."""
        found = [re.escape(n) for n in sorted(self.names, key=len, reverse=True) if len(n) >= _SHORTEST]
        bounded = rf"(?<![A-Za-z0-9_])(?:{'|'.join(found)})(?![A-Za-z0-9_])"
        return re.compile(bounded, re.IGNORECASE) if found else None

    def is_(self, value: object) -> bool:
        """Whether this is the person, by one of their names."""
        return isinstance(value, str) and value.casefold() in self._folded

    def person(self, value: Any) -> Any:
        """A column that holds a person."""
        return self.alias if self.is_(value) else value

    def text(self, value: Any) -> Any:
        """A text: all of it goes where it names them, for the rest of it is about them."""
        if not isinstance(value, str) or not self.named_in(value):
            return value
        return self.alias if self.is_(value) else ERASED

    def named_in(self, text: str) -> bool:
        """Whether a text names them."""
        return self.is_(text) or (self._within is not None and self._within.search(text) is not None)

    @cached_property
    def escaped(self) -> frozenset[str]:
        """Names as JSON of plain ASCII writes them."""
        return frozenset(json.dumps(n)[1:-1].casefold() for n in self.names if not n.isascii() and len(n) >= _SHORTEST)

    def named_in_bytes(self, raw: bytes) -> bool:
        """Whether JSON, or any text, names them."""
        text = raw.decode("utf-8", "replace")
        return self.named_in(text) or ("\\u" in text and any(name in text.casefold() for name in self.escaped))

    def within(self, value: Any) -> Any:
        """What an alert is known by: their name alone changes, wherever it stands."""
        match value:
            case dict():
                return {k: self.within(v) for k, v in value.items()}
            case list():
                return [self.within(one) for one in value]
            case str():
                named = self.person(value)
                return self._within.sub(self.alias, named) if self._within is not None else named
        return value

    def sent(self, value: Any) -> Any:
        """What a source sent: labels keep their shape, of anything else a text that names them goes."""
        match value:
            case dict():
                return {k: self.within(v) if k in _IDENTITY else self.sent(v) for k, v in value.items()}
            case list():
                return [self.sent(one) for one in value]
        return self.text(value)

    def facts(self, value: Any, *, theirs: bool = False, key: str = "") -> Any:
        """A value of JSON; `theirs`: they did or said it, so that what they wrote freely goes too."""
        match value:
            case dict():
                theirs = theirs or self._acted(value)
                if self.is_(value.get("affected_user")) and value.get("affected_contact"):
                    value = {**value, "affected_contact": ERASED}
                return {self.person(k): self._under(k, v, theirs) for k, v in value.items()}
            case list():
                return [self.facts(one, theirs=theirs, key=key) for one in value]
            case str() if key in _CODES:
                return value
            case str() if theirs and key in SAID and value:
                return ERASED
        return self.text(value)

    def _under(self, key: str, value: Any, theirs: bool) -> Any:
        """What stands under a key; under their own name, as in people.yaml, nothing is left."""
        return ERASED if self.is_(key) and isinstance(value, dict) else self.facts(value, theirs=theirs, key=key)

    def _acted(self, value: Mapping[str, Any]) -> bool:
        acts = value.get("acts")
        resolved = acts.get("resolve") if isinstance(acts, dict) else None
        return any(self.is_(who) for who in (value.get("by"), value.get("reporter"), resolved))
