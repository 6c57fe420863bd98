"""Labels name an alert; matchers pick alerts by them; a fingerprint is their hash, as Alertmanager makes it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import re2

from collectors.remembering import remembers

Labels = Mapping[str, str]
PackedLabels = tuple[Any, ...]
"""Labels as they are kept: a tuple of their names, then their values (`packed`, `unpacked`)."""

_OFFSET, _PRIME, _MASK = 14695981039346656037, 1099511628211, (1 << 64) - 1


def fingerprint(labels: Labels) -> str:
    """Return Alertmanager's fingerprint: FNV-1a 64 over sorted `name 0xff value 0xff`, 16 hex digits."""
    text = b"".join(b"%b\xff%b\xff" % (k.encode(), labels[k].encode()) for k in sorted(labels))
    digest = _OFFSET
    for byte in text:
        digest = (digest ^ byte) * _PRIME & _MASK
    return f"{digest:016x}"


@remembers("texts", 16_384)
def one_text(text: str) -> str:
    """The same text as one object, however often it is told: alerts repeat each other's values."""
    return text


@remembers("label_names", 1024)
def _one_shape(names: tuple[str, ...]) -> tuple[str, ...]:
    return names


def packed(labels: Labels) -> PackedLabels:
    """Labels in little memory: names and values are shared with other labels that have them too."""
    return (_one_shape(tuple(labels)), *map(one_text, labels.values()))


def unpacked(labels: PackedLabels) -> Labels:
    """What was packed."""
    return dict(zip(labels[0], labels[1:], strict=True))


class BadMatcher(ValueError):
    """A matcher that cannot be read; the text says what to write."""


@remembers("patterns", 4096)
def compile_pattern(pattern: str) -> Any:
    """Return an anchored RE2 pattern; raises BadMatcher where RE2 refuses it (no backtracking, no huge repeats)."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(f"^(?:{pattern})$", options)
    except re2.error as error:
        raise BadMatcher(f"the regex {pattern!r} is refused (RE2 syntax): {_said(error, pattern)}") from error


def _said(error: Exception, pattern: str) -> str:
    """RE2's own words: it speaks in bytes, and of the pattern as we anchored it."""
    said = error.args[0] if error.args else error
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return text.removesuffix(f": ^(?:{pattern})$")


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label: `=`, `!=`, `=~`, `!~`. A missing label counts as empty."""

    name: str
    op: str
    value: str

    def __post_init__(self) -> None:
        if self.op.endswith("~"):
            compile_pattern(self.value)

    def matches(self, labels: Labels) -> bool:
        """Whether it holds for these labels."""
        found = labels.get(self.name, "")
        if self.op.endswith("~"):
            return (compile_pattern(self.value).match(found) is not None) == (self.op == "=~")
        return (found == self.value) == (self.op == "=")

    @classmethod
    def parse(cls, text: str) -> "Matcher":
        """Read `name="value"`, `name!=value`, `name=~"regex"` or `name!~regex`; raises BadMatcher."""
        for op in ("=~", "!~", "!=", "="):
            name, found, value = text.partition(op)
            if found and not set(name) & set("=!~"):
                value = value.strip()
                if len(value) >= 2 and value[0] == value[-1] == '"':
                    value = value[1:-1].replace('\\"', '"').replace("\\\\", "\\")
                if not name.strip():
                    break
                return cls(name.strip().strip('"'), op, value)
        raise BadMatcher(f'{text!r} is no matcher: write name="value", name!="value", name=~"regex" or name!~"regex"')

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.name}{self.op}"{escaped}"'


def all_match(matchers: Iterable[Matcher], labels: Labels) -> bool:
    """Whether every matcher holds."""
    for matcher in matchers:  # noqa: SIM110 - called for every alert: a generator costs twice as much
        if not matcher.matches(labels):
            return False
    return True


def matchers_from_yaml(match: Any) -> tuple[Matcher, ...]:
    """Read the `match:` of a rule.

    Either a list of matcher texts, or a mapping: `label: value`, `label: [one, of, these]`,
    `label_re: regex` (also `label: {re: regex}`, `label: {not: value}`), `label_has: regex` for one somewhere in
    the label, in capitals or not; of a list of regexes one is enough. Raises BadMatcher.
    """
    if isinstance(match, list | tuple):
        return tuple(m if isinstance(m, Matcher) else Matcher.parse(str(m)) for m in match)
    if not isinstance(match, Mapping):
        raise BadMatcher(f"{match!r}: write a mapping of labels or a list of matchers")
    return tuple(_from_pair(str(name), want) for name, want in match.items())


def _from_pair(name: str, want: Any) -> Matcher:
    if isinstance(want, Mapping):
        if len(want) != 1:
            raise BadMatcher(f"{name}: write one condition of re, not or not_re")
        ((how, value),) = want.items()
        if how in ("re", "not", "not_re"):
            return Matcher(name, {"re": "=~", "not": "!=", "not_re": "!~"}[how], str(value))
        raise BadMatcher(f"{name}: {how!r} is no condition: write re, not or not_re")
    if name.endswith("_re"):
        return Matcher(name.removesuffix("_re"), "=~", _one_of(name, want))
    if name.endswith("_has"):
        return Matcher(name.removesuffix("_has"), "=~", f"(?i).*(?:{_one_of(name, want)}).*")
    if isinstance(want, list):
        return Matcher(name, "=~", "|".join(re2.escape(str(v)) for v in want))
    return Matcher(name, "=", str(want))


def _one_of(name: str, want: Any) -> str:
    """One regex for a regex, or for a list of them of which one has to match."""
    patterns = [str(one) for one in want] if isinstance(want, list) else [str(want)]
    for pattern in patterns:
        compile_pattern(pattern)
        if not pattern and name.endswith("_has"):
            raise BadMatcher(f"{name}: an empty text is in every label: write what the label has")
    if not patterns:
        raise BadMatcher(f"{name}: write a regex, or a list of them")
    return patterns[0] if len(patterns) == 1 else "|".join(f"(?:{pattern})" for pattern in patterns)
