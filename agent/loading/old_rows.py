"""Rows that the retention lets go of, looked for some at a time: neither look nor deletion holds up alerts."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agent.configuration.site import Retention
from agent.storage.store import OLD_JOURNAL, OLD_LETTERS
from agent.storage.writer import Writer
from correlation.incident import ENDED
from correlation.store import EPISODES_OF, LOOSE_EPISODES, OLD_INCIDENTS, OLD_TIMELINE

AT_ONCE = 1_000
"""Rows of one table that go in one transaction."""
INCIDENTS_AT_ONCE = 20
ANSWERS_KEPT = timedelta(hours=24)


@dataclass
class Due:
    """What is to go now, by key; `more`: a table has more than that."""

    journal: list[int] = field(default_factory=list)
    letters: list[int] = field(default_factory=list)
    episodes: list[int] = field(default_factory=list)
    """Firings, with their alerts."""
    timeline: list[int] = field(default_factory=list)
    """Rows in an unbroken line from the beginning of the chain."""
    timeline_link: str = ""
    """The link of the last of them."""
    incidents: list[int] = field(default_factory=list)
    more: bool = False


async def look(writer: Writer, keep: Retention, base_id: int, through: int, now: datetime) -> Due:
    """What may go; `base_id` is the last row of the timeline that went, `through` the last of the journal that must.

    Raises StoreDown.
    """
    due = Due()
    oldest = await writer.fetch(OLD_JOURNAL, AT_ONCE)
    due.journal = [seq for seq, at in oldest if at < now - keep.journal or seq <= through]
    letters = await writer.fetch(OLD_LETTERS, AT_ONCE)
    due.letters = [row_id for row_id, at in letters if at < now - keep.dead_letters]
    due.episodes = [row[0] for row in await writer.fetch(LOOSE_EPISODES, now - keep.touches, AT_ONCE)]
    due.more = AT_ONCE in (len(due.journal), len(due.letters), len(due.episodes))
    if keep.timeline_or_incidents is not None:
        await _look_at_timeline(writer, due, base_id, now - keep.timeline_or_incidents)
    if keep.incidents is not None:
        await _look_at_incidents(writer, due, now - keep.incidents)
        due.more = due.more or bool(due.timeline)  # whose timeline has gone can go next
    return due


async def _look_at_timeline(writer: Writer, due: Due, base_id: int, before: datetime) -> None:
    """From the beginning on, up to the first row that is young, or of an incident that has not been over as long."""
    rows = await writer.fetch(OLD_TIMELINE, base_id, AT_ONCE)
    for row_id, link, at, state, updated_at in rows:
        if at >= before or (state is not None and (state not in ENDED or updated_at >= before)):
            return
        due.timeline.append(row_id)
        due.timeline_link = link
    due.more = due.more or len(rows) == AT_ONCE


async def _look_at_incidents(writer: Writer, due: Due, before: datetime) -> None:
    """Incidents that are over, and of which no timeline is left; first the alerts of them, then they themselves."""
    found = [row[0] for row in await writer.fetch(OLD_INCIDENTS, before, INCIDENTS_AT_ONCE)]
    due.more = due.more or len(found) == INCIDENTS_AT_ONCE
    for incident in found:
        room = AT_ONCE - len(due.episodes)
        theirs = [row[0] for row in await writer.fetch(EPISODES_OF, incident, room)] if room > 0 else []
        due.episodes += theirs
        if len(due.episodes) >= AT_ONCE:
            due.more = True
            return
        due.incidents.append(incident)
