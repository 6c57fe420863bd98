"""One alert is tried on a configuration: what it would be, whom it would page and when, if nobody did anything."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from agent.configuration.config import Config
from agent.rehearsal.house import House, Sent
from agent.rehearsal.rehearse import Stage
from agent.rehearsal.scenario import Line
from agent.wording.sentences import happened, text


@dataclass
class Trial:
    """What became of the alert: in words what it was taken for, and each page with its moment."""

    said: list[str] = field(default_factory=list)
    pages: list[Sent] = field(default_factory=list)


async def tried(
    config: Config, labels: Mapping[str, str], at: datetime, within: timedelta, others: list[dict[str, str]]
) -> Trial:
    """Let an alert fire at a moment, beside others that fire already; say what follows of it within a span.

    It goes through the same line as in a daemon, on a clock moved by hand and a store in memory; nothing is sent.
    """
    house = await House(config, at).open()
    stage = Stage(house, at)
    try:
        if others:
            await stage.play(Line(at=timedelta(), alerts=others))
        before = len(house.sent)
        known = {row[0] for row in await house.writer.fetch("SELECT alert_id FROM episode")}
        await stage.play(Line(at=timedelta(), alert=dict(labels)))
        rows = await house.writer.fetch("SELECT alert_id, decision, why FROM episode")
        alert, decision, why = next(row for row in rows if row[0] not in known)
        trial = Trial([f"{decision}: {_sentence(why)}"])
        number = await _number(house, alert)
        if number is not None:
            trial.said += await _told(house, number)
        await stage.advance_to(at + within)
        # It may have got an incident late, or gone over to another one.
        its_own = {number, await _number(house, alert)}
        trial.pages = [sent for sent in house.sent[before:] if sent.incident in its_own]
        return trial
    finally:
        await house.close()


async def _number(house: House, alert: int) -> str | None:
    """The incident that an alert is in now."""
    rows = await house.writer.fetch(
        "SELECT i.number FROM incident i JOIN episode e ON e.incident_id = i.id WHERE e.alert_id = ?", alert
    )
    return rows[0][0] if rows else None


async def _told(house: House, number: str) -> list[str]:
    found = house.incident(number)
    opened = [happened(kind, facts) for _, kind, _, facts in await house.timeline(number) if kind == "opened"]
    library = house.config.known_errors
    known = [f"known error {e['id']}: {_title(library.get(e['id']), e['id'])}" for e in found.known_errors[:3]]
    return [*opened, *(known or ["no known error fits"])]


def _title(entry: object, name: str) -> str:
    return getattr(entry, "title", "") or name


def _sentence(why: str | Mapping[str, Any]) -> str:
    found = json.loads(why) if isinstance(why, str) else why
    return text(str(found["code"]), found["facts"])
