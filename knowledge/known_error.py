"""A known error: how it shows, why it happens, what helps at once, what cures it (procedure R61, R62, 4.14)."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from collectors.labels import BadMatcher, Matcher, all_match, matchers_from_yaml
from collectors.rule import Rule

Group = tuple[Matcher, ...]
Status = Literal["draft", "reviewed", "published", "retired"]

_HOW_TO = "write a mapping of labels (`alertname: [A, B]`), a list of matchers, or a list of such groups"


def without_workaround(*texts: str | None) -> str:
    """Return what is wrong where none of these texts says anything; empty where one does."""
    if any(text and text.strip() for text in texts):
        return ""
    return "it has no workaround: write a section `## Workaround` or `## 应急措施` (over the API: `workaround`)"


class BadGroup(ValueError):
    """A group of conditions that cannot stand; `place` is its place in the list, from 0, `also` are the others."""

    def __init__(self, place: int, message: str) -> None:
        super().__init__(message)
        self.place, self.message = place, message
        self.also: tuple[BadGroup, ...] = ()


def groups_from_yaml(match: Any) -> tuple[Group, ...]:
    """Read the `match:` of a known error: one group of conditions, or a list of groups any of which suffices.

    A group is a mapping or a list of matcher texts, as `matchers_from_yaml` reads it. Raises BadGroup for those that
    cannot be read, and that hold for an alert without labels: they would hold for nearly all; ValueError where the
    whole is neither.
    """
    groups, bad = [], []
    for place, written in enumerate(_split(match)):
        try:
            groups.append(_group(place, written))
        except BadGroup as error:
            bad.append(error)
    if bad:
        first, *others = bad
        first.also = tuple(others)
        raise first
    return tuple(groups)


def _split(match: Any) -> list[Any]:
    if match is None:
        return []
    if isinstance(match, Mapping):
        return [match]
    if not isinstance(match, list | tuple):
        raise ValueError(f"{match!r}: {_HOW_TO}")
    texts = [isinstance(written, str) for written in match]
    if any(texts) and not all(texts):
        raise ValueError(f"matchers and groups are mixed: {_HOW_TO}")
    return [match] if any(texts) else list(match)


def _group(place: int, written: Any) -> Group:
    if not isinstance(written, Mapping | list | tuple):
        raise BadGroup(place, f"{written!r}: {_HOW_TO}")
    try:
        group = matchers_from_yaml(written)
    except BadMatcher as error:
        raise BadGroup(place, str(error)) from error
    if all_match(group, {}):
        raise BadGroup(
            place,
            "it holds for an alert without any label, so for nearly every alert: add a label that it must have",
        )
    return group


Match = Annotated[
    tuple[Group, ...],
    BeforeValidator(groups_from_yaml),
    PlainSerializer(lambda groups: [[str(m) for m in group] for group in groups], when_used="json"),
]
Line = Annotated[str, BeforeValidator(lambda written: written.strip() if isinstance(written, str) else written)]


class FrontMatter(Rule):
    """What stands between the two `---` of a known error's file."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)
    title: Annotated[Line, Field(min_length=1, max_length=200)]
    title_zh: Annotated[Line, Field(max_length=200)] = ""
    match: Match = ()
    review_at: date | None = None
    owner: str = ""
    category: str = ""
    status: Status = "published"
    action: Annotated[str, Field(max_length=100)] = ""


class KnownError(FrontMatter):
    """One entry of the library.

    Any group of `match` suffices, and within a group every matcher holds; without one it is found by its words alone.
    The texts are Markdown; a text that was not written is empty. `source` and `line` say where it is written.
    """

    symptoms: str = ""
    symptoms_zh: str = ""
    root_cause: str = ""
    root_cause_zh: str = ""
    workaround: str = ""
    workaround_zh: str = ""
    solution: str = ""
    solution_zh: str = ""
    safety_note: str = ""
    safety_note_zh: str = ""
    source: str = ""
    line: int = 1

    @model_validator(mode="after")
    def _helps(self) -> "KnownError":
        if wrong := without_workaround(self.workaround, self.workaround_zh):
            raise ValueError(wrong)
        return self

    @property
    def in_force(self) -> bool:
        """Whether it may be shown for an incident: not a draft, not retired."""
        return self.status in ("reviewed", "published")

    def text(self, name: str, language: str = "en") -> str:
        """Return `title`, `symptoms`, `root_cause`, `workaround`, `solution` or `safety_note` in a language.

        Where it is not written in that language the other one is returned: a workaround one has to translate
        still helps.
        """
        own: str = getattr(self, name)
        chinese: str = getattr(self, f"{name}_zh")
        return (chinese or own) if language.lower().startswith("zh") else (own or chinese)


class AliasFile(Rule):
    """`knowledge/aliases.yaml`: further texts by the name of an alert or the id of an entry, in any language.

    An entry is found by those of its id and of every alert that one of its predicates names exactly.
    """

    aliases: dict[str, tuple[str, ...]] = {}
