"""The tables of alerts, incidents, their timeline and silences, and how their values become rows."""

from datetime import datetime
from typing import Any

import msgspec

from collectors.alert import Alert, decode_labels, hash_of
from collectors.expression import expression_of
from collectors.labels import Matcher, one_text, packed
from collectors.moment import parse_moment, written_otherwise
from correlation.configuration_item import ItemEdit
from correlation.incident import Episode, Incident, State, Why, key_of
from correlation.lessons import Lesson
from correlation.place import Place
from correlation.rows import columns, insert_into, select, upsert
from correlation.scene import Mark
from correlation.silence import Silence
from correlation.storm_state import Storm
from correlation.tables import (
    AlertRow,
    BeatRow,
    ChainRow,
    CounterRow,
    EpisodeRow,
    IncidentRow,
    ItemEditRow,
    LessonRow,
    SilenceRow,
    TimelineRow,
    TouchRow,
)
from correlation.timeline import Chain

INSERT_ALERT, INSERT_EPISODE = insert_into(AlertRow), insert_into(EpisodeRow)
UPSERT_TOUCH = upsert(TouchRow)
CHANGE_EPISODE = (
    "UPDATE episode SET incident_id = ?, open = ?, decision = ?, ends_at = ?, ends_text = ?, closed_at = ?, "
    "expires_at = ?, level = ? WHERE alert_id = ?"
)
MOVE_EPISODE = "UPDATE episode SET incident_id = ?, decision = ?, why = ?, rejected = NULL WHERE alert_id = ?"
PLACE_EPISODE = "UPDATE episode SET placed_at = ?, group_key = ?, parent = ?, weight = ? WHERE alert_id = ?"
MOVE_START = "UPDATE alert SET starts_at = ?, starts_text = ?, latest_at = ? WHERE id = ?"
EXPLAIN_EPISODE = "UPDATE episode SET why = ?, rejected = ? WHERE alert_id = ?"
UPSERT_INCIDENT, INSERT_TIMELINE = upsert(IncidentRow), insert_into(TimelineRow)
UPSERT_CHAIN = upsert(ChainRow)
MARK_RANKING = "UPDATE incident SET to_rank = ? WHERE id = ?"
UPSERT_SILENCE, UPSERT_COUNTER, UPSERT_BEAT = upsert(SilenceRow), upsert(CounterRow), upsert(BeatRow)


def to_json(value: Any) -> str:
    """Encode facts, reasons and other small values."""
    return msgspec.json.encode(value).decode()


def alert_values(alert: Alert, episode: Episode, source: str, received_at: datetime) -> tuple[Any, ...]:
    """A tuple for INSERT_ALERT."""
    return (
        episode.id,
        episode.previous or None,
        alert.origin,
        source,
        alert.fingerprint,
        alert.starts_at,
        alert.starts_text,
        received_at,
        alert.labels_json.decode(),
        alert.annotations_json.decode(),
        alert.generator_url,
        ",".join(alert.repairs),
        episode.latest_at,
    )


def placed_values(mark: Mark | None) -> tuple[Any, ...]:
    """The first values of a tuple for PLACE_EPISODE."""
    if mark is None:
        return _NOWHERE
    parent = None if mark.parent is None else mark.parent.replace(" ", "\xff")
    return (mark.placed_at, mark.group or None, parent, mark.weight or None)


def episode_values(episode: Episode, why: Why, rejected: Why | None, mark: Mark | None) -> tuple[Any, ...]:
    """A tuple for INSERT_EPISODE."""
    return (
        episode.id,
        episode.incident,
        episode.open,
        episode.decision,
        to_json(why),
        to_json(rejected) if rejected else None,
        episode.ends_at,
        episode.ends_text,
        episode.closed_at,
        episode.last_at,
        episode.expires_at,
        episode.level,
        episode.count,
        *placed_values(mark),
    )


def changed_values(episode: Episode) -> tuple[Any, ...]:
    """A tuple for CHANGE_EPISODE."""
    return (
        episode.incident,
        episode.open,
        episode.decision,
        episode.ends_at,
        episode.ends_text,
        episode.closed_at,
        episode.expires_at,
        episode.level,
        episode.id,
    )


def touch_values(episode: Episode) -> tuple[Any, ...]:
    """A tuple for UPSERT_TOUCH."""
    return (episode.id, episode.last_at, episode.count)


_JSON_FIELDS = frozenset(
    {
        "root",
        "known_errors",
        "targets",
        "history",
        "rests",
        "resolution",
        "links",
        "major",
        "rules_confirmed",
        "feedback",
        "form",
        "grown",
        "storming",
        "together",
    }
)
_NOWHERE = (None, None, None, None)
INCIDENT_FIELDS = Incident.__struct_fields__
_JSON_PLACES = [place for place, name in enumerate(INCIDENT_FIELDS) if name in _JSON_FIELDS]
_STATE = INCIDENT_FIELDS.index("state")


def incident_values(incident: Incident) -> tuple[Any, ...]:
    """A tuple for UPSERT_INCIDENT."""
    out = list(msgspec.structs.astuple(incident))
    out[_STATE] = str(incident.state)
    for place in _JSON_PLACES:
        if out[place] is not None:
            out[place] = to_json(out[place])
    return tuple(out)


def incident_from(row: tuple[Any, ...]) -> Incident:
    """The incident of a row read by SELECT_INCIDENTS."""
    values = dict(zip(INCIDENT_FIELDS, row, strict=True))
    for name in _JSON_FIELDS:
        if values[name] is not None:
            values[name] = msgspec.json.decode(values[name])
    values["state"] = State(values["state"])
    values["history"] = [(parse_moment(at), state) for at, state in values["history"]]
    values["rests"] = [(parse_moment(since), parse_moment(until)) for since, until in values["rests"]]
    values["links"] = [(kind, target) for kind, target in values["links"]]
    values["together"] = values["together"] or {}
    values["storming"] = msgspec.convert(values["storming"], Storm | None)
    if values["root"]:
        values["root"]["at"] = parse_moment(values["root"]["at"])
    return Incident(**values)


EPISODE_COLUMNS = (
    "a.id, a.origin, a.fingerprint, a.starts_at, a.starts_text, a.labels, e.open, e.incident_id, e.decision, "
    "e.ends_at, e.ends_text, e.closed_at, e.last_at, e.expires_at, e.level, e.count, a.previous_id, "
    "a.latest_at, e.placed_at, e.group_key, e.parent, e.weight, a.received_at, t.last_at, t.count, a.generator_url"
)
EPISODE_TABLES = "episode e JOIN alert a ON a.id = e.alert_id LEFT JOIN touch t ON t.alert_id = e.alert_id"
_EPISODES = f"SELECT {EPISODE_COLUMNS} FROM {EPISODE_TABLES}"  # noqa: S608 - our own text
OPEN_EPISODES = f"{_EPISODES} WHERE e.open AND e.alert_id > ? ORDER BY e.alert_id LIMIT ?"
"""So many after an id: all of them at once would be several times what is held of them."""
ENDED_EPISODES = (
    f"{_EPISODES} WHERE NOT e.open AND e.closed_at >= ? AND e.decision <> 'suspect' "
    "ORDER BY e.closed_at DESC, a.id DESC LIMIT ?"
)
"""Newest first: where there are too many to remember, the oldest are left out."""
ENDED_OF_OPEN = (
    f"{_EPISODES} WHERE NOT e.open AND e.closed_at < ? "  # noqa: S608 - ours
    "AND e.incident_id IN (SELECT id FROM incident WHERE state IN "
    "('new', 'sales_decision', 'assigned', 'in_progress', 'pending_customer', 'pending_vendor', 'pending_change')) "
    "ORDER BY e.closed_at, a.id"
)
"""What ended so long ago that it is remembered for the sake of its incident alone, which goes on."""
MERGED = (
    "WITH RECURSIVE way(id, into_id, depth) AS (SELECT i.id, j.id, 1 FROM incident i JOIN incident j "
    "ON j.number = i.merged_into WHERE j.merged_into IS NULL UNION ALL "
    "SELECT i.id, w.into_id, w.depth + 1 FROM incident i JOIN incident j ON j.number = i.merged_into "
    "JOIN way w ON w.id = j.id WHERE w.depth < 8) "
    "SELECT id, into_id FROM way WHERE into_id IN (SELECT id FROM incident WHERE state IN "
    "('new', 'sales_decision', 'assigned', 'in_progress', 'pending_customer', 'pending_vendor', "
    "'pending_change'))"
)
"""Incidents that were merged into ones that go on, with those: also by way of others."""
LOOSE_EPISODES = (
    "SELECT alert_id FROM episode WHERE NOT open AND incident_id = 0 AND closed_at < ? ORDER BY closed_at LIMIT ?"
)
"""Firings that no incident holds: suppressed, stale, heartbeats."""
ENDED_ALERTS_OF = f"{_EPISODES} WHERE e.incident_id = ? AND NOT e.open ORDER BY a.id DESC LIMIT ?"
ANNOTATIONS_OF = (
    "SELECT a.id, a.annotations FROM episode e JOIN alert a ON a.id = e.alert_id WHERE e.incident_id = ? "
    "ORDER BY a.id LIMIT ?"
)
SUSPECTS = f"{_EPISODES} WHERE NOT e.open AND e.decision = 'suspect' ORDER BY a.id"


def episode_from(row: tuple[Any, ...]) -> Episode:
    """The episode of a row of OPEN_EPISODES and its like."""
    labels_json = row[5].encode()
    return Episode(
        id=row[0],
        key=key_of(row[1], row[2]),
        starts_at=row[3],
        starts_written=written_otherwise(row[4], row[3]),
        labels=packed(decode_labels(labels_json)),
        told=hash_of(labels_json, row[4]),
        open=bool(row[6]),
        incident=row[7],
        decision=one_text(row[8]),
        ends_at=row[9],
        ends_text=row[10],
        closed_at=row[11],
        last_at=row[23] or row[12],
        expires_at=row[13],
        level=row[14],
        count=row[24] or row[15],
        previous=row[16] or 0,
        latest_at=row[17],
        expression=expression_of(row[25]),
    )


def place_from(row: tuple[Any, ...]) -> Place:
    """Where an alert of a row of EPISODE_COLUMNS stands."""
    origin, _, fingerprint = (row[20] or "").partition("\xff")
    parent = key_of(origin, fingerprint) if fingerprint else None
    return Place(
        placed_at=row[18], came_at=row[22], group=one_text(row[19] or ""), parent=parent, weight=row[21] or 0.0
    )


SELECT_INCIDENTS = select(IncidentRow)
HELD_INCIDENTS = (
    f"{SELECT_INCIDENTS} WHERE state IN ('new', 'sales_decision', 'assigned', 'in_progress', "  # noqa: S608 - ours
    "'pending_customer', "
    "'pending_vendor', 'pending_change') OR (state IN ('resolved', 'pending_review') AND resolved_at >= ?) "
    "OR id IN (SELECT incident_id FROM page WHERE open)"
)
"""What may change by itself, and what somebody has still to be told of."""
ORPHANED = (
    "SELECT id, number FROM incident WHERE state IN ('archived', 'cancelled', 'out_of_scope', 'resolved', "
    "'pending_review') AND id IN (SELECT incident_id FROM episode WHERE open)"
)
"""Incidents that are over though alerts of theirs fire on."""
COUNTED = (
    "SELECT id, number, opened_at, root, category FROM incident WHERE opened_at >= ? AND source <> 'self' "
    "ORDER BY opened_at DESC, id DESC LIMIT ?"
)
"""The incidents of late, newest first: those that resemble each other propose a problem (procedure R102)."""
OPENINGS = (
    "SELECT i.id, i.opened_at, t.facts FROM incident i JOIN timeline t ON t.incident_id = i.id AND t.kind = 'opened' "
    "WHERE i.opened_at >= ? AND i.source <> 'self' ORDER BY i.id DESC LIMIT ?"
)
"""The incidents opened of late, newest first, with what was told of each: what opens at once may be a storm."""
SOLVED = (
    "SELECT id, number, title, root, category, resolved_at, resolution FROM incident "
    "WHERE id > (SELECT COALESCE(MAX(id), 0) FROM incident) - 100000 AND resolved_at IS NOT NULL "
    "AND state IN ('resolved', 'pending_review', 'archived') AND resolution LIKE '%\"resolution\":%' "
    'AND resolution NOT LIKE \'%"type":"auto_recovered"%\' ORDER BY id DESC LIMIT ?'
)
"""The incidents of late that a person solved, newest first (procedure R63)."""
JUDGED = (
    "SELECT title, symptom, feedback FROM incident "
    "WHERE id > (SELECT COALESCE(MAX(id), 0) FROM incident) - 100000 AND feedback <> '{}' ORDER BY id DESC LIMIT ?"
)
"""The incidents of late that said something of a known error, newest first."""
STORMS_OF_LATE = "SELECT storm, storming FROM incident WHERE storming IS NOT NULL AND updated_at >= ?"
_OVER = "state IN ('archived', 'cancelled', 'out_of_scope')"
OLD_TIMELINE = (
    "SELECT t.id, t.link, t.at, i.state, i.updated_at "
    "FROM timeline t LEFT JOIN incident i ON i.id = t.incident_id WHERE t.id > ? ORDER BY t.id LIMIT ?"
)
"""Rows in their order, each with the state of its incident (null: there is none any more)."""
OLD_INCIDENTS = (
    f"SELECT id FROM incident WHERE {_OVER} AND updated_at < ? AND NOT EXISTS "  # noqa: S608 - ours
    "(SELECT 1 FROM timeline WHERE incident_id = incident.id) AND NOT EXISTS "
    "(SELECT 1 FROM episode WHERE incident_id = incident.id AND open) ORDER BY id LIMIT ?"
)
EPISODES_OF = "SELECT alert_id FROM episode WHERE incident_id = ? LIMIT ?"
FORGET_ALERT, FORGET_EPISODE = "DELETE FROM alert WHERE id = ?", "DELETE FROM episode WHERE alert_id = ?"
FORGET_TOUCH = "DELETE FROM touch WHERE alert_id = ?"
FORGET_INCIDENT, FORGET_TIMELINE = "DELETE FROM incident WHERE id = ?", "DELETE FROM timeline WHERE id <= ?"
INCIDENT_BY_NUMBER = f"{SELECT_INCIDENTS} WHERE number = ?"


def silence_values(silence: Silence) -> tuple[Any, ...]:
    """A tuple for UPSERT_SILENCE."""
    return (
        silence.id,
        to_json([str(m) for m in silence.matchers]),
        silence.starts_at,
        silence.ends_at,
        silence.created_by,
        silence.comment,
        silence.created_at,
    )


def silence_from(row: tuple[Any, ...]) -> Silence:
    """The silence of a row in the order of its columns."""
    values = dict(zip(columns(SilenceRow), row, strict=True))
    values["matchers"] = tuple(Matcher.parse(m) for m in msgspec.json.decode(values["matchers"]))
    return Silence(**values)


def chain_values(chain: Chain) -> tuple[Any, ...]:
    """A tuple for UPSERT_CHAIN."""
    return (chain.name, chain.last_id, chain.last_link, chain.base_id, chain.base_link)


SELECT_CHAINS = select(ChainRow)


INSERT_ITEM_EDIT = insert_into(ItemEditRow)
HELD_ITEM_EDITS = f"{select(ItemEditRow)} WHERE until IS NULL OR until > ? ORDER BY id"


def item_edit_values(edit: ItemEdit) -> tuple[Any, ...]:
    """A tuple for INSERT_ITEM_EDIT."""
    return (edit.id, edit.item, to_json(edit.values), edit.author, edit.reason, edit.at, edit.until)


def item_edit_from(row: tuple[Any, ...]) -> ItemEdit:
    """The edit of a row of HELD_ITEM_EDITS."""
    row_id, item, changes, author, reason, at, until = row
    values = msgspec.json.decode(changes)
    return ItemEdit(id=row_id, item=item, values=values, author=author, reason=reason, at=at, until=until)


UPSERT_LESSON = upsert(LessonRow)
LESSONS = f"{select(LessonRow)} ORDER BY at"
FORGET_LESSON = "DELETE FROM lesson WHERE what = ? AND one = ? AND other = ? AND place = ?"


def lesson_values(lesson: Lesson) -> tuple[Any, ...]:
    """A tuple for UPSERT_LESSON."""
    return (*lesson.key, to_json(lesson.said), lesson.by, lesson.at)


def lesson_from(row: tuple[Any, ...]) -> Lesson:
    """The lesson of a row of LESSONS."""
    values = dict(zip(columns(LessonRow), row, strict=True))
    return Lesson(**{**values, "said": [(incident, held) for incident, held in msgspec.json.decode(values["said"])]})
