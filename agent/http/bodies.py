"""What people send: strict models, nothing unknown; moments are checked, NUL is replaced as at the intake."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from collectors.moment import parse_moment

MOMENT = (
    r"^(19[89][0-9]|2[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
DAY = r"^(19[89][0-9]|2[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
NUMBER = r"^INC-[0-9A-Za-z-]{1,40}$"
ATTACHMENT = r"^[0-9]{1,18}$"
_NAME = r'[^=!~"\\{},\s\x00-\x1f]{1,100}'
_CLASS = r"\[\^?(?:a-z|A-Z|0-9|[A-Za-z0-9_])+\]"
_META = r"[.*+?()|\[\]{}^$dws-]"
_PLAIN = r'[^\\()\[\]{}*+?.|^$"\x00-\x1f]'


def _regex(escaped: str) -> str:
    """Regexes that RE2 always takes, with `escaped` for what stands behind a backslash."""
    atom = rf"(?:{_PLAIN}|{escaped}|{_CLASS}|\.)[*+?]?"
    return rf"(?:{atom}|\||\((?:\?:)?(?:{atom}|\|)*\)[*+?]?)*"


_BARE = _regex(rf"\\{_META}")
_QUOTED = r"(?:\(\?i\))?" + _regex(rf'\\{{1,2}}{_META}|\\"|\\{{4}}')
MATCHER = rf'^{_NAME}(?:!?=(?:"(?:[^"\\]|\\["\\])*"|[^"~\\][^"\\]*)|[=!]~(?:"{_QUOTED}"|{_BARE}))$'
"""A matcher as text: `name="value"`, `name!=value`, `name=~"regex"`, `name!~"regex"`, as silences are shown: between
quotes a backslash stands before a backslash and a quote, and for itself before anything else. Of regexes the part that
RE2 always takes: literals, classes, `. * + ? |`, groups one level deep, and `(?i)` at the beginning."""


def _moment(text: str) -> str:
    if parse_moment(text) is None:
        raise ValueError(f"{text!r} is no moment: write 2026-03-02T09:00:00Z")
    return text


def clean(text: str) -> str:
    return text.replace("\x00", "�")


def whole(value: Any) -> Any:
    """JSON has one kind of number: 1.0 is 1."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Moment = Annotated[
    str,
    StringConstraints(pattern=MOMENT),
    AfterValidator(_moment),
    Field(json_schema_extra={"format": "date-time"}, examples=["2026-03-02T09:00:00Z"]),
]
SAYS = r"\S"
"""Not blank alone."""
Text = Annotated[str, StringConstraints(min_length=1, max_length=4000, pattern=SAYS), AfterValidator(clean)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=SAYS), AfterValidator(clean)]
Grade = Annotated[int, Field(ge=1, le=4), BeforeValidator(whole)]
Number = Annotated[str, StringConstraints(pattern=NUMBER)]


Category = Annotated[Name, Field(examples=["storage/disk_space"])]
Worker = Annotated[Name, Field(json_schema_extra={"x-names": "workers"})]
Person = Annotated[Name, Field(json_schema_extra={"x-names": "people"})]
Item = Annotated[Name, Field(json_schema_extra={"x-names": "items"})]
Group = Annotated[Name, Field(json_schema_extra={"x-names": "groups"})]


class Body(BaseModel):
    """A body of the API."""

    model_config = ConfigDict(strict=True, extra="forbid", use_attribute_docstrings=True)

    def facts(self) -> dict[str, Any]:
        """What was sent, by the names of the API, without what was left out or null."""
        return self.model_dump(by_alias=True, exclude_none=True)


class SilenceFor(Body):
    """From when until when something is silenced, and why."""

    starts_at: Moment | None = None
    ends_at: Moment
    comment: Text


class PutSilence(SilenceFor):
    """Alerts that match are suppressed while it lasts."""

    matchers: Annotated[
        list[Annotated[str, StringConstraints(max_length=1000, pattern=MATCHER)]],
        Field(min_length=1, max_length=50, examples=[['alertname="DiskFull"', 'instance=~"db-.+"']]),
    ]
