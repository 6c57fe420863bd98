"""Something that must report in: a job, or the `Watchdog` of a Prometheus. Its silence is the finding."""

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, model_validator

from collectors.alert import Level
from collectors.labels import Labels, Matcher, all_match, matchers_from_yaml
from collectors.moment import moment_text
from collectors.rule import Span, format_span
from collectors.source import Finding, InspectionConfig, Reading


class Config(InspectionConfig):
    """A firing alert that `expect` matches is a beat (`{alertname: Watchdog}`); `job: backup` is short for
    `expect: {job: backup}`. With `source` only what that source sends counts. `within` is how long the silence
    may be, `level` how bad it is then.
    """

    type: Literal["heartbeat"]
    every: Span = timedelta(seconds=10)
    expect: Annotated[tuple[Matcher, ...], BeforeValidator(matchers_from_yaml)] = ()
    job: str = ""
    source: str = ""
    within: Span
    level: Level = Level.CRIT

    @model_validator(mode="after")
    def _expects_something(self) -> Self:
        if not self.expect and not self.job:
            raise ValueError("a heartbeat expects nothing: write `job: NAME` or `expect: {alertname: Watchdog}`")
        return self


class Inspect:
    """One heartbeat. It reads nothing: whoever takes in alerts asks `hears` and calls `beat`."""

    def __init__(self, name: str, config: Config) -> None:
        self._config = config
        self._expect = (*config.expect, *((Matcher("job", "=", config.job),) if config.job else ()))
        self.about = {"heartbeat": name}
        self._started_at: datetime | None = None
        self._beat_at: datetime | None = None

    def hears(self, source: str, labels: Labels) -> bool:
        """Whether a firing alert of a source is a beat of this heart. A resolved one is never a beat."""
        return self._config.source in ("", source) and all_match(self._expect, labels)

    def beat(self, at: datetime) -> None:
        """Note that it reported in; an earlier moment than the last one changes nothing."""
        self._beat_at = at if self._beat_at is None else max(at, self._beat_at)

    def moved(self, shift: timedelta) -> None:
        """The clock was put right by this much."""
        self._started_at = self._started_at and self._started_at + shift
        self._beat_at = self._beat_at and self._beat_at + shift

    async def read(self, now: datetime) -> list[Reading | Finding]:
        """Return HeartbeatMissing when the last beat, or else the first read, is longer ago than `within`.

        Before the first beat nothing is said until then: what was missing before a restart still is.
        """
        self._started_at = self._started_at or now
        heard_at = self._beat_at or self._started_at
        if now - heard_at > self._config.within:
            return [self._finding(self._config.level)]
        return [self._finding(None)] if self._beat_at else []

    async def close(self) -> None:
        """Nothing to let go of."""

    def _finding(self, level: Level | None) -> Finding:
        last = moment_text(self._beat_at) or "never"
        silence = f"no beat of {self.about['heartbeat']} within {format_span(self._config.within)}"
        summary = f"{silence}; the last one: {last}" if level else f"{self.about['heartbeat']} reports in"
        return Finding("HeartbeatMissing", self.about, level, {"summary": summary, "last_beat": last})
